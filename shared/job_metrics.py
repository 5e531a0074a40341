"""Counts what happens to jobs, from the two images of each write that was won.

How many jobs are in a status is not asked of the table: it is what moved there less what moved on.
"""

from datetime import datetime

from prometheus_client import Counter, Histogram

from shared.job_types import JOB_TYPES
from shared.metrics import METRICS, UNKNOWN
from shared.models import Job
from shared.transitions import JobStatus

# What a job that is stored for the first time comes from.
NONE = "NONE"
MINUTE, HOUR = 60, 3600

TRANSITIONS = Counter(
    "cdp_job_transitions_total",
    "Moves of jobs from one status to another, from NONE when they are submitted",
    ["from_status", "to_status"],
    registry=METRICS,
)
ATTEMPTS = Counter("cdp_job_attempts_total", "Attempts that were begun", ["job_type"], registry=METRICS)
ATTEMPTS_ENDED = Counter(
    "cdp_job_attempts_ended_total",
    "Attempts that ended, by succeeded or the class of their failure",
    ["job_type", "result"],
    registry=METRICS,
)
QUEUED_SECONDS = Histogram(
    "cdp_job_queued_seconds",
    "From a job's submission to RUNNING",
    ["job_type"],
    buckets=(1, 5, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR),
    registry=METRICS,
)
RUNNING_SECONDS = Histogram(
    "cdp_job_running_seconds",
    "From RUNNING to a job's end, by SUCCEEDED or the reason of its failure",
    ["job_type", "outcome"],
    buckets=(30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR),
    registry=METRICS,
)


def count_change(before: Job | None, after: Job) -> None:
    """Count what a won write changed; `before` is None for a job that is new."""
    if before is None:
        TRANSITIONS.labels(NONE, after.status).inc()
        return
    job_type = label_of_type(after.request.job_type)
    if after.attempt > before.attempt:
        ATTEMPTS.labels(job_type).inc()
    if last_attempt(after) > last_attempt(before):
        failure = after.attempts[-1].failure
        ATTEMPTS_ENDED.labels(job_type, "succeeded" if failure is None else failure.failure_class).inc()
    if after.status is not before.status:
        _count_move(before, after, job_type)


def _count_move(before: Job, after: Job, job_type: str) -> None:
    TRANSITIONS.labels(before.status, after.status).inc()
    if after.status is JobStatus.RUNNING:
        QUEUED_SECONDS.labels(job_type).observe(seconds_between(after.created_at, after.updated_at))
    began_at = began_running_at(before)
    if after.status.is_terminal and began_at is not None:
        outcome = after.failure_reason or after.status
        RUNNING_SECONDS.labels(job_type, outcome).observe(seconds_between(began_at, after.updated_at))


def label_of_type(job_type: str) -> str:
    """The job type, if this release has one of that name."""
    return job_type if job_type in JOB_TYPES else UNKNOWN


def last_attempt(job: Job) -> int:
    """The number of the last attempt that ended; 0 before any did."""
    return job.attempts[-1].attempt if job.attempts else 0


def began_running_at(job: Job) -> datetime | None:
    """When a job became RUNNING, by its history."""
    moves = (e.at for e in job.history if e.moved_to is JobStatus.RUNNING and e.moved_from is not JobStatus.RUNNING)
    return next(moves, None)


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Never less than nothing: two machines' clocks are not the same."""
    return max(0.0, (later - earlier).total_seconds())
