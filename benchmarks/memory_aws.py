"""DynamoDB, SQS and EMR Serverless over HTTP from memory, as far as a worker calls them, with every call counted.

It plays AWS where the worker alone is to be measured: MiniStack scans a whole table for each query of an index.
Runs last for ever. GetJobRun has AWS's own quota; nothing else is limited.
"""

import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.dynamodb import FakeDynamoDB

GET_RATE, GET_BURST = 10.0, 50.0
# What DynamoDB says of a refused condition besides its code.
DETAILS = ("Item", "CancellationReasons")


class MemoryAWS:
    """What the worker's endpoint variables point at. `calls` counts by operation, throttled ones as well."""

    def __init__(self) -> None:
        self.dynamodb = FakeDynamoDB()
        self.calls: Counter[str] = Counter()
        self.throttled = 0
        self._lock = threading.Lock()
        self._tokens, self._tokens_at = GET_BURST, time.monotonic()
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                self._answer(*aws.look_at_run(self.path))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(*aws.answer(self.headers["X-Amz-Target"], body))

            def _answer(self, status: int, document: Any) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Not worth a line each."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer nothing more."""
        self._server.shutdown()
        self._server.server_close()

    def look_at_run(self, path: str) -> tuple[int, Any]:
        """GetJobRun: the run is RUNNING, whichever it is."""
        run_id = path.rpartition("/")[2]
        with self._lock:
            self.calls["GetJobRun"] += 1
            now = time.monotonic()
            self._tokens = min(GET_BURST, self._tokens + (now - self._tokens_at) * GET_RATE)
            self._tokens_at = now
            if self._tokens < 1:
                self.throttled += 1
                return 429, {"__type": "ThrottlingException", "message": "Rate exceeded"}
            self._tokens -= 1
        created = datetime.now(UTC).timestamp() - 60
        run = {"jobRunId": run_id, "name": f"{run_id}.1", "state": "RUNNING", "stateDetails": ""}
        return 200, {"jobRun": {**run, "createdAt": created, "updatedAt": created, "startedAt": created}}

    def answer(self, target: str, body: Any) -> tuple[int, Any]:
        """A call of DynamoDB or SQS."""
        service, _, operation = target.partition(".")
        with self._lock:
            self.calls[operation] += 1
        if service == "AmazonSQS":
            return 200, self._answer_queue(operation, body)
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")
        body.pop("ReturnValues", None)
        with self._lock:
            try:
                return 200, getattr(self.dynamodb, method)(**body)
            except ClientError as error:
                told = {name: error.response[name] for name in DETAILS if name in error.response}
                return 400, {"__type": error.response["Error"]["Code"], "message": "refused", **told}

    def _answer_queue(self, operation: str, body: Any) -> Any:
        """Empty queues, with their long polls."""
        if operation == "GetQueueUrl":
            return {"QueueUrl": f"{self.url}/000000000000/{body['QueueName']}"}
        if operation == "ReceiveMessage":
            threading.Event().wait(body["WaitTimeSeconds"])
        return {}
