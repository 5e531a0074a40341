"""The HTTP side: one thread for each connection, kept alive, and the local paths beside AWS's own.

GET /_local/health, GET /_local/runs, GET /_local/dashboards/..., GET|PUT|DELETE /_local/faults are this service's own;
all else is AWS's.
"""

import json
import logging
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.emr import wire
from local.emr.dashboards import Dashboards
from local.emr.errors import InvalidRequest, ServiceError, Throttled
from local.emr.faults import BadFaults, FaultBox, Faults, read_faults, write_faults
from local.emr.operations import Operations
from local.emr.store import Store
from local.emr.throttle import Throttle
from local.emr.wire import Answer

log = logging.getLogger(__name__)
LOCAL_PREFIX = "/_local/"
IDLE_SECONDS = 120
MAX_BODY_BYTES = 1024 * 1024


class AnswerLost(Exception):
    """The work is done, but the caller must not hear of it."""


class Service:
    """Answers requests, whoever carries them."""

    def __init__(
        self, operations: Operations, throttle: Throttle, faults: FaultBox, store: Store, dashboards: Dashboards
    ) -> None:
        self._operations, self._throttle, self._faults = operations, throttle, faults
        self._store, self._dashboards = store, dashboards

    def answer(self, method: str, target: str, signed_at: str | None, body: bytes) -> Answer:
        """The answer to a request.

        Raises: AnswerLost when a fault swallows it.
        """
        url = urlsplit(target)
        if url.path.startswith(LOCAL_PREFIX):
            return self._answer_locally(method, url.path.removeprefix(LOCAL_PREFIX), body)
        request_id = str(uuid.uuid4())
        try:
            return self._answer_as_aws(method, url.path, url.query, signed_at, body, request_id)
        except ServiceError as error:
            return wire.render_error(error, request_id)
        except AnswerLost:
            raise
        except Exception:  # the outermost level of a request
            log.exception("%s %s failed", method, target)
            return wire.render_error(ServiceError("Internal server error"), request_id)

    def _answer_as_aws(
        self, method: str, path: str, query: str, signed_at: str | None, body: bytes, request_id: str
    ) -> Answer:
        wire.check_signature_age(signed_at, datetime.now(UTC))
        call = wire.read_call(method, path, query, body)
        faults = self._faults.faults
        if self._faults.happens(faults.throttle.get(call.operation)) or not self._throttle.allows(call.operation):
            raise Throttled
        if self._faults.happens(faults.error.get(call.operation)):
            raise ServiceError("Internal server error, on demand")
        result = self._operations.perform(call.operation, call.parameters)
        if self._faults.happens(faults.answer_lost.get(call.operation)):
            raise AnswerLost
        return wire.render(call.operation, result, request_id)

    def _answer_locally(self, method: str, path: str, body: bytes) -> Answer:
        name, _, which = path.partition("/")
        match method, name:
            case "GET", "health":
                return _json(200, {"status": "ok"})
            case "GET", "runs":
                runs = [asdict(run) for run in self._store.all_runs() if which in ("", run.run_id)]
                return _json(200, {"runs": runs})
            case "GET", "dashboards":
                return self._dashboards.follow(which)
            case "GET", "faults":
                return _json(200, write_faults(self._faults.faults))
            case "PUT", "faults":
                return self._put_faults(body)
            case "DELETE", "faults":
                self._faults.replace(Faults())
                return _json(200, write_faults(self._faults.faults))
        return _json(404, {"message": f"There is no {method} /_local/{path} here."})

    def _put_faults(self, body: bytes) -> Answer:
        try:
            faults = read_faults(json.loads(body))
        except ValueError:
            return _json(400, {"message": "the document is not JSON"})
        except BadFaults as error:
            return _json(400, {"message": str(error)})
        self._faults.replace(faults)
        log.info("faults in force, seed %d", faults.seed)
        return _json(200, write_faults(faults))


def _json(status: int, document: Any) -> Answer:
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 and hands each request to the service."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port: int, service: Service) -> None:
        self.service = service
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    # Head and body leave in one packet: apart, each answer would wait for the client's delayed acknowledgement.
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        """Answer any method in the same way."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._send(wire.render_error(InvalidRequest("The request body is too large."), str(uuid.uuid4())))
            return
        body = self.rfile.read(int(length))
        try:
            answer = self.server.service.answer(self.command, self.path, self.headers.get("X-Amz-Date"), body)
        except AnswerLost:
            log.info("the answer to %s %s is lost, on demand", self.command, self.path)
            self.close_connection = True
            return
        self._send(answer)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815  # the names that the standard library calls

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not logged: a worker that polls would fill the disk."""
