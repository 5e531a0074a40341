"""What requests may contain: JSON in, frozen dataclasses out. The document shows the same schemas."""

from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, post_load, validate, validates_schema

from api.jobs.size_field import SizeField
from api.protocol.fields import Amount, FullMatch, QueryFlag, StrictSchema, TextMap, WholeNumber
from shared.job_types import JOB_TYPES
from shared.models import Capacity, FailureReason, JobInput, OnOutOfMemory
from shared.redaction import clean_text
from shared.sizes import size_from_json
from shared.submission import (
    DEFAULT_SIZE,
    DEFAULT_TIMEOUT_SECONDS,
    LARGEST_LIMIT_USD,
    LEAST_LIMIT_USD,
    LONGEST_TIMEOUT_SECONDS,
    MOST_ATTEMPTS,
    SHORTEST_TIMEOUT_SECONDS,
    Submission,
)
from shared.transitions import JobStatus

MOST_TAGS = 20
MOST_STAGES = 1_000_000_000
MOST_EXCEPTION_CHARACTERS = 4096
# Of an idempotency key.
KEY_PATTERN = "^[!-~]{1,255}$"
WRONG_KEY = "Give 1 to 255 visible ASCII characters."
STATUSES = [str(status) for status in JobStatus]
# What a job has cost its program does not know.
REPORTABLE = [str(reason) for reason in FailureReason if reason is not FailureReason.COST_LIMIT]


@dataclass(frozen=True)
class StagesDone:
    """How far a Spark program is: of the stages that Spark knows so far, how many are done."""

    stages_done: int
    stages_total: int


@dataclass(frozen=True)
class Report:
    """What a Spark program says of its own attempt."""

    status: JobStatus
    attempt: int | None
    status_message: str | None
    failure_reason: FailureReason | None
    progress: StagesDone | None = None
    exceptions: str | None = None
    manifest_sha256: str | None = None


class InputSchema(StrictSchema):
    """One named input."""

    name = fields.String(
        required=True,
        validate=validate.Length(1, 128),
        metadata={"description": "What the job calls it: letters, digits and _, no digit first; unique in the job."},
    )
    uri = fields.String(
        required=True,
        validate=validate.Length(1, 1100),
        metadata={
            "description": (
                "An object, or a folder of objects that ends with /, such as s3://bucket/folder/; or a dataset that is "
                "READY, as dataset:{datasetId}."
            )
        },
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> JobInput:
        """The input."""
        return JobInput(**loaded)


def out_of_memory_field(**options: Any) -> fields.String:
    """What is to follow when memory runs out, as submissions and replays say it."""
    return fields.String(
        data_key="onOutOfMemory",
        validate=validate.OneOf([*map(str, OnOutOfMemory)]),
        metadata={
            "description": (
                "What follows when a run runs out of memory: the job's end, or, once and beyond maxAttempts, an "
                "attempt with the next size, if there is one."
            )
        },
        **options,
    )


def cost_limit_field(**options: Any) -> Amount:
    """The most that a job may cost, as submissions and replays say it."""
    return Amount(
        data_key="maxCostUsd",
        validate=validate.Range(LEAST_LIMIT_USD, LARGEST_LIMIT_USD),
        metadata={
            "description": (
                "The most that all attempts together may cost, in USD: the job's history says when 80 % are used up, "
                "and at all of it the job is ended. See docs/cost.md for how it is reckoned; without it, there is no "
                "limit."
            )
        },
        **options,
    )


class SubmissionSchema(StrictSchema):
    """A job to be run."""

    job_type = fields.String(
        data_key="jobType",
        required=True,
        validate=validate.Length(1, 64),
        metadata={"description": f"One of GET /job-types, such as {next(iter(JOB_TYPES))}."},
    )
    inputs = fields.List(
        fields.Nested(InputSchema),
        load_default=[],
        metadata={"description": "What the job reads; how many it may name, its type says."},
    )
    parameters = fields.Dict(
        keys=fields.String(),
        load_default={},
        metadata={"description": "As GET /job-types/{name} describes them.", "additionalProperties": True},
    )
    tags = TextMap(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=fields.String(validate=validate.Length(0, 256)),
        load_default={},
        validate=validate.Length(max=MOST_TAGS),
        metadata={"description": "Words of your own, shown with the job.", "maxProperties": MOST_TAGS},
    )
    size = SizeField(
        load_default=DEFAULT_SIZE,
        metadata={"description": "How many workers of which size the job's runs may use: a name, or the workers."},
    )
    capacity = fields.String(
        load_default=str(Capacity.STANDARD),
        validate=validate.OneOf([*map(str, Capacity)]),
        metadata={
            "description": (
                "What the executors run on: flex is spare capacity, cheaper; its start may take longer, and AWS may "
                "take executors back, whose work is then done again."
            )
        },
    )
    timeout_seconds = WholeNumber(
        data_key="timeoutSeconds",
        load_default=DEFAULT_TIMEOUT_SECONDS,
        validate=validate.Range(SHORTEST_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS),
        metadata={"description": "How long one attempt may run."},
    )
    max_attempts = WholeNumber(
        data_key="maxAttempts",
        load_default=None,
        validate=validate.Range(1, MOST_ATTEMPTS),
        metadata={"description": "How often failures that may pass are tried, the first time included; 3 if not set."},
    )
    on_out_of_memory = out_of_memory_field(load_default=str(OnOutOfMemory.FAIL))
    max_cost_usd = cost_limit_field(load_default=None)
    contract = fields.String(
        load_default=None,
        validate=validate.Length(1, 100),
        metadata={
            "description": "What the input must be: name/version of a contract; its type says whether it takes one.",
            "example": "flights/1.0.0",
        },
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> Submission:
        """The submission."""
        read = {
            "inputs": tuple(loaded["inputs"]),
            "size": size_from_json(loaded["size"]),
            "capacity": Capacity(loaded["capacity"]),
            "on_out_of_memory": OnOutOfMemory(loaded["on_out_of_memory"]),
        }
        return Submission(**{**loaded, **read})


class IdempotencySchema(StrictSchema):
    """The header that makes a submission safe to repeat."""

    class Meta:
        unknown = EXCLUDE

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        load_default=None,
        validate=FullMatch(KEY_PATTERN, error=WRONG_KEY),
        metadata={
            "description": (
                "A key of your own, 1 to 255 visible ASCII characters. The same key and the same body give the same "
                "job, however often they are sent; another body is refused."
            )
        },
    )


class SubmissionQuerySchema(StrictSchema):
    """How a submission is meant."""

    dry_run = QueryFlag(
        data_key="dryRun",
        load_default=False,
        metadata={"description": "true to have everything checked, and nothing stored or sent."},
    )


class CancellationSchema(StrictSchema):
    """Why a job is to be cancelled."""

    reason = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 200),
        metadata={"description": "A sentence for the job's history."},
    )


class StagesDoneSchema(StrictSchema):
    """How far a Spark program is."""

    stages_done = WholeNumber(
        data_key="stagesDone",
        required=True,
        validate=validate.Range(0, MOST_STAGES),
        metadata={"description": "Stages that are done."},
    )
    stages_total = WholeNumber(
        data_key="stagesTotal",
        required=True,
        validate=validate.Range(0, MOST_STAGES),
        metadata={"description": "Stages that Spark knows so far, those included; it finds more as it goes."},
    )

    @validates_schema
    def no_more_than_there_are(self, loaded: dict[str, Any], **_: Any) -> None:
        """Refuse more done than there are. Raises: ValidationError."""
        if loaded["stages_done"] > loaded["stages_total"]:
            raise ValidationError(f"At most stagesTotal, which is {loaded['stages_total']}.", "stagesDone")

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> StagesDone:
        """How far it is."""
        return StagesDone(**loaded)


class ReportSchema(StrictSchema):
    """The status of an attempt, as its program sees it."""

    status = fields.String(
        required=True, validate=validate.OneOf(STATUSES), metadata={"description": "RUNNING reports progress."}
    )
    attempt = WholeNumber(
        load_default=None,
        validate=validate.Range(0, 1_000_000),
        metadata={"description": "The attempt that speaks; it must be the current one."},
    )
    status_message = fields.String(
        data_key="statusMessage",
        load_default=None,
        validate=validate.Length(1, 1024),
        metadata={"description": "A sentence for people; of a failure, what decides whether it is tried again."},
    )
    failure_reason = fields.String(
        data_key="failureReason",
        load_default=None,
        validate=validate.OneOf(REPORTABLE),
        metadata={"description": "Why it failed; INVALID_INPUT is not tried again."},
    )
    exceptions = fields.String(
        load_default=None,
        validate=validate.Length(1, MOST_EXCEPTION_CHARACTERS),
        metadata={
            "description": (
                "The exceptions behind a failure, one on a line, the outermost first; they decide where statusMessage "
                "does not."
            )
        },
    )
    manifest_sha256 = fields.String(
        data_key="manifestSha256",
        load_default=None,
        validate=FullMatch("^[0-9a-f]{64}$", error="Give a SHA-256 as 64 hexadecimal digits."),
        metadata={"description": "With SUCCEEDED, what the bytes of the attempt's manifest come to."},
    )
    progress = fields.Nested(
        StagesDoneSchema,
        load_default=None,
        metadata={"description": "How far the program is, with a status of RUNNING; elsewhere it is ignored."},
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> Report:
        """The report."""
        reason = loaded["failure_reason"]
        known = {"status": JobStatus(loaded["status"]), "failure_reason": FailureReason(reason) if reason else None}
        # What a program quotes goes into the job as it is compared with it: without secrets.
        said = {name: clean_text(loaded[name]) for name in ("status_message", "exceptions") if loaded.get(name)}
        return Report(**{**loaded, **known, **said})


class SignatureSchema(StrictSchema):
    """The headers of a signed report (Standard Webhooks); shown in the document, read in api/jobs/callbacks.py."""

    message_id = fields.String(
        data_key="webhook-id",
        required=True,
        validate=FullMatch("^[!-~]{1,128}$"),
        metadata={"description": "The id of this message: a new one each time a report is sent."},
    )
    timestamp = fields.String(
        data_key="webhook-timestamp",
        required=True,
        validate=FullMatch("^[0-9]{1,12}$"),
        metadata={"description": "When it was signed, in seconds since 1970; at most 300 s from now."},
    )
    signature = fields.String(
        data_key="webhook-signature",
        required=True,
        metadata={"description": "v1,<base64 of HMAC-SHA256 of id.timestamp.body>, by the key of the attempt."},
    )
