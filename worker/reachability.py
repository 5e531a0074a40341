"""Whether a service answers: said in the log once when that changes, however many calls notice it."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger()

# A service that throttles, or comes and goes, answers some calls: it is back when none failed for this long.
SETTLED = timedelta(seconds=10)


class Reachability:
    """What the calls of a process to one service have met; shared by its threads."""

    def __init__(self, service: str, clock: Callable[[], datetime]) -> None:
        self._service = service
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._failed_at: datetime | None = None

    def failed(self, reason: str) -> None:
        """A call was not answered, or refused for now."""
        with self._lock:
            self._failures += 1
            self._failed_at = self._clock()
            if self._failures == 1:
                log.warning("service_is_silent", of=self._service, reason=reason)

    def answered(self) -> None:
        """A call was answered."""
        with self._lock:
            if self._failed_at is not None and self._clock() - self._failed_at >= SETTLED:
                log.info("service_answers", of=self._service, failures=self._failures)
                self._failures, self._failed_at = 0, None
