"""The options of the trials with real processes, and a platform behind proxies."""

import pytest

from tests.acceptance.chaos.trial import Trial, start_trial

DEFAULT_SEED = 20261123
DEFAULT_OUTAGE_SECONDS = 15.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seed", type=int, default=DEFAULT_SEED, help="what the killer does, and to whom")
    parser.addoption("--outage-seconds", type=float, default=DEFAULT_OUTAGE_SECONDS, help="how long services are away")


# The options are unknown to a run that was started above this folder: then the defaults hold.
@pytest.fixture(scope="session")
def chaos_seed(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--chaos-seed", DEFAULT_SEED)


@pytest.fixture(scope="session")
def outage_seconds(request: pytest.FixtureRequest) -> float:
    return request.config.getoption("--outage-seconds", DEFAULT_OUTAGE_SECONDS)


@pytest.fixture(scope="module")
def trial():
    # The timer costs CPU whether services are there or not; so often is still quick.
    with start_trial(workers=2, TIMER_SECONDS="2") as started:
        yield started


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print a line that is seen although the test passes."""
    with capsys.disabled():
        print(f"\n{text}")


__all__ = ["Trial", "say"]
