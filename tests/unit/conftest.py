"""What tests of one process must give back to those after them."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def _plain_logging_after() -> Iterator[None]:
    """Give logging back as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
