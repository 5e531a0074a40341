"""Requests as spans."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request

from api.metrics import METHODS
from shared import tracing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRACEPARENT = "HTTP_TRACEPARENT"
# Asked for every few seconds by machines.
NOT_TRACED = ("/health/", "/metrics")
# What the conventions of OpenTelemetry call every method that is none of HTTP's.
OTHER = "_OTHER"


def trace_requests(app: Flask) -> None:
    """Let every request of `app` be a span, in the caller's trace if it names one."""
    app.wsgi_app = traced(app.wsgi_app)  # type: ignore[assignment, method-assign]
    app.after_request(describe_request)


def traced(answer: "WSGIApplication") -> "WSGIApplication":
    """The same, inside of a span."""

    def answer_in_span(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(NOT_TRACED):
            return answer(environ, start_response)
        with tracing.request_span(method_of(environ["REQUEST_METHOD"]), environ.get(TRACEPARENT)):
            return answer(environ, start_response)

    return answer_in_span


def method_of(method: str) -> str:
    """The method, if it is one of HTTP's."""
    return method if method in METHODS else OTHER


def describe_request(response: Response) -> Response:
    """Name the request's span by its route, of which only the template is told: a path holds what a caller wrote."""
    route = request.url_rule.rule if request.url_rule is not None else None
    method, status = method_of(request.method), response.status_code
    facts = {
        "http.route": route,
        "http.response.status_code": status,
        "cdp.correlation_id": g.correlation_id,
        "cdp.job_id": (request.view_args or {}).get("job_id") if status < HTTPStatus.BAD_REQUEST else None,
    }
    is_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    tracing.describe(f"{method} {route or 'unknown'}", facts, is_error=is_error)
    return response
