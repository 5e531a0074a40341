"""A job as the answer to its submission shows it, the first time and whenever it is repeated."""

from dataclasses import MISSING, fields, replace

from shared.models import Job
from shared.transitions import JobStatus

# The header of an answer that repeats an earlier one.
REPLAYED = "Idempotency-Replayed"


# What some jobs have from their submission on; all else that a job need not have comes later.
FROM_THE_START = {"replay_of", "scan_of", "keep_days", "traceparent"}
LATER = {
    field.name: field.default
    for field in fields(Job)
    if field.default is not MISSING and field.name not in FROM_THE_START
}


def as_submitted(job: Job) -> Job:
    """The job as it was when it was submitted, whatever happened to it since."""
    return replace(
        job,
        status=JobStatus.SUBMITTED,
        updated_at=job.created_at,
        status_message=job.history[0].message,
        attempt=0,
        charged_failures=0,
        history=job.history[:1],
        **LATER,
    )
