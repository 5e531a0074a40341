"""Counts what AWS is asked and how it answers, by botocore's events: no call is made for it, and none is missed."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter

from shared.metrics import METRICS

if TYPE_CHECKING:
    import boto3

CALLS = Counter(
    "cdp_aws_calls_total",
    "Calls of AWS by what became of them, all tries of a call together",
    ["service", "operation", "outcome"],
    registry=METRICS,
)
RETRIES = Counter(
    "cdp_aws_retries_total", "Times that a call was sent again", ["service", "operation"], registry=METRICS
)
THROTTLES = Counter(
    "cdp_aws_throttles_total",
    "Answers of AWS that ask for fewer calls, those that were tried again included",
    ["service", "operation"],
    registry=METRICS,
)
OK, THROTTLED, CONDITION, CLIENT_ERROR, SERVER_ERROR, NO_ANSWER = OUTCOMES = (
    *("ok", "throttled", "condition", "client_error", "server_error", "no_answer"),
)
THROTTLING_CODES = {
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException"),
    *("TooManyRequestsException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"),
}
# How DynamoDB says that somebody else wrote first: no fault of anybody.
CONDITION_CODES = {"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"}


def count_calls(session: "boto3.session.Session") -> None:
    """Count all calls of the clients that the session makes from now on."""
    session.events.register("after-call", _note_answer)
    session.events.register("after-call-error", _note_silence)
    session.events.register("response-received", _note_throttle)


def outcome_of(status: int, code: str) -> str:
    """What became of a call that was answered with this HTTP status and, if it failed, this error code."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return OK
    if code in THROTTLING_CODES or status == HTTPStatus.TOO_MANY_REQUESTS:
        return THROTTLED
    if code in CONDITION_CODES:
        return CONDITION
    return SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else CLIENT_ERROR


def _note_answer(event_name: str, http_response: Any, parsed: Mapping[str, Any], context: Any, **_: Any) -> None:
    _note_call(event_name, outcome_of(http_response.status_code, _code_of(parsed)), context)


def _note_silence(event_name: str, context: Any, **_: Any) -> None:
    _note_call(event_name, NO_ANSWER, context)


def _note_call(event_name: str, outcome: str, context: Any) -> None:
    service, operation = event_name.split(".")[1:]
    CALLS.labels(service, operation, outcome).inc()
    retries = context.get("retries", {}).get("attempt", 1) - 1
    if retries > 0:
        RETRIES.labels(service, operation).inc(retries)


def _note_throttle(event_name: str, parsed_response: Mapping[str, Any] | None, **_: Any) -> None:
    if parsed_response and _code_of(parsed_response) in THROTTLING_CODES:
        service, operation = event_name.split(".")[1:]
        THROTTLES.labels(service, operation).inc()


def _code_of(parsed: Mapping[str, Any]) -> str:
    return str(parsed.get("Error", {}).get("Code", ""))
