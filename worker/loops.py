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
# Three refused connections take less, three that nobody answers more: such a turn shows no progress. The fault may be
# this process's own, and then a restart mends it.
HUNG_SECONDS = 8.0
# Longer than a message stays hidden: a turn that found none says nothing of the service that its handling needs.
SETTLED_SECONDS = 150.0


class Step(Protocol):
    """One of the worker's loops: what it is called, and one turn of it."""

    name: str

    def run_once(self, stopping: Callable[[], bool]) -> bool:
        """One turn; False asks for a pause before the next."""


class Loop:
    """Turns one step over and over in a thread of its own."""

    def __init__(
        self,
        name: str,
        step: Step,
        pause_seconds: Callable[[], float],
        stop: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._step = step
        self._pause_seconds = pause_seconds
        self._stop = stop
        self._monotonic = monotonic
        self._failures = 0
        self._failed_at: float | None = None
        self._turned_at = monotonic()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def age_seconds(self) -> float:
        """How long ago a turn, or a piece of one, finished, well or with a quick failure."""
        return self._monotonic() - self._turned_at

    def _is_stopping(self) -> bool:
        """Asked by the step between two pieces of its work, which shows that it gets on."""
        self._turned_at = self._monotonic()
        return self._stop.is_set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self._turn())

    def _turn(self) -> float:
        """One turn; the seconds to wait before the next."""
        began_at = self._monotonic()
        try:
            goes_on = self._step.run_once(self._is_stopping)
        except ServiceUnavailable as error:
            return self._back_off(began_at, error.detail)
        except Exception:
            # The outermost place: whatever it was, the message comes back and the job is due again.
            log.exception("loop_failed", loop=self.name)
            return self._back_off(began_at, "an unexpected error")
        self._failures = 0
        self._turned_at = self._monotonic()
        if self._failed_at is not None and self._turned_at - self._failed_at >= SETTLED_SECONDS:
            log.info("loop_recovered", loop=self.name)
            self._failed_at = None
        return 0.0 if goes_on else self._pause_seconds()

    def _back_off(self, began_at: float, reason: str) -> float:
        now = self._monotonic()
        if now - began_at < HUNG_SECONDS:
            self._turned_at = now
        self._failures += 1
        if self._failed_at is None:  # once per change, not per call
            log.warning("loop_pauses", loop=self.name, reason=reason)
        self._failed_at = now
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
