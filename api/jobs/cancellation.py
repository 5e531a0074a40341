"""Cancelling a job: the request is noted in the job, and a worker carries it out."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.identity.auth import caller, writes_jobs
from api.identity.owned import own_job
from api.jobs.records import JobSchema, job_record
from api.jobs.schemas import CancellationSchema
from api.protocol.operations import returns, takes_optional_body
from api.services import services
from shared.errors import JobAlreadyEnded, JobNotFound, StoreUnavailable
from shared.job_changes import change_job
from shared.lifecycle import cancel_requested
from shared.models import Job

blueprint = Blueprint("cancellation", __name__)


@blueprint.post("/jobs/<job_id>/cancel")
@writes_jobs
@takes_optional_body(CancellationSchema)
@returns(
    JobSchema,
    HTTPStatus.ACCEPTED,
    problems=(JobNotFound, JobAlreadyEnded, StoreUnavailable),
)
def cancel_job(job_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Cancel a job.

    The job becomes FAILED with failureReason CANCELLED once its run has ended; a run that succeeds before that
    stays a success. Asking again changes nothing.
    """
    now, by = services().clock(), f"api:{caller().owner_id}"
    job = change_job(services().store, own_job(job_id), lambda seen: cancelled(seen, now, by, body["reason"]))
    return job_record(job, services().settings, now), HTTPStatus.ACCEPTED


def cancelled(job: Job, now: datetime, by: str, reason: str | None) -> Job:
    """The job with the request in it; the first request stands. Raises: JobAlreadyEnded."""
    if job.status.is_terminal:
        raise JobAlreadyEnded(f"The job is {job.status} and can no longer be cancelled.")
    if job.cancel_requested_at is not None:
        return job
    return cancel_requested(job, now, by, reason)
