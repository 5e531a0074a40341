"""The worker's health: it is well while its loops finish their turns, not while its process exists.

`GET /healthz` answers whoever restarts it; `GET /metrics` has the same facts for Prometheus, and all that it counts.
"""

import json
import threading
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from shared.metrics import METRICS
from worker.loops import Loop
from worker.start_gate import StartGate


def health_of(loops: Sequence[Loop], gate: StartGate, stale_seconds: float) -> dict[str, object]:
    """The age of each loop's last progress, whether the clock is right, and the sum of it."""
    ages = {loop.name: round(loop.age_seconds, 1) for loop in loops}
    well = all(age <= stale_seconds for age in ages.values()) and not gate.clock_is_wrong
    return {"healthy": well, "loopAgeSeconds": ages, "clockSkewSeconds": gate.skew.total_seconds()}


def metrics_of(loops: Sequence[Loop], gate: StartGate) -> CollectorRegistry:
    """All that this worker counts; the age of each loop's last progress and the skew of the clock, as they are then."""
    registry = CollectorRegistry()
    registry.register(METRICS)
    meaning = "Seconds since the loop's last progress"
    ages = Gauge("cdp_worker_loop_age_seconds", meaning, ["loop"], registry=registry)
    for loop in loops:
        ages.labels(loop.name).set_function(partial(getattr, loop, "age_seconds"))
    skew = Gauge("cdp_worker_clock_skew_seconds", "This machine's clock less DynamoDB's", registry=registry)
    skew.set_function(lambda: gate.skew.total_seconds())
    return registry


def start_health_server(port: int, loops: Sequence[Loop], gate: StartGate, stale_seconds: float) -> ThreadingHTTPServer:
    """Serve both on 127.0.0.1 in a thread; `/healthz` is 200 while well, else 503, with the facts as JSON."""
    metrics = metrics_of(loops, gate)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                health = health_of(loops, gate, stale_seconds)
                status = HTTPStatus.OK if health["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE
                self.answer(status, "application/json", json.dumps(health).encode())
            elif self.path == "/metrics":
                self.answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(metrics))
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A probe every few seconds is not worth a line."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
