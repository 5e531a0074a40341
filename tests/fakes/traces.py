"""Spans that a test can read: everything as in a process with traces, but for the sending."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import tracing
from shared.settings import API, Settings
from shared.trace_recorder import Recorder, make_provider


class Spans:
    """What was recorded, the first to end first."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        """All spans that have ended."""
        return list(self._exporter.get_finished_spans())

    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.all()]

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of a name."""
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """The only one of a name."""
        (span,) = self.named(name)
        return span


def trace_of(span: ReadableSpan) -> str:
    """The trace that a span is in, in hex."""
    return f"{span.context.trace_id:032x}"


def id_of(span: ReadableSpan) -> str:
    """A span's id in hex."""
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    """The id in hex of what a span is part of."""
    return None if span.parent is None else f"{span.parent.span_id:016x}"


@contextmanager
def recorded(service: str = API, **settings: Any) -> Iterator[Spans]:
    """Record the spans of a service meanwhile, of all requests unless the settings say less."""
    exporter = InMemorySpanExporter()
    provider = make_provider(replace(Settings(), **{"traces_ratio": 1.0, **settings}), service)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.record_by(Recorder(provider))
    try:
        yield Spans(exporter)
    finally:
        tracing.record_by(None)
