"""What every request and every answer has: a correlation id, a line in the log, and headers of caution."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()

CORRELATION_HEADER = "X-Correlation-Id"
CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
CAUTION = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Asked for every few seconds by machines.
PROBES = "/health/"


def register_edges(app: Flask) -> None:
    """Do it for every request of `app`."""
    app.before_request(begin_request)
    app.after_request(finish_request)


def begin_request() -> None:
    """Take the caller's correlation id, if it is one, and let every line of the log carry it."""
    given = request.headers.get(CORRELATION_HEADER, "")
    g.correlation_id = given if CORRELATION_ID.fullmatch(given) else uuid.uuid4().hex
    g.begun_at = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=g.correlation_id)


def finish_request(response: Response) -> Response:
    """The answer with its headers; its own win over those of caution."""
    response.headers[CORRELATION_HEADER] = g.correlation_id
    for name, value in CAUTION.items():
        response.headers.setdefault(name, value)
    write_line = log.debug if request.path.startswith(PROBES) else log.info
    write_line(
        "request_answered",
        method=request.method,
        path=request.path,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - g.begun_at) * 1000, 1),
    )
    return response
