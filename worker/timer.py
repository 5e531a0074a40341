"""Finds what is due, takes it over, and hands it to `advance`. The only one that acts for what another left."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from shared.errors import JobNotFound, ServiceUnavailable, StoredJobUnreadable
from shared.job_store import JobStore, Won
from shared.lifecycle import taken_over
from shared.models import DUE_SHARDS
from shared.settings import Settings
from worker.advance import Advance
from worker.beats import Beats
from worker.decide import NOTHING_YET
from worker.metrics import DUE_LAG_SECONDS

log = structlog.get_logger()

# A job that cannot be handled is left alone for longer and longer, and never keeps the others waiting.
FAILURE_BASE = timedelta(seconds=60)
FAILURE_CAP = timedelta(seconds=900)
FAILURES_IN_A_ROW = 10


class Timer:
    """One pass looks at every shard of the due index, in random order, and moves on what is due."""

    name = "timer"

    def __init__(
        self,
        store: JobStore,
        advance: Advance,
        settings: Settings,
        clock: Callable[[], datetime],
        shuffle: Callable[[list[str]], None] = random.shuffle,
    ) -> None:
        self._store = store
        self._advance = advance
        self._settings = settings
        self._clock = clock
        self._shuffle = shuffle
        self._permit = advance.new_permit()
        self._beats = Beats(clock)
        self._failures: dict[str, tuple[int, datetime]] = {}

    def run_once(self, stopping: Callable[[], bool]) -> bool:
        """Handle what is due now. Raises: ServiceUnavailable; what was taken is due again when its hold ends."""
        shards = [f"{number:02d}" for number in range(DUE_SHARDS)]
        self._shuffle(shards)
        for shard in shards:
            # Those set aside stay due, in front of the others.
            most = self._settings.due_batch + len(self._failures)
            due_ids = self._store.due_ids(shard, self._clock(), most)
            self._beats.tell()
            for job_id in due_ids:
                if stopping():
                    return False
                self._handle_carefully(job_id)
                self._beats.tell()
        return False

    def _handle_carefully(self, job_id: str) -> None:
        """One bad item must not stop the pass; a service that is down must."""
        if self._is_set_aside(job_id):
            return
        try:
            self._handle(job_id)
        except ServiceUnavailable:
            raise
        except JobNotFound:
            return
        except StoredJobUnreadable as error:
            self._set_aside(job_id, error.detail)
        except Exception as error:
            # The outermost place for one job: whatever it is, the others must not wait for it.
            self._set_aside(job_id, repr(error))
        else:
            self._failures.pop(job_id, None)

    def _handle(self, job_id: str) -> None:
        job = self._store.get(job_id)
        now = self._clock()
        if job.due_at is None or job.due_at > now:
            return  # the index lags: somebody acted since
        if job_id not in self._failures:  # those have an event of their own, and no further worker would help them
            self._beats.saw(now - job.due_at)
        taken = self._store.update(job, taken_over(job, now, self._settings))
        if isinstance(taken, Won):
            DUE_LAG_SECONDS.observe((now - job.due_at).total_seconds())
            self._advance(taken.job, NOTHING_YET, self._permit, mine=True)

    def _is_set_aside(self, job_id: str) -> bool:
        count, until = self._failures.get(job_id, (0, self._clock()))
        return count >= FAILURES_IN_A_ROW or self._clock() < until

    def _set_aside(self, job_id: str, reason: str) -> None:
        count = self._failures.get(job_id, (0, None))[0] + 1
        wait = min(FAILURE_CAP, FAILURE_BASE * 2 ** (count - 1))
        self._failures[job_id] = (count, self._clock() + wait)
        log.error("job_set_aside", job_id=job_id, failures=count, wait_seconds=wait.total_seconds(), reason=reason)
