"""Jobs: submit one, look at one."""

from http import HTTPStatus

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.identity.auth import reads_jobs, writes_jobs
from api.identity.owned import own_job
from api.jobs.dry_runs import DryRunSchema, dry_run
from api.jobs.records import JobSchema, job_record
from api.jobs.schemas import IdempotencySchema, SubmissionQuerySchema, SubmissionSchema
from api.jobs.submission import REPLAYED, as_submitted
from api.jobs.submitting import submit
from api.protocol.operations import returns, takes_body, takes_nothing
from api.services import services
from shared.errors import (
    DatasetHeldBack,
    IdempotencyKeyReused,
    JobNotFound,
    ObjectsUnavailable,
    QuotaExceeded,
    StoreUnavailable,
)
from shared.submission import Submission

blueprint = Blueprint("jobs", __name__)


@blueprint.post("/jobs")
@writes_jobs
@takes_body(SubmissionSchema, headers=IdempotencySchema, query=SubmissionQuerySchema)
@returns(DryRunSchema)
@returns(
    JobSchema,
    HTTPStatus.ACCEPTED,
    problems=(DatasetHeldBack, IdempotencyKeyReused, QuotaExceeded, StoreUnavailable, ObjectsUnavailable),
    headers={"Location": "The path of the job.", REPLAYED: "true, if the job was made by an earlier request."},
)
def submit_job(body: Submission, headers: dict[str, str | None], query: dict[str, bool]) -> ResponseReturnValue:
    """Submit a job.

    Answers as soon as the job is stored, which means that it will be run, whatever fails after that. Send an
    Idempotency-Key to be able to repeat a request whose answer was lost: the answer is then the same as the first.

    With dryRun=true everything is checked and nothing is stored: the answer is 200, with the request that EMR
    Serverless would get, what it would cost an hour, and what you use of your quotas.
    """
    if query["dry_run"]:
        return dry_run(body, headers["idempotency_key"])
    submitted = submit(body, headers["idempotency_key"])
    record = job_record(as_submitted(submitted.job), services().settings, submitted.job.created_at)
    replayed = {REPLAYED: "true"} if submitted.is_replay else {}
    return record, HTTPStatus.ACCEPTED, {"Location": record["links"]["self"], **replayed}


@blueprint.get("/jobs/<job_id>")
@reads_jobs
@takes_nothing
@returns(JobSchema, problems=(JobNotFound, StoreUnavailable))
def get_job(job_id: str) -> ResponseReturnValue:
    """Look at a job."""
    return job_record(own_job(job_id), services().settings, services().clock())
