"""Operators' commands send their log lines to stderr, for as long as the process lasts."""

import pytest


@pytest.fixture(autouse=True)
def _as_found(_plain_logging_after: None) -> None:
    """Each test leaves logging as it found it."""
