"""One API for each test."""

import pytest

from tests.unit.api.service import Api


@pytest.fixture
def api() -> Api:
    """An API with nothing in it but one input."""
    return Api()
