"""Runs the worker's loops in threads: backs off while a service is down, stops on a signal, tells its health."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from shared.errors import ServiceUnavailable

log = structlog.get_logger()

LONGEST_BACKOFF_SECONDS = 30.0
# Longer than a long poll and the slowest handling together.
STALE_SECONDS = 60.0


class Step(Protocol):
    """One of the worker's loops: what it is called, and one turn of it."""

    name: str

    def run_once(self, stopping: Callable[[], bool]) -> bool:
        """One turn; False asks for a pause before the next."""


class Loop:
    """Turns one step over and over in a thread of its own."""

    def __init__(self, name: str, step: Step, pause_seconds: Callable[[], float], stop: threading.Event) -> None:
        self.name = name
        self._step = step
        self._pause_seconds = pause_seconds
        self._stop = stop
        self._failures = 0
        self._turned_at = time.monotonic()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def age_seconds(self) -> float:
        """How long ago a turn, or a piece of one, finished, well or badly."""
        return time.monotonic() - self._turned_at

    def _is_stopping(self) -> bool:
        """Asked by the step between two pieces of its work, which shows that it gets on."""
        self._turned_at = time.monotonic()
        return self._stop.is_set()

    def _run(self) -> None:
        while not self._stop.is_set():
            pause_seconds = self._turn()
            self._turned_at = time.monotonic()
            self._stop.wait(pause_seconds)

    def _turn(self) -> float:
        """One turn; the seconds to wait before the next."""
        try:
            goes_on = self._step.run_once(self._is_stopping)
        except ServiceUnavailable as error:
            return self._back_off(error.detail)
        except Exception:
            # The outermost place: whatever it was, the message comes back and the job is due again.
            log.exception("loop_failed", loop=self.name)
            return self._back_off("an unexpected error")
        if self._failures:
            log.info("loop_recovered", loop=self.name, failures=self._failures)
            self._failures = 0
        return 0.0 if goes_on else self._pause_seconds()

    def _back_off(self, reason: str) -> float:
        self._failures += 1
        if self._failures == 1:  # once per change, not per call
            log.warning("loop_pauses", loop=self.name, reason=reason)
        return random.uniform(0.5, 1.0) * min(LONGEST_BACKOFF_SECONDS, 2.0 ** min(self._failures, 10))


def run_until_stopped(loops: Sequence[Loop], stop: threading.Event, drain_seconds: float) -> bool:
    """Run the loops until `stop` is set; whether all of them came to rest within `drain_seconds` after it."""
    for loop in loops:
        loop.thread.start()
    stop.wait()
    deadline = time.monotonic() + drain_seconds
    for loop in loops:
        loop.thread.join(max(0.0, deadline - time.monotonic()))
    return not any(loop.thread.is_alive() for loop in loops)
