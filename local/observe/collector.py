"""What takes spans by OTLP over HTTP, as a collector does, and keeps them in memory."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from local.ports import HOST


@dataclass(frozen=True)
class Received:
    """A span as it came, with the service that sent it; `error` is its kind, or none if all went well."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began_ns: int
    ended_ns: int
    job_id: str | None = None
    error: str | None = None


def read(body: bytes) -> list[Received]:
    """The spans of a request."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        received(str(text_of(group.resource.attributes, "service.name")), span)
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def received(service: str, span: Any) -> Received:
    """A span of a service."""
    failed = span.status.code == Status.STATUS_CODE_ERROR
    return Received(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        job_id=text_of(span.attributes, "cdp.job_id"),
        error=(text_of(span.attributes, "error.type") or "error") if failed else None,
    )


def text_of(attributes: Iterable[Any], key: str) -> str | None:
    """An attribute that is a text."""
    return next((each.value.string_value for each in attributes if each.key == key), None)


class Collector:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.bodies: list[bytes] = []  # as they came
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                collector.spans += read(collector.bodies[-1])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # as the library calls it
                """Nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}/v1/traces"

    def named(self, name: str) -> list[Received]:
        """The spans of a name."""
        return [span for span in list(self.spans) if span.name == name]

    def serve(self) -> None:
        """Take requests until `stop`."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens meanwhile."""
    collector = Collector()
    thread = threading.Thread(target=collector.serve, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.stop()
        thread.join()
