"""The worker's pulse in its log: `worker_beat`, from which alarms and scaling learn that jobs are looked at in time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger()

EVERY = timedelta(seconds=60)


class Beats:
    """Tells about once a minute how many jobs were due since the last beat, and how long overdue the oldest was."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._told_at: datetime | None = None
        self._oldest = timedelta()
        self._jobs = 0

    def saw(self, overdue: timedelta) -> None:
        """A job's turn came so long after it was due."""
        self._oldest = max(self._oldest, overdue)
        self._jobs += 1

    def tell(self) -> None:
        """Called whenever the due index was read, so that silence means that nothing due can be found."""
        now = self._clock()
        if self._told_at is not None and now - self._told_at < EVERY:
            return
        log.info("worker_beat", oldest_due_seconds=round(self._oldest.total_seconds(), 1), due_jobs=self._jobs)
        self._told_at, self._oldest, self._jobs = now, timedelta(), 0
