"""What the API counts, and where it is read."""

import time

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from werkzeug.exceptions import NotFound

from shared.metrics import METRICS, UNKNOWN

blueprint = Blueprint("metrics", __name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OF_A_REQUEST = ("method", "route", "status")

REQUEST_SECONDS = Histogram(
    "cdp_http_request_duration_seconds",
    "How long requests took, by the template of their route",
    OF_A_REQUEST,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=METRICS,
)
ANSWER_BYTES = Summary(
    "cdp_http_response_size_bytes", "How long the bodies of answers were", OF_A_REQUEST, registry=METRICS
)
RATE_LIMIT_REFUSALS = Counter(
    "cdp_rate_limit_refusals_total", "Requests refused since their caller sends too many", ["limit"], registry=METRICS
)


def measure(response: Response) -> None:
    """Count the request that is answered now."""
    labels = (
        request.method if request.method in METHODS else UNKNOWN,
        request.url_rule.rule if request.url_rule is not None else UNKNOWN,
        str(response.status_code),
    )
    REQUEST_SECONDS.labels(*labels).observe(time.perf_counter() - g.begun_at)
    ANSWER_BYTES.labels(*labels).observe(bytes_of(response))


def bytes_of(response: Response) -> int:
    """How long the body is that goes out."""
    if request.method == "HEAD":
        return 0
    return response.content_length or response.calculate_content_length() or 0


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """The metrics of all processes of this API, for Prometheus, which asks the process itself.

    Who comes by a balancer finds nothing here, also where the balancer forgets to say so.
    """
    if "X-Forwarded-For" in request.headers:
        raise NotFound
    return Response(generate_latest(readable_metrics()), content_type=CONTENT_TYPE_LATEST)


def readable_metrics() -> CollectorRegistry:
    """What all processes left in gunicorn's folder; without gunicorn there is no folder and no other process."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        registry.register(METRICS)
    return registry
