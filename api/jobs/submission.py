"""A job as the answer to its submission shows it, the first time and whenever it is repeated."""

from dataclasses import replace

from shared.models import Job
from shared.transitions import JobStatus

# The header of an answer that repeats an earlier one.
REPLAYED = "Idempotency-Replayed"


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
        due_at=None,
        intent_at=None,
        run_id=None,
        cancel_requested_at=None,
        reported=None,
        finished_at=None,
        failure_reason=None,
        failure_detail=None,
        dlq_pending=False,
        scan_pending=False,
        duty_tries=0,
        replayed_by=(),
        attempts=(),
        manifest_sha256=None,
        went_bigger=False,
        delay=None,
        run_state=None,
        run_began_at=None,
    )
