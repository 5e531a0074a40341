"""What every request and every answer has: a correlation id, a line in the log, its share of the metrics, and headers
of caution."""

import functools
import logging
import re
import time
import uuid
from collections.abc import Sequence
from http import HTTPStatus

import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import Rule

from api.metrics import measure
from api.protocol.forwarding import Network, client_address
from api.rate_limits import headers_of_limit
from shared.redaction import clean_text

log = structlog.get_logger()

CORRELATION_HEADER = "X-Correlation-Id"
CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
CAUTION = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# For a year browsers and clients that know it never again send anything here without TLS.
ONLY_BY_HTTPS = "max-age=31536000"
READING = ("GET", "HEAD", "OPTIONS")
# Asked for every few seconds by machines.
PROBES = "/health/"
# Where an application keeps what is looked up at every request.
SPELT_OUT = "routes-without-parameters"


def register_edges(app: Flask, trusted_proxies: Sequence[Network]) -> None:
    """Do it for every request of `app`; the balancers in `trusted_proxies` say for whom they ask."""
    app.before_request(functools.partial(begin_request, trusted_proxies))
    app.before_request(refuse_other_methods)
    app.after_request(finish_request)


def begin_request(trusted_proxies: Sequence[Network]) -> None:
    """Take the caller's correlation id, if it is one, and let every line of the log carry it."""
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    g.client_address = client_address(request.remote_addr or "", forwarded_for, trusted_proxies)
    given = request.headers.get(CORRELATION_HEADER, "")
    g.correlation_id = given if is_correlation_id(given) else uuid.uuid4().hex
    g.begun_at = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=g.correlation_id, **subjects())


def is_correlation_id(text: str) -> bool:
    """Whether a text may stand in lines, items and answers; an access token is made of the same characters."""
    return CORRELATION_ID.fullmatch(text) is not None and clean_text(text) == text


def subjects() -> dict[str, str]:
    """The job or the dataset that the path names, for each line of the log."""
    named = request.view_args or {}
    return {name: named[name] for name in ("job_id", "dataset_id") if name in named}


def refuse_other_methods() -> None:
    """GET /jobs/batch asks for no job of that name: where a route spells out the path, only its methods count."""
    allowed = set[str]()
    for rule in spelt_out().get(request.path, ()):
        allowed |= rule.methods or set()
    if allowed and request.method not in allowed:
        raise MethodNotAllowed(valid_methods=sorted(allowed))


def spelt_out() -> dict[str, list[Rule]]:
    """The routes without parameters, by their paths."""
    found: dict[str, list[Rule]] = current_app.extensions.setdefault(SPELT_OUT, {})
    if not found:
        for rule in current_app.url_map.iter_rules():
            if not rule.arguments:
                found.setdefault(rule.rule, []).append(rule)
    return found


def finish_request(response: Response) -> Response:
    """The answer with its headers; its own win over those of caution."""
    response.headers[CORRELATION_HEADER] = g.correlation_id
    response.headers.extend(headers_of_limit())
    for name, value in CAUTION.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = ONLY_BY_HTTPS
    measure(response)
    log.log(
        logging.DEBUG if request.path.startswith(PROBES) else logging.INFO,
        "request_answered",
        method=request.method,
        path=request.path,
        client=g.client_address,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - g.begun_at) * 1000, 1),
    )
    if request.method not in READING or response.status_code >= HTTPStatus.BAD_REQUEST:
        write_audit(response.status_code)
    return response


def write_audit(status: int) -> None:
    """Who asked for which change, from where, and what became of it; of reading, what was refused."""
    outcome = "done" if status < HTTPStatus.BAD_REQUEST else "refused"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        outcome = "failed"
    action = f"{request.method} {request.url_rule or 'an unknown path'}"
    # The owner is in the context, if the caller could show one.
    log.info("audit", action=action, client=g.client_address, outcome=outcome, status=status)
