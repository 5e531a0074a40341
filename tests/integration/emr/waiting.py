"""Waiting in tests: for a condition, with a deadline, and never for a guessed time."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")
LOOK_SECONDS = 0.02


def wait_for(look: Callable[[], Value], what: str, seconds: float = 20.0) -> Value:
    """The first true value that `look` returns; fails the test with `what` when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}; last seen: {value!r}"
        time.sleep(LOOK_SECONDS)
