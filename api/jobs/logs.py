"""What a job's driver printed: the end of it as text, and all of it by a link."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, post_load, validate

from api.identity.auth import caller, reads_logs
from api.identity.owned import own_job
from api.jobs.attempt_runs import AttemptRun, run_of
from api.jobs.log_tails import Most, Tail, Window, tail_of
from api.protocol.answers import iso, moment, number, text
from api.protocol.fields import QueryNumber, StrictSchema
from api.protocol.operations import returns, takes_query
from api.services import services
from shared.datasets.links import Allowed, Link
from shared.errors import JobNotFound, ObjectsForbidden, ObjectsUnavailable, StoreUnavailable, TooManyLinks
from shared.locations import driver_log_of_run
from shared.models import Job
from shared.object_store import LINK_SECONDS, split_uri

blueprint = Blueprint("logs", __name__)

STREAMS = ("stdout", "stderr")
DEFAULT_LINES, MOST_LINES = 200, 10_000
DEFAULT_BYTES, MOST_BYTES = 64 * 1024, 1024 * 1024
# A quarter of a second's work. Longer logs are read by the link.
MOST = Most(fetched_bytes=8 * 1024 * 1024, read_bytes=64 * 1024 * 1024)
# Until when something new can be expected: of a run that is to come, and of one that prints.
START_SECONDS, PRINT_SECONDS = 5, 10


@dataclass(frozen=True)
class LogQuery:
    """Which part of which log is wanted."""

    attempt: int | None
    stream: str
    window: Window


class LogQuerySchema(StrictSchema):
    """The query of GET /jobs/{jobId}/logs."""

    attempt = QueryNumber(
        load_default=None,
        validate=validate.Range(1, 1_000_000),
        metadata={"description": "Which attempt; the last one that has a run if not set."},
    )
    stream = fields.String(
        load_default=STREAMS[0],
        validate=validate.OneOf(STREAMS),
        metadata={
            "description": "What the program printed, a Python program's standard error included (stdout); or Spark's "
            "own messages (stderr)."
        },
    )
    tail_lines = QueryNumber(
        data_key="tailLines",
        load_default=DEFAULT_LINES,
        validate=validate.Range(1, MOST_LINES),
        metadata={"description": "How many lines at most."},
    )
    tail_bytes = QueryNumber(
        data_key="tailBytes",
        load_default=DEFAULT_BYTES,
        validate=validate.Range(1, MOST_BYTES),
        metadata={"description": "How many bytes at most."},
    )
    after = QueryNumber(
        load_default=0,
        validate=validate.Range(0, 999_999_999),
        metadata={"description": "Only what comes after so many bytes: the nextAfter of the answer before."},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> LogQuery:
        """The query as a dataclass."""
        window = Window(data["after"], data["tail_lines"], data["tail_bytes"])
        return LogQuery(data["attempt"], data["stream"], window)


LogsSchema = Schema.from_dict(
    {
        "jobId": text("The job."),
        "attempt": number("The attempt that the log is of."),
        "runId": text("Its EMR Serverless job run, if one is known.", allow_none=True),
        "stream": fields.String(
            required=True, validate=validate.OneOf(STREAMS), metadata={"description": "Which of the two it is."}
        ),
        "text": text("The last lines; empty where there are none."),
        "startsAt": number("How many bytes of the log come before the text."),
        "nextAfter": number("What to pass as after to read only what comes later."),
        "complete": fields.Boolean(
            required=True,
            metadata={"description": "Whether nothing more will come: the run has ended, and its log is there."},
        ),
        "cut": fields.Boolean(
            required=True,
            metadata={"description": "Whether the log goes on where this route reads no further; url has all."},
        ),
        "message": text("Why there is no text, or not all of it; null where all is well.", allow_none=True),
        "retryAfterSeconds": number("When to look again; null where nothing more will come.", allow_none=True),
        "uri": text("Where the whole log lies in S3, compressed; null before there is one.", allow_none=True),
        "url": text("A link by which anybody can read the whole log until expiresAt.", allow_none=True),
        "expiresAt": moment("When the link ends; ask again for a new one.", allow_none=True),
    },
    name="LogsSchema",
)


@dataclass(frozen=True)
class Found:
    """A log as it lies in S3 now."""

    uri: str
    tail: Tail
    link: Link


@blueprint.get("/jobs/<job_id>/logs")
@reads_logs
@takes_query(LogQuerySchema)
@returns(LogsSchema, problems=(JobNotFound, TooManyLinks, StoreUnavailable, ObjectsUnavailable))
def get_logs(job_id: str, query: LogQuery) -> ResponseReturnValue:
    """Read what a job's driver printed: its last lines, with a link to all of it.

    A log that is not there yet is no error: `message` says why, and `retryAfterSeconds` when to look again.
    """
    job, now = own_job(job_id), services().clock()
    run = run_of(job, query.attempt)
    is_settled = has_settled(run, now)
    found = None if run.run_id is None else find_log(job, run.run_id, query, now, is_settled=is_settled)
    return logs_record(job, run, query.stream, found, is_settled=is_settled)


def has_settled(run: AttemptRun, now: datetime) -> bool:
    """Whether an attempt ended so long ago that its log grows no more."""
    settle = timedelta(seconds=services().settings.log_settle_seconds)
    return run.ended_at is not None and now >= run.ended_at + settle


def find_log(job: Job, run_id: str, query: LogQuery, now: datetime, *, is_settled: bool) -> Found | None:
    """The log of a run; None where there is none (yet). Raises: ObjectsUnavailable, TooManyLinks."""
    uri = driver_log_of_run(services().settings, job, run_id, query.stream)
    try:
        pieces = services().objects.read_pieces(uri, MOST.fetched_bytes + 1)
    except ObjectsForbidden as error:  # nothing that who asks could mend
        raise ObjectsUnavailable(error.detail) from error
    if pieces is None:
        return None
    tail = tail_of(pieces, query.window, MOST, is_whole=is_settled)
    until = now + timedelta(seconds=LINK_SECONDS)
    (link,) = services().links.give(caller().owner_id, [allowed_reading(uri)], now, until)
    return Found(uri, tail, link)


def allowed_reading(uri: str) -> Allowed:
    """To read a compressed log as text: a browser shows it, and does not save it."""
    bucket, key = split_uri(uri)
    shown_as = {"ResponseContentType": "text/plain; charset=utf-8", "ResponseContentEncoding": "gzip"}
    return Allowed("get_object", {"Bucket": bucket, "Key": key, **shown_as})


def message_of(run: AttemptRun, stream: str, found: Found | None, *, is_settled: bool) -> str | None:
    """Why there is no text, or not all of it."""
    if found is not None and found.tail.is_cut:
        return "The log is longer than what is read for this answer, which ends before it does; url has all of it."
    if found is not None and found.tail.is_broken:
        return "The log cannot be unzipped any further than this; url has it as it lies in S3."
    if found is not None:
        so_far = "" if is_settled else " so far"
        return None if found.tail.next_after else f"Nothing was printed to {stream}{so_far}."
    if run.run_id is None and run.ended_at is None:
        return f"Attempt {run.attempt} has no run yet, so nothing is printed; GET /jobs/{{jobId}}/explain says why."
    if run.run_id is None:
        return f"Attempt {run.attempt} ended without a run that is known, so there is no log of it."
    if is_settled:
        return f"There is no log of run {run.run_id}: it printed nothing, or its log was deleted since."
    return (
        f"Run {run.run_id} has no log yet: EMR Serverless puts it from time to time, and once more after the run's end."
    )


def logs_record(job: Job, run: AttemptRun, stream: str, found: Found | None, *, is_settled: bool) -> dict[str, Any]:
    """A log as `LogsSchema` says."""
    is_complete = is_settled or (run.run_id is None and run.ended_at is not None)
    tail = found.tail if found else Tail("", 0, 0)
    wait_seconds = START_SECONDS if run.run_id is None else PRINT_SECONDS
    return {
        "jobId": job.job_id,
        "attempt": run.attempt,
        "runId": run.run_id,
        "stream": stream,
        "text": tail.text,
        "startsAt": tail.starts_at,
        "nextAfter": tail.next_after,
        "complete": is_complete,
        "cut": tail.is_cut,
        "message": message_of(run, stream, found, is_settled=is_settled),
        "retryAfterSeconds": None if is_complete else wait_seconds,
        "uri": found.uri if found else None,
        "url": found.link.url if found else None,
        "expiresAt": iso(found.link.expires_at) if found else None,
    }
