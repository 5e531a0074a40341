"""How much is tried, and what was tried, told at the end."""

import pytest
import structlog

from tests.simulation.checker import CHECKED
from tests.simulation.tally import SEED, TRIED


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="try every schedule of the simulation, not a sample")


def pytest_sessionfinish(session):
    """One of several processes hands on what it tried."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["simulation"] = [dict(TRIED), dict(CHECKED)]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """What such a process tried counts with the rest."""
    for total, part in zip((TRIED, CHECKED), node.workeroutput.get("simulation", ()), strict=False):
        total.update(part)


def pytest_terminal_summary(terminalreporter, config):
    if not CHECKED:
        return
    terminalreporter.section("simulation")
    for name, count in TRIED.items():
        terminalreporter.line(f"{name}: {count:,}")
    terminalreporter.line(f"invariants checked: {len(CHECKED)} of them, {sum(CHECKED.values()):,} times")
    if config.getoption("--full", default=False):
        for name, count in sorted(CHECKED.items()):
            terminalreporter.line(f"  {name}: {count:,}")
    else:
        terminalreporter.line(f"sampled with the seed {SEED}; all of it with --full")


@pytest.fixture(scope="session")
def full(request) -> bool:
    return bool(request.config.getoption("--full", default=False))


@pytest.fixture(autouse=True)
def _quiet():
    """Writing log lines would take most of the time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)
