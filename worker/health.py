"""The worker's health endpoint: it is well while its loops finish their turns, not while its process exists."""

import json
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from worker.loops import Loop
from worker.start_gate import StartGate


def health_of(loops: Sequence[Loop], gate: StartGate, stale_seconds: float) -> dict[str, object]:
    """The age of each loop's last progress, whether the clock is right, and the sum of it."""
    ages = {loop.name: round(loop.age_seconds, 1) for loop in loops}
    well = all(age <= stale_seconds for age in ages.values()) and not gate.clock_is_wrong
    return {"healthy": well, "loopAgeSeconds": ages, "clockSkewSeconds": gate.skew.total_seconds()}


def start_health_server(port: int, loops: Sequence[Loop], gate: StartGate, stale_seconds: float) -> ThreadingHTTPServer:
    """Serve `GET /healthz` on 127.0.0.1 in a thread: 200 while well, else 503, with the facts as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/healthz":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            health = health_of(loops, gate, stale_seconds)
            body = json.dumps(health).encode()
            self.send_response(HTTPStatus.OK if health["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A probe every few seconds is not worth a line."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
