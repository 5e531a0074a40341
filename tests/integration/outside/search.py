"""What schemathesis is told beyond the document: which refusals are right, which bodies are plausible, how to sign.

Loaded by schemathesis itself, see schemathesis.toml.
"""

import functools
import json
import os
import re
import time
import uuid
import zlib
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

from shared.job_types import JOB_TYPES
from shared.signatures import callback_key, sign

REJECTED = "Schema-valid request rejected"
SIGNED = "reportStatus"


@dataclass(frozen=True)
class Refusal:
    """A refusal of a request that fits its schema, and why it is right."""

    code: str
    reason: str
    operation_id: str = ".*"
    pointers: str = ""
    detail: str = ".*"


REFUSALS = (
    Refusal("bad_cursor", "A cursor is signed: only those that we gave are taken."),
    Refusal("idempotency_key_reused", "That another body came with this key before is no matter of a schema."),
    Refusal("invalid_transition", "Whether a report fits depends on how the job is.", SIGNED),
    Refusal("report_refused", "Whether a report fits depends on how the job is.", SIGNED),
    Refusal(
        "malformed_request",
        "JSON can spell NUL and half of a surrogate pair, and a schema cannot forbid them everywhere.",
        detail="The body holds (a NUL character|half of a surrogate pair).*",
    ),
    Refusal(
        "validation_failed",
        "Which types, inputs and parameters there can be, GET /job-types says, and not the body's schema.",
        "submitJob",
        pointers="/jobType|/inputs.*|/parameters.*",
    ),
    Refusal(
        "validation_failed",
        "What there is to be changed, and to what, depends on the failed job.",
        "replayJob",
        pointers="|/overrides.*",
    ),
)
# What made-up bodies do not hit upon: a part that is accepted, for every second body of these operations.
PLAUSIBLE: dict[str, tuple[dict[str, Any], ...]] = {
    "submitJob": tuple(dict(job_type.example) for job_type in JOB_TYPES.values()),
}
# What only works with a job that has failed.
OF_FAILED_JOBS = {"replayJob"}


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a finding counts: the refusals of the table do not."""
    if failure.title != REJECTED:
        return True
    return not any(is_right(refusal, operation_of(case), response.json()) for refusal in REFUSALS)


def is_right(refusal: Refusal, operation_id: str, problem: dict[str, Any]) -> bool:
    """Whether a problem is that refusal."""
    pointers = [each["pointer"] for each in problem["errors"]] or [""]
    return (
        problem["code"] == refusal.code
        and re.fullmatch(refusal.operation_id, operation_id) is not None
        and re.fullmatch(refusal.detail, problem["detail"]) is not None
        and all(re.fullmatch(refusal.pointers, pointer) for pointer in pointers)
    )


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Make a request that is meant to be right plausible, and sign it where it must be signed."""
    if is_free_and_right(case):
        make_plausible(case)
    if operation_of(case) == SIGNED and case.meta.components[ParameterLocation.HEADER].mode.is_positive:
        case.headers.update(signature(case.path_parameters["jobId"], body_of(case)))


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Note what was answered; the test looks at it."""
    with open(os.environ["SEARCH_ANSWERS"], "a") as file:
        file.write(f"{operation_of(case)} {case.operation.method.upper()} {case.method} {response.status_code}\n")


def operation_of(case: Any) -> str:
    """The operationId of a request."""
    found: str = case.operation.definition.raw["operationId"]
    return found


def is_free_and_right(case: Any) -> bool:
    """Whether a request is right by the document, and none of those that try the limits of a schema in turn."""
    return case.meta.generation.mode.is_positive and case.meta.phase.name in ("fuzzing", "stateful")


def make_plausible(case: Any) -> None:
    """Put an accepted part into every second request."""
    operation_id = operation_of(case)
    chosen = zlib.crc32(json.dumps([case.path_parameters, case.body], sort_keys=True, default=str).encode())
    if chosen % 2 and operation_id in PLAUSIBLE:
        parts = PLAUSIBLE[operation_id]
        case.body = {**case.body, **parts[chosen // 2 % len(parts)]}
    if chosen % 2 and operation_id in OF_FAILED_JOBS:
        case.path_parameters["jobId"] = failed_job(case.headers["Authorization"])


@functools.cache
def failed_job(authorization: str) -> str:
    """The id of a failed job of the caller's."""
    url, body = os.environ["CDP_API_URL"], b'{"status": "%s", "failureReason": "INVALID_INPUT"}'
    submitted = requests.post(f"{url}/jobs", json={"jobType": "simulated"}, headers={"Authorization": authorization})
    job_id: str = submitted.json()["jobId"]
    for status in (b"RUNNING", b"FAILED"):
        report = body % status
        headers = {"Content-Type": "application/json", **signature(job_id, report)}
        requests.post(f"{url}/internal/jobs/{job_id}/status", data=report, headers=headers).raise_for_status()
    return job_id


def body_of(case: Any) -> bytes:
    """The bytes that will be sent."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    body = prepared.body or b""
    return body.encode() if isinstance(body, str) else body


def signature(job_id: str, body: bytes) -> dict[str, str]:
    """The headers of a message that the attempt in its body has signed."""
    attempt = re.search(rb'"attempt": ?([0-9]+)', body)
    key = callback_key(os.environ["CALLBACK_SIGNING_KEY"], job_id, int(attempt[1]) if attempt else 0)
    message_id, timestamp = uuid.uuid4().hex, int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, message_id, timestamp, body),
    }
