"""Records spans by OpenTelemetry's SDK. Imported only where traces are on.

Spans hold names of ours, templates of routes, ids and codes: no body, no query, no owner, and no text of an exception.
What comes from outside is cleaned as log lines are.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.aws_traces import CallSpans
from shared.redaction import clean_text
from shared.settings import API, VERSION, Settings
from shared.trace_export import export_spans
from shared.tracing import Attributes, PastSpan

if TYPE_CHECKING:
    import boto3

PROPAGATOR = TraceContextTextMapPropagator()
# The id of a span that was promised to somebody before the span was recorded.
_promised_id: ContextVar[int | None] = ContextVar("promised_id", default=None)


class Ids(RandomIdGenerator):
    """Random ids, but for a span whose id was promised."""

    def generate_span_id(self) -> int:
        """The promised id, or a new one."""
        return _promised_id.get() or super().generate_span_id()


def sampler_of(settings: Settings, service: str) -> Sampler:
    """Which traces are recorded: the API decides, and a caller can only ask for less; all others follow.

    By the trace's id, so that two services with the same ratio decide alike.
    """
    if service != API:
        return ParentBased(ALWAYS_OFF)
    ratio = TraceIdRatioBased(settings.traces_ratio)
    return ParentBased(ratio, remote_parent_sampled=ratio)


def make_provider(settings: Settings, service: str) -> TracerProvider:
    """What makes the spans of a service; nobody gets them yet."""
    facts = {"service.name": service, "service.version": VERSION, "deployment.environment.name": settings.environment}
    sampler = sampler_of(settings, service)
    return TracerProvider(sampler, Resource.create(facts), shutdown_on_exit=False, id_generator=Ids())


def make_recorder(settings: Settings, service: str) -> "Recorder":
    """A recorder whose spans are sent to the settings' endpoint."""
    provider = make_provider(settings, service)
    export_spans(provider, settings.traces_endpoint)
    return Recorder(provider)


class Recorder:
    """Makes spans, and makes them current while something is done."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer: Tracer = provider.get_tracer("cloud-data-platform", VERSION)

    def request_span(self, method: str, traceparent: str | None) -> AbstractContextManager[None]:
        """A span of kind server. It is named by `describe`, once the route is known."""
        return self._span(method, SpanKind.SERVER, {"http.request.method": method}, context_of(traceparent))

    def message_span(self, queue: str, message_id: str, traceparent: str) -> AbstractContextManager[None]:
        """A span of kind consumer."""
        facts = {
            "messaging.system": "aws_sqs",
            "messaging.operation.type": "process",
            "messaging.destination.name": queue,
            "messaging.message.id": message_id,
        }
        return self._continued(f"process {queue}", SpanKind.CONSUMER, facts, traceparent)

    def job_span(self, name: str, traceparent: str, attributes: Attributes) -> AbstractContextManager[None]:
        """A span of our own."""
        return self._continued(name, SpanKind.INTERNAL, attributes, traceparent)

    def _continued(
        self, name: str, kind: SpanKind, attributes: Attributes, traceparent: str
    ) -> AbstractContextManager[None]:
        """Part of the current span if that is in the same trace, else of the trace's, linked to the current one."""
        current, given = trace.get_current_span().get_span_context(), span_in(context_of(traceparent))
        if not given.is_valid:
            return nullcontext()
        is_same = current.is_valid and current.trace_id == given.trace_id
        context = None if is_same else context_of(traceparent)
        links = [Link(current)] if current.is_valid and not is_same else []
        return self._span(name, kind, attributes, context, links)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        context: Context | None,
        links: list[Link] | None = None,
    ) -> Iterator[None]:
        span = self._tracer.start_span(name, context, kind, cleaned(attributes), links)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield
            except Exception as error:  # of an error only its kind: its text may quote what nobody should read
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def describe(self, name: str, attributes: Attributes, *, is_error: bool) -> None:
        """Name the current span, and say more of it."""
        span = trace.get_current_span()
        if not span.is_recording():
            return
        span.update_name(name)
        span.set_attributes(cleaned(attributes))
        if is_error:
            span.set_status(Status(StatusCode.ERROR))

    def record_past(self, past: PastSpan) -> None:
        """Record a span that is over under the id that its `traceparent` has."""
        parent, promised = context_of(past.parent), span_in(context_of(past.traceparent))
        current = trace.get_current_span().get_span_context()
        links = [Link(current)] if current.is_valid else []
        token = _promised_id.set(promised.span_id)
        try:
            span = self._tracer.start_span(
                past.name, parent, SpanKind.CLIENT, cleaned(past.attributes), links, nanoseconds(past.began_at)
            )
        finally:
            _promised_id.reset(token)
        if past.error is not None:
            span.set_attribute("error.type", past.error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(nanoseconds(max(past.began_at, past.ended_at)))

    def trace_calls(self, session: "boto3.session.Session") -> None:
        """Let the calls of a session's clients be spans."""
        CallSpans(self._tracer).watch(session)

    def carried(self) -> str | None:
        """The current span as a `traceparent`."""
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")

    def ids_of_span(self) -> dict[str, str]:
        """The current span's ids in hex."""
        current = trace.get_current_span().get_span_context()
        if not current.is_valid:
            return {}
        return {"trace_id": trace.format_trace_id(current.trace_id), "span_id": trace.format_span_id(current.span_id)}


def context_of(traceparent: str | None) -> Context:
    """What goes on from a `traceparent`; of nothing, if it is none. A caller's `tracestate` goes no further."""
    return PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, Context())


def span_in(context: Context) -> SpanContext:
    """The span of a context; an invalid one if it has none."""
    return trace.get_current_span(context).get_span_context()


def cleaned(attributes: Attributes) -> dict[str, str | int]:
    """What may be told: nothing that is None, and no secrets."""
    return {
        name: clean_text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }


def nanoseconds(moment: datetime) -> int:
    """A moment as spans have it: nanoseconds since 1970."""
    return int(moment.timestamp() * 1_000_000) * 1000
