"""Jobs that nobody looked at when somebody should have: past their `due_at` by more than a margin."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import JobNotFound, StoredJobUnreadable
from shared.job_store import JobStore
from shared.models import DUE_SHARDS, Job
from shared.transitions import JobStatus

# A page of the index; more overdue jobs in one of its shards than this are not all told.
MOST_OF_A_SHARD = 1000


@dataclass(frozen=True)
class StuckJob:
    """A job that is overdue: since when, and what it waits for. One that cannot be read has an id and a reason only."""

    job_id: str
    waits_for: str
    job: Job | None = None

    @property
    def due_at(self) -> datetime | None:
        """Since when it is due."""
        return None if self.job is None else self.job.due_at


def stuck_jobs(store: JobStore, now: datetime, margin: timedelta) -> list[StuckJob]:
    """The overdue jobs, the longest overdue first. Raises: StoreUnavailable."""
    found = [stuck for job_id in _overdue_ids(store, now - margin) if (stuck := _look(store, job_id, now - margin))]
    return sorted(found, key=lambda stuck: (stuck.due_at is not None, stuck.due_at or now, stuck.job_id))


def _overdue_ids(store: JobStore, before: datetime) -> Iterator[str]:
    for number in range(DUE_SHARDS):
        yield from store.due_ids(f"{number:02d}", before, MOST_OF_A_SHARD)


def _look(store: JobStore, job_id: str, before: datetime) -> StuckJob | None:
    """The job, if it is overdue indeed: the index only nominates."""
    try:
        job = store.get(job_id)
    except JobNotFound:
        return None
    except StoredJobUnreadable as error:
        return StuckJob(job_id, f"Every worker sets it aside: {error.detail}")
    if job.due_at is None or job.due_at > before:
        return None
    return StuckJob(job_id, waits_for(job), job)


def phase_of(job: Job) -> str:
    """Where the job is, more exactly than its status says."""
    if job.is_tracking:
        return "tracking"
    if job.is_starting:
        return "starting"
    return "between attempts" if job.is_idle else job.status.lower()


def waits_for(job: Job) -> str:
    """What a worker's timer should have done by now, as a sentence."""
    if job.status.is_terminal:
        return ended_and_owes(job)
    if job.status is JobStatus.SUBMITTED:
        return "It waits for a worker, or for a permit to start its first run."
    if job.cancel_requested_at is not None:
        return "Its cancellation was asked for; a worker has to end it."
    if job.is_tracking:
        return f"A worker has to look at run {job.run_id}."
    if job.is_starting:
        return f"A worker has to find out whether run {job.run_name} began."
    return f"It waits for a worker, or for a permit to start attempt {job.attempt + 1}."


def ended_and_owes(job: Job) -> str:
    """What an ended job still waits for."""
    if not job.owes:
        return f"What its runs cost is not known; EMR Serverless was asked {job.bill_tries} times."
    owed = "Its dead letter" if job.dlq_pending else "What its scan found"
    return f"{owed} is owed; {job.duty_tries} tries failed."
