"""What lies on the dead-letter queue, read from the text of its messages, and which of it somebody wants.

Nothing here fails: a message that nobody can read is a dead letter of kind `unknown`, with why.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.job_queue import Message
from shared.models import FailureReason, request_from_item
from shared.moments import from_epoch_ms
from shared.replays.job_replay import FailedJob
from shared.schema_versions import reads

ENVELOPE_VERSION = 1
EVENT_SOURCE = "aws.emr-serverless"
# What reading a value of a wrong kind raises; RecursionError comes of JSON that is nested too deeply.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class Kind(StrEnum):
    """Where a dead letter comes from."""

    JOB_FAILED = "job-failed"  # a worker's: a job has FAILED
    UNPROCESSABLE = "unprocessable"  # a worker's: a message that it could not read
    REDRIVEN = "redriven"  # SQS's own: a message that was received too often
    UNKNOWN = "unknown"  # nobody's that is known


@dataclass(frozen=True)
class RunEvent:
    """The run that a redriven event tells of."""

    application_id: str
    run_id: str


@dataclass(frozen=True)
class DeadLetter:
    """One message: its kind, a sentence about it, and what that kind has; the rest is None."""

    message: Message
    kind: Kind
    text: str
    failed: FailedJob | None = None
    job_id: str | None = None
    event: RunEvent | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Every id by which an operator may name it."""
        known = (self.message.message_id, self.job_id, self.failed.failure_id if self.failed else None)
        return frozenset(each for each in known if each is not None)


@dataclass(frozen=True)
class Selection:
    """Which dead letters are wanted: those that every given condition holds for. None asks for nothing.

    A message without the fact that is asked for, such as an owner, is not wanted.
    """

    ids: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    reasons: frozenset[FailureReason] = frozenset()
    job_types: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    attempts: frozenset[int] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, letter: DeadLetter) -> bool:
        """Whether the dead letter is wanted."""
        if self.ids and not self.ids & letter.ids:
            return False
        if self.kinds and letter.kind not in self.kinds:
            return False
        return not self._asks_for_a_job or (letter.failed is not None and self._matches_job(letter.failed))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for, so that everything is wanted."""
        return self == Selection()

    @property
    def _asks_for_a_job(self) -> bool:
        return self != Selection(ids=self.ids, kinds=self.kinds)

    def _matches_job(self, failed: FailedJob) -> bool:
        return (
            _allows(self.reasons, failed.reason)
            and _allows(self.job_types, failed.request.job_type)
            and _allows(self.owners, failed.owner_id)
            and _allows(self.attempts, failed.attempt)
            and (self.since is None or failed.at >= self.since)
            and (self.until is None or failed.at < self.until)
        )


def _allows(wanted: frozenset[Any], found: object) -> bool:
    return not wanted or found in wanted


def read_dead_letter(message: Message) -> DeadLetter:
    """What a message of the dead-letter queue is."""
    try:
        body = json.loads(message.body)
        json.dumps(body, ensure_ascii=False).encode()  # JSON may hold what UTF-8, and so DynamoDB, cannot
    except UNREADABLE as error:
        return DeadLetter(message, Kind.UNKNOWN, f"It is not JSON in UTF-8: {error}.")
    if not isinstance(body, dict):
        return DeadLetter(message, Kind.UNKNOWN, "It is no JSON object.")
    if "envelope" not in body:
        return _read_original(message, body)
    try:
        return _read_envelope(message, body)
    except UNREADABLE as error:
        return DeadLetter(message, Kind.UNKNOWN, f"Its envelope {body['envelope']!r} cannot be read: {error!r}.")


def _read_envelope(message: Message, body: Mapping[str, Any]) -> DeadLetter:
    version = body.get("schemaVersion")
    if not reads(version, ENVELOPE_VERSION):
        text = f"Its schemaVersion is {version!r}; this code reads 1 to {ENVELOPE_VERSION + 1}."
        return DeadLetter(message, Kind.UNKNOWN, text)
    if body["envelope"] == Kind.JOB_FAILED:
        failed = _failed_job(body)
        return DeadLetter(message, Kind.JOB_FAILED, failed.detail, failed, failed.job_id)
    if body["envelope"] == Kind.UNPROCESSABLE:
        text = f"From {_text(body, 'queue')}: {_text(body, 'error')}"
        return DeadLetter(message, Kind.UNPROCESSABLE, text)
    return DeadLetter(message, Kind.UNKNOWN, f"There is no envelope {body['envelope']!r}.")


def _failed_job(body: Mapping[str, Any]) -> FailedJob:
    request = request_from_item(body["request"])
    texts = [request.job_type, *request.tags, *request.tags.values()]
    texts += [text for entry in request.inputs for text in (entry.name, entry.asked_uri)]
    if not isinstance(request.parameters, dict) or not all(isinstance(text, str) for text in texts):
        raise TypeError("its request is none that was ever accepted")
    return FailedJob(
        failure_id=_text(body, "id"),
        job_id=_text(body, "jobId"),
        owner_id=_text(body, "ownerId"),
        correlation_id=_text(body, "correlationId"),
        at=from_epoch_ms(_number(body, "at")),
        reason=FailureReason(body["failureReason"]),
        detail=str(body.get("failureDetail", "")),
        attempt=_number(body, "attempt"),
        request=request,
        max_attempts=_number(body["retryPolicy"], "maxAttempts"),
        scan_of=_text(body, "scanOf") if "scanOf" in body else None,
    )


def _read_original(message: Message, body: Mapping[str, Any]) -> DeadLetter:
    """A message as its sender wrote it: the hint of a job, or the event of a run."""
    job_id, detail = body.get("jobId"), body.get("detail")
    if body.get("kind") == "job" and isinstance(job_id, str) and job_id:
        return DeadLetter(message, Kind.REDRIVEN, "The hint of a job, received too often.", job_id=job_id)
    if body.get("source") == EVENT_SOURCE and isinstance(detail, dict):
        application_id, run_id = detail.get("applicationId"), detail.get("jobRunId")
        if isinstance(application_id, str) and isinstance(run_id, str):
            text = f"The event of run {run_id}, received too often."
            return DeadLetter(message, Kind.REDRIVEN, text, event=RunEvent(application_id, run_id))
    return DeadLetter(message, Kind.UNKNOWN, "It is neither an envelope nor a message of this platform.")


def _text(body: Mapping[str, Any], name: str) -> str:
    if not isinstance(body[name], str) or not body[name]:
        raise TypeError(f"{name} is no text")
    found: str = body[name]
    return found


def _number(body: Mapping[str, Any], name: str) -> int:
    if not isinstance(body[name], int) or isinstance(body[name], bool):
        raise TypeError(f"{name} is no whole number")
    found: int = body[name]
    return found
