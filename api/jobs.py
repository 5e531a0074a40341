"""Jobs: submit one, look at one, list them."""

from http import HTTPStatus

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api import examples
from api.auth import reads_jobs, writes_jobs
from api.cursors import cursor_to, position_of
from api.dry_runs import DryRunSchema, dry_run
from api.dry_runs import example as examples_of_dry_run
from api.operations import returns, takes_body, takes_nothing, takes_query
from api.owned import listed_owner, own_job
from api.records import JobPageSchema, JobSchema, job_record
from api.schemas import IdempotencySchema, ListQuery, ListQuerySchema, SubmissionQuerySchema, SubmissionSchema
from api.services import services
from api.submission import REPLAYED, as_submitted
from api.submitting import submit
from shared.errors import (
    BadCursor,
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
@takes_body(SubmissionSchema, examples.submission, headers=IdempotencySchema, query=SubmissionQuerySchema)
@returns(DryRunSchema, examples_of_dry_run)
@returns(
    JobSchema,
    examples.submitted_job,
    HTTPStatus.ACCEPTED,
    problems=(IdempotencyKeyReused, QuotaExceeded, StoreUnavailable, ObjectsUnavailable),
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
    record = job_record(as_submitted(submitted.job), services().settings)
    replayed = {REPLAYED: "true"} if submitted.is_replay else {}
    return record, HTTPStatus.ACCEPTED, {"Location": record["links"]["self"], **replayed}


@blueprint.get("/jobs/<job_id>")
@reads_jobs
@takes_nothing
@returns(JobSchema, examples.succeeded_job, problems=(JobNotFound, StoreUnavailable))
def get_job(job_id: str) -> ResponseReturnValue:
    """Look at a job."""
    return job_record(own_job(job_id), services().settings)


@blueprint.get("/jobs")
@reads_jobs
@takes_query(ListQuerySchema)
@returns(JobPageSchema, examples.job_page, problems=(BadCursor, StoreUnavailable))
def list_jobs(query: ListQuery) -> ResponseReturnValue:
    """List your jobs, the newest first.

    Follow nextCursor until it is null. No job is shown twice or left out while others are added.
    """
    owner_id, key = listed_owner(query.owner), services().settings.cursor_signing_key
    after = None if query.cursor is None else position_of(query.cursor, owner_id, query.status, key)
    page = services().store.list_page(owner_id, query.status, query.limit, after)
    # The index may lag behind: what the jobs themselves say counts.
    jobs = [job for job in services().store.get_many(page.job_ids) if query.status in (None, job.status)]
    following = None if page.last_key is None else cursor_to(page.last_key, owner_id, query.status, key)
    return {"items": [job_record(job, services().settings) for job in jobs], "nextCursor": following}
