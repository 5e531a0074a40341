"""Calls of AWS as spans, by botocore's events. Of a call its name and what became of it: never a parameter.

Only calls that are part of something: a worker's endless polling begins no traces.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from shared.aws_metrics import CONDITION, OK, outcome_of

if TYPE_CHECKING:
    import boto3

# Where a call's span is kept, in what botocore hands from one event of the call to the next.
SPAN = "cloud-data-platform-span"


class CallSpans:
    """Begins a span before each call, and ends it once the last of its tries has ended."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def watch(self, session: "boto3.session.Session") -> None:
        """Do it for all calls of the clients that the session makes from now on."""
        session.events.register("before-call", self._begin)
        session.events.register("after-call", self._end)
        session.events.register("after-call-error", self._end_without_answer)

    def _begin(self, event_name: str, context: Any, **_: Any) -> None:
        if not trace.get_current_span().is_recording():
            return
        service, operation = event_name.split(".")[1:]
        facts = {"rpc.system": "aws-api", "rpc.service": service, "rpc.method": operation}
        context[SPAN] = self._tracer.start_span(f"{service}.{operation}", kind=SpanKind.CLIENT, attributes=facts)

    def _end(self, http_response: Any, parsed: Mapping[str, Any], context: Any, **_: Any) -> None:
        code = str(parsed.get("Error", {}).get("Code", ""))
        request_id = str(parsed.get("ResponseMetadata", {}).get("RequestId", ""))
        facts = {"http.response.status_code": http_response.status_code, "aws.request_id": request_id}
        failed = http_response.status_code >= HTTPStatus.MULTIPLE_CHOICES
        end_span(context, {**facts, **({"error.type": code} if failed else {})})

    def _end_without_answer(self, exception: BaseException, context: Any, **_: Any) -> None:
        end_span(context, {"error.type": type(exception).__name__})


def end_span(context: Any, facts: Mapping[str, str | int]) -> None:
    """End the span of a call, if it has one."""
    span = context.pop(SPAN, None)
    if span is None:
        return
    span.set_attributes(facts)
    resent = context.get("retries", {}).get("attempt", 1) - 1
    if resent > 0:
        span.set_attribute("http.request.resend_count", resent)
    status = int(facts.get("http.response.status_code", 0))
    if not status or outcome_of(status, str(facts.get("error.type", ""))) not in (OK, CONDITION):
        span.set_status(Status(StatusCode.ERROR))
    span.end()
