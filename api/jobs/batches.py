"""Many submissions in one request: one result for each, in their order, and none stands in the way of another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, post_load, validate

from api.identity.auth import caller, writes_jobs
from api.ids import keyed_job_id
from api.jobs.inputs import Inputs, RememberedInputs
from api.jobs.records import JobSchema, job_record
from api.jobs.schemas import KEY_PATTERN, WRONG_KEY, SubmissionSchema
from api.jobs.submission import as_submitted
from api.jobs.submitting import Submitted, job_id_of, send_messages, submit_as
from api.protocol.answers import list_of, number
from api.protocol.errors import problem_document, seen_by_clients
from api.protocol.fields import FullMatch, StrictSchema
from api.protocol.operations import load_with, returns, takes_body
from api.protocol.pointers import pointing
from api.protocol.problem_schema import ProblemSchema
from api.services import services
from shared.errors import AppError, QuotaExceeded, ServiceUnavailable, StoreUnavailable
from shared.models import Job
from shared.submission import Submission

log = structlog.get_logger()
blueprint = Blueprint("batches", __name__)

MOST_SUBMISSIONS = 100
# After it no submission is begun, so that the answer comes before clients and balancers give up (ALB: 60 s).
LONGEST = timedelta(seconds=20)
# What one submission meets, all that follow would meet too, and slowly.
STOPPING = (ServiceUnavailable, QuotaExceeded)


@dataclass(frozen=True)
class Entry:
    """One submission of a batch."""

    asked: Submission
    key: str | None


class EntrySchema(SubmissionSchema):
    """A submission, and the key that makes it safe to repeat."""

    idempotency_key = fields.String(
        data_key="idempotencyKey", load_default=None, validate=FullMatch(KEY_PATTERN, error=WRONG_KEY)
    )

    @post_load
    def make(self, loaded: dict[str, Any], **options: Any) -> Entry:
        """The entry."""
        key = loaded.pop("idempotency_key")
        return Entry(super().make(loaded, **options), key)


class BatchSchema(StrictSchema):
    """Many submissions."""

    jobs = fields.List(
        fields.Dict(keys=fields.String(), metadata={"additionalProperties": True}),
        required=True,
        validate=validate.Length(1, MOST_SUBMISSIONS),
        metadata={
            "description": (
                "Each as the body of POST /jobs, and an idempotencyKey of its own if it is to be safe to repeat. What "
                "is wrong with one is said in its own result."
            )
        },
    )


BatchItemSchema = Schema.from_dict(
    {
        "status": number("What POST /jobs would have answered."),
        "job": fields.Nested(JobSchema, required=True, allow_none=True, metadata={"description": "The job, if 202."}),
        "replayed": fields.Boolean(required=True, metadata={"description": "Whether an earlier request made the job."}),
        "problem": fields.Nested(
            ProblemSchema, required=True, allow_none=True, metadata={"description": "What is wrong, unless 202."}
        ),
    },
    name="BatchItemSchema",
)

BatchResultSchema = Schema.from_dict(
    {"items": list_of(BatchItemSchema, "One for each submission, in their order.")}, name="BatchResultSchema"
)


@blueprint.post("/jobs/batch")
@writes_jobs
@takes_body(BatchSchema, most_bytes=lambda: services().settings.max_batch_body_bytes)
@returns(BatchResultSchema, problems=(StoreUnavailable,))
def submit_batch(body: Mapping[str, Any]) -> ResponseReturnValue:
    """Submit up to 100 jobs.

    Answers 200 with one result for each, whatever became of it: what POST /jobs would have answered. When a service
    is away or takes too long, the rest gets 503 and was not begun. Give each an idempotencyKey to be able to send the
    whole batch again.
    """
    entries = [read_entry(given, place) for place, given in enumerate(body["jobs"])]
    outcomes = list(submit_all(entries))
    send_messages([each.job for each in outcomes if isinstance(each, Submitted) and not each.is_replay])
    return {"items": [result_record(each) for each in outcomes]}


def read_entry(given: Mapping[str, Any], place: int) -> Entry | AppError:
    """One submission of a body, or what is wrong with its shape."""
    try:
        entry: Entry = load_with(EntrySchema, given, f"/jobs/{place}")
    except AppError as error:
        return error
    return entry


def submit_all(entries: Sequence[Entry | AppError]) -> Iterator[Submitted | Exception]:
    """What became of each. Raises: StoreUnavailable before anything was stored."""
    known, inputs, deadline = made_before(entries), RememberedInputs(services().objects), services().clock() + LONGEST
    stopped_by: Exception | None = None
    for place, entry in enumerate(entries):
        if stopped_by is None and services().clock() > deadline:
            stopped_by = ServiceUnavailable(f"The batch took more than {LONGEST.total_seconds():.0f} s.")
        if isinstance(entry, AppError):
            outcome: Submitted | Exception = entry
        elif stopped_by is not None and job_id_of(entry.key) not in known:
            outcome = stopped_by
        else:  # what was accepted before is answered whatever stops new ones
            outcome = submit_one(entry, place, known, inputs)
        if isinstance(outcome, STOPPING):
            stopped_by = outcome
        yield outcome


def made_before(entries: Sequence[Entry | AppError]) -> dict[str, Job]:
    """The jobs that the batch's keys have made already, by id, in one read. Raises: StoreUnavailable."""
    keys = {entry.key for entry in entries if isinstance(entry, Entry) and entry.key is not None}
    ids = [keyed_job_id(caller().owner_id, key) for key in sorted(keys)]
    return {job.job_id: job for job in services().store.get_many(ids)}


def submit_one(entry: Entry, place: int, known: Mapping[str, Job], inputs: Inputs) -> Submitted | Exception:
    """What became of one submission; its error is a result like any other."""
    job_id = job_id_of(entry.key)
    try:
        with pointing(lambda pointer: f"/jobs/{place}{pointer}"):
            return submit_as(entry.asked, job_id, known.get(job_id), inputs)
    except Exception as error:  # a bug too: the answers of those that were stored must not be lost
        return error


def result_record(outcome: Submitted | Exception) -> dict[str, Any]:
    """A result as `BatchItemSchema` says."""
    if isinstance(outcome, Submitted):
        record = job_record(as_submitted(outcome.job), services().settings, outcome.job.created_at)
        return {"status": HTTPStatus.ACCEPTED, "job": record, "replayed": outcome.is_replay, "problem": None}
    error, detail, _ = seen_by_clients(outcome)
    problem = problem_document(error, detail, g.correlation_id)
    return {"status": error.http_status, "job": None, "replayed": False, "problem": problem}
