"""Jobs: submit one, look at one, list them."""

from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from api import examples
from api.auth import caller, reads_jobs, writes_jobs
from api.checks import check_submission
from api.cursors import cursor_to, position_of
from api.ids import keyed_job_id
from api.operations import returns, takes_body, takes_nothing, takes_query
from api.owned import listed_owner, own_job
from api.records import JobPageSchema, JobSchema, job_record
from api.schemas import IdempotencySchema, ListQuery, ListQuerySchema, SubmissionSchema
from api.services import services
from api.submission import REPLAYED, as_submitted
from shared.errors import (
    AppError,
    BadCursor,
    IdempotencyKeyReused,
    JobNotFound,
    ObjectsUnavailable,
    QueueUnavailable,
    QuotaExceeded,
    StoreUnavailable,
)
from shared.job_queue import job_message
from shared.job_store import Refused
from shared.lifecycle import waiting
from shared.models import Job
from shared.quotas import limits_of
from shared.submission import Origin, Submission, build_job, digest_of

log = structlog.get_logger()
blueprint = Blueprint("jobs", __name__)


@dataclass(frozen=True)
class Submitted:
    """The job that a submission made, or had made before."""

    job: Job
    is_replay: bool


@blueprint.post("/jobs")
@writes_jobs
@takes_body(SubmissionSchema, examples.submission, headers=IdempotencySchema)
@returns(
    JobSchema,
    examples.submitted_job,
    HTTPStatus.ACCEPTED,
    problems=(IdempotencyKeyReused, QuotaExceeded, StoreUnavailable, ObjectsUnavailable),
    headers={"Location": "The path of the job.", REPLAYED: "true, if the job was made by an earlier request."},
)
def submit_job(body: Submission, headers: dict[str, str | None]) -> ResponseReturnValue:
    """Submit a job.

    Answers as soon as the job is stored, which means that it will be run, whatever fails after that. Send an
    Idempotency-Key to be able to repeat a request whose answer was lost: the answer is then the same as the first.
    """
    key = headers["idempotency_key"]
    submitted = submit_new(body) if key is None else submit_once(body, key)
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


def submit_new(asked: Submission) -> Submitted:
    """A job of its own for every call."""
    return store_and_send(asked, services().new_job_id(services().clock()))


def submit_once(asked: Submission, key: str) -> Submitted:
    """One job for a key, however often it is called. Raises: IdempotencyKeyReused."""
    job_id = keyed_job_id(caller().owner_id, key)
    try:
        # Before all checks: what was accepted stays accepted, although its inputs may be gone by now.
        return replay_of(services().store.get(job_id), asked)
    except JobNotFound:
        return store_and_send(asked, job_id)


def store_and_send(asked: Submission, job_id: str) -> Submitted:
    """Check a submission, store its job and send its message.

    Raises: ValidationFailed, QuotaExceeded, ObjectsUnavailable, StoreUnavailable, IdempotencyKeyReused.
    """
    settings, now = services().settings, services().clock()
    job_type = check_submission(asked, settings, services().objects)
    origin = Origin(job_id, caller().owner_id, g.correlation_id, now)
    outcome = services().store.create(build_job(asked, job_type, origin, settings), limits_of(settings))
    if isinstance(outcome, Refused):
        if outcome.job is None:
            raise StoreUnavailable(f"The job {job_id} was there and is gone.")
        return replay_of(outcome.job, asked)
    log.info("job_submitted", job_id=job_id, job_type=job_type.name)
    send_message(outcome.job)
    return Submitted(outcome.job, is_replay=False)


def replay_of(stored: Job, asked: Submission) -> Submitted:
    """The answer to a repeated request. Raises: IdempotencyKeyReused if it is another request."""
    if stored.request_digest != digest_of(asked):
        raise IdempotencyKeyReused(
            f"The Idempotency-Key made job {stored.job_id} from another body; use a new key for a new job."
        )
    return Submitted(stored, is_replay=True)


def send_message(job: Job) -> None:
    """Tell the workers. What cannot be sent is not lost: the job is due at once, and their timer finds it."""
    try:
        services().queue.send(job_message(job.job_id), {"correlationId": job.correlation_id})
    except QueueUnavailable as error:
        log.warning("job_message_not_sent", job_id=job.job_id, reason=error.detail)
        make_due(job)


def make_due(job: Job) -> None:
    """Let the timer find the job now, or else after its grace."""
    now = services().clock()
    try:
        services().store.update(job, waiting(job, now, now))
    except AppError as error:  # the job is stored, and that is all that was promised
        log.warning("job_not_made_due", job_id=job.job_id, due_at=str(job.due_at), reason=error.detail)
