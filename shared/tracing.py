"""Traces as the rest of the code sees them: spans around what is done, and `traceparent` as a text that can be stored.

A trace begins at the API, and whoever has its `traceparent` goes on with it: so a request is sampled once, and all that
follows from it is recorded or none of it. Without TRACES_ENDPOINT nothing here does anything, and OpenTelemetry is not
even imported. What a `traceparent` is: https://www.w3.org/TR/trace-context/.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.settings import Settings

if TYPE_CHECKING:
    import boto3

    from shared.trace_recorder import Recorder

# Of the version that we write, from our own items; what callers send is read by OpenTelemetry's parser.
TRACEPARENT = re.compile(r"(00-[0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
SPAN_ID_BYTES = 8

Attributes = Mapping[str, str | int | None]

# Of the process and of nothing smaller, as its log is.
_recorder: "Recorder | None" = None


@dataclass(frozen=True)
class PastSpan:
    """Something that is over: `traceparent` holds its own span's id, `parent` is what it is part of."""

    name: str
    traceparent: str
    parent: str
    began_at: datetime
    ended_at: datetime
    attributes: Attributes
    error: str | None = None


def set_up_tracing(settings: Settings, service: str) -> None:
    """Record the spans of a service (api, worker) from now on, if the settings name a place for them.

    To be called before clients of AWS are made, whose calls are spans too.
    """
    if settings.traces_endpoint:
        # Not above: whoever has no traces has no cost of them either.
        from shared.trace_recorder import make_recorder

        record_by(make_recorder(settings, service))


def record_by(recorder: "Recorder | None") -> None:
    """Record by this recorder from now on; by none, nothing is recorded."""
    global _recorder
    _recorder = recorder


def request_span(method: str, traceparent: str | None) -> AbstractContextManager[None]:
    """The span of a request, in the caller's trace if it sent a good `traceparent`, else in a new one."""
    return nullcontext() if _recorder is None else _recorder.request_span(method, traceparent)


def message_span(queue: str, message_id: str, traceparent: str | None) -> AbstractContextManager[None]:
    """The span of a message's handling, if the message was sent in a trace."""
    if _recorder is None or traceparent is None:
        return nullcontext()
    return _recorder.message_span(queue, message_id, traceparent)


def job_span(name: str, traceparent: str | None, attributes: Attributes) -> AbstractContextManager[None]:
    """The span of a step of a job, if the job has a trace."""
    if _recorder is None or traceparent is None:
        return nullcontext()
    return _recorder.job_span(name, traceparent, attributes)


def describe(name: str, attributes: Attributes, *, is_error: bool) -> None:
    """Say of the current span what was not known when it began."""
    if _recorder is not None:
        _recorder.describe(name, attributes, is_error=is_error)


def record_past(past: PastSpan) -> None:
    """Record a span that is over, with a link to the current one."""
    if _recorder is not None:
        _recorder.record_past(past)


def trace_calls(session: "boto3.session.Session") -> None:
    """Let calls of AWS be spans, of the clients that the session makes from now on."""
    if _recorder is not None:
        _recorder.trace_calls(session)


def carried() -> str | None:
    """The current span as a text from which another process can go on; None outside of traces."""
    return None if _recorder is None else _recorder.carried()


def ids_of_span() -> dict[str, str]:
    """The current span's ids, as log lines have them; none outside of traces."""
    return {} if _recorder is None else _recorder.ids_of_span()


def traceparent_of_run(job_traceparent: str | None, run_name: str) -> str | None:
    """What the driver of a run goes on from: the run's own span in the job's trace, the same each time it is asked for.

    None if the job has no trace, or none that can be read.
    """
    job = TRACEPARENT.fullmatch(job_traceparent or "")
    if job is None:
        return None
    span_id = hashlib.blake2b(run_name.encode(), digest_size=SPAN_ID_BYTES).hexdigest()
    return f"{job[1]}-{span_id}-{job[2]}"
