"""The tool that compares two documents."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Compare = Callable[[Path, Path], tuple[int, str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--oasdiff", type=Path, help="the program oasdiff; scripts/oasdiff.sh builds it")


@pytest.fixture(scope="session")
def breaking_changes(request: pytest.FixtureRequest) -> Compare:
    """Compares two documents: 0 if nothing breaks, and what it printed."""
    program = request.config.getoption("--oasdiff", None)
    if program is None:
        raise pytest.UsageError("Run `make api-changes`.")

    def compare(old: Path, new: Path) -> tuple[int, str]:
        command = [program, "breaking", old, new, "--fail-on", "WARN"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return ended.returncode, ended.stdout + ended.stderr

    return compare
