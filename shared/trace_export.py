"""Sends spans away in the background, by OTLP over HTTP. Nobody waits for it, and what cannot be sent is dropped."""

import atexit
import logging
import time
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

log = structlog.get_logger()

# Of one batch with all its tries.
EXPORT_SECONDS = 3.0
# How long an ending process goes on sending what it has; a task that ends is killed some seconds after it was asked to.
LAST_SECONDS = 3.0
# Spans that wait; beyond them the oldest are dropped. Some MB.
WAITING_SPANS = 2048
BATCH_SPANS = 512
PAUSE_MS = 2000


class QuietExporter(SpanExporter):
    """Sends by another exporter, says once when that fails and once when it works again, and ends in time."""

    def __init__(self, inner: SpanExporter, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._monotonic = monotonic
        self._fails = False
        self._ends_at: float | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, or drop it."""
        if self._ends_at is not None and self._monotonic() >= self._ends_at:
            return SpanExportResult.FAILURE
        result = self._inner.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            log.warning("traces_not_sent", spans=len(spans))
        if self._fails and not fails:
            log.info("traces_sent_again")
        self._fails = fails
        return result

    def end_soon(self) -> None:
        """Send no batch that begins later than `LAST_SECONDS` from now."""
        self._ends_at = self._monotonic() + LAST_SECONDS

    def shutdown(self) -> None:
        """Let the connections go."""
        self._inner.shutdown()


def export_spans(provider: TracerProvider, endpoint: str) -> None:
    """Send all spans of a provider to a URL, the last of them when the process ends."""
    # It writes a line for each try of each batch.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = QuietExporter(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS))
    provider.add_span_processor(BatchSpanProcessor(exporter, WAITING_SPANS, PAUSE_MS, BATCH_SPANS))

    def end() -> None:
        exporter.end_soon()
        provider.shutdown()

    atexit.register(end)
