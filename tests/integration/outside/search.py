"""What schemathesis is told beyond the document: which refusals are right, which bodies are plausible, how to sign.

Loaded by schemathesis itself, see schemathesis.toml.
"""

import json
import os
import re
import zlib
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

from examples.scenario import CONTRACT
from shared.job_types import JOB_TYPES
from tests.integration.outside.prepared import MAKERS, prepared, signature

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
        "validation_failed",
        "That no more stages can be done than there are is no matter of a schema.",
        SIGNED,
        "/progress/stagesDone",
    ),
    Refusal(
        "malformed_request",
        "JSON can spell NUL and half of a surrogate pair, and a schema cannot forbid them everywhere.",
        detail="The body holds (a NUL character|half of a surrogate pair).*",
    ),
    Refusal(
        "validation_failed",
        "Which types, inputs, parameters and contracts there can be, GET /job-types says, and not the body's schema.",
        "submitJob",
        "/jobType|/inputs.*|/parameters.*|/contract",
    ),
    Refusal(
        "validation_failed",
        "How vCPUs and memory go together its description says; how many there can be is a setting.",
        "submitJob",
        "/size|/size/(driver|executor)/memoryGb",
    ),
    Refusal(
        "validation_failed",
        "How many attempts a job made is no matter of a schema.",
        "getLogs|getDashboard",
        "/query/attempt",
    ),
    Refusal(
        "validation_failed", "Nothing lies between two times that are not in order.", "listJobs", "/query/createdBefore"
    ),
    Refusal(
        "validation_failed",
        "What rules mean together, what older versions allow and what the path says: no schema knows.",
        "putContract",
        "/name|/version|/schema/.*",
    ),
    Refusal(
        "validation_failed",
        "How many parts a dataset has is no matter of a schema.",
        "linkParts",
        "/parts/[0-9]+/number",
    ),
    Refusal(
        "validation_failed",
        "Which sizes and types there can be, the settings say; which parts, the size; which contracts, GET /contracts.",
        "registerDataset",
        "/sizeBytes|/partSizeBytes|/datasetType|/contract",
    ),
    Refusal(
        "validation_failed",
        "What there is to be changed, and to what, depends on the failed job.",
        "replayJob",
        "|/overrides.*",
    ),
)
# What made-up bodies do not hit upon: a part that is accepted, for every second body of these operations.
PLAUSIBLE: dict[str, tuple[dict[str, Any], ...]] = {
    "submitJob": tuple(dict(job_type.example) for job_type in JOB_TYPES.values()),
    "putContract": (CONTRACT,),
    "linkParts": ({"parts": [{"number": 1, "sha256": "1a" * 32}]},),
}


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
    headers = case.meta.components.get(ParameterLocation.HEADER)
    if operation_of(case) == SIGNED and headers is not None and headers.mode.is_positive:
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
        part = parts[chosen // 2 % len(parts)]
        of_path = {name: value for name, value in (case.path_parameters or {}).items() if name in part}
        case.body = {**case.body, **part, **of_path}
    if chosen % 2 and operation_id in MAKERS:
        (name,) = case.path_parameters
        case.path_parameters[name] = prepared(operation_id, case.headers["Authorization"])


def body_of(case: Any) -> bytes:
    """The bytes that will be sent."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    body = prepared.body or b""
    return body.encode() if isinstance(body, str) else body
