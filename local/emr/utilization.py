"""What a run uses and is billed, and the events that tell it of runs that are at work."""

from collections.abc import Callable
from typing import Any

from local.emr.events import EventOutbox
from local.emr.runs import Run
from local.emr.sizes import DISK_GB, Workers, workers_of
from local.emr.store import Store

# A worker is billed for a minute at least, and for the storage above what is free (20 GB).
SHORTEST_BILLED_SECONDS = 60
SECONDS_AN_HOUR = 3600


def used(run: Run, seconds: float) -> dict[str, float]:
    """The hours of each resource that a run used in so many seconds."""
    workers = workers_of(run.request)
    return _hours(workers, seconds, workers.disk_gb)


def billed(run: Run, seconds: float) -> dict[str, float]:
    """The hours of each resource that a run is billed for so many seconds."""
    workers = workers_of(run.request)
    return _hours(workers, max(seconds, SHORTEST_BILLED_SECONDS), workers.disk_gb - workers.count * DISK_GB)


def _hours(workers: Workers, seconds: float, disk_gb: int) -> dict[str, float]:
    """What the run asked for, for as long as it ran."""
    hours = seconds / SECONDS_AN_HOUR
    return {
        "vCPUHour": round(workers.vcpu * hours, 3),
        "memoryGBHour": round(workers.memory_gb * hours, 3),
        "storageGBHour": round(disk_gb * hours, 3),
    }


class UtilizationEvents:
    """Tells of each run at work, period after period, what it is billed so far.

    What was told is only remembered here: after a restart the last event comes once more, as EventBridge's may.
    """

    def __init__(self, outbox: EventOutbox, period_seconds: float, now_ms: Callable[[], int]) -> None:
        self._outbox, self._period_ms, self._now_ms = outbox, round(period_seconds * 1000), now_ms
        self._told: dict[str, int] = {}

    def tell(self, store: Store) -> None:
        """Keep the events that are due of the runs at work; those that are over are forgotten."""
        now, told = self._now_ms(), {}
        for run in store.running_since(now - self._period_ms):
            periods = (now - (run.started_ms or now)) // self._period_ms
            if periods > self._told.get(run.run_id, 0):
                self._outbox.add_utilization(run, now, self._figures(run, now))
            told[run.run_id] = periods
        self._told = told

    def _figures(self, run: Run, now: int) -> dict[str, Any]:
        seconds = (now - (run.started_ms or now)) / 1000
        return {
            "resourceUtilizationFinal": False,
            "totalResourceUtilization": used(run, seconds),
            "totalBilledResourceUtilization": billed(run, seconds),
        }
