"""The API in gunicorn, as a process of its own on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from local.marked import wait_until

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "gunicorn", "--config", "api/gunicorn.conf.py", "api.wsgi:app")
PATIENCE_SECONDS = 30
NOWHERE = f"http://{HOST}:9"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A running API."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                COMMAND,
                cwd=ROOT,
                env={**environment, "API_PORT": str(self.port)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        assert wait_until(self._has_started, PATIENCE_SECONDS), f"the API did not start: {log.read_text()}"

    def _has_started(self) -> bool:
        assert self._process.poll() is None, f"the API ended: {self._log.read_text()}"
        try:
            return requests.get(f"{self.url}/health/live", timeout=2).status_code == 200
        except (requests.ConnectionError, requests.Timeout):  # it listens before it answers
            return False

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request."""
        return requests.request(method, self.url + path, timeout=PATIENCE_SECONDS, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST."""
        return self.call("POST", path, **options)

    def raw(self, request: bytes) -> bytes:
        """The whole answer to bytes that no HTTP client would send; the request must ask to close."""
        with socket.create_connection((HOST, self.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(request)
            answer = b""
            while part := connection.recv(65536):
                answer += part
            return answer

    def processes(self) -> list[int]:
        """The processes that answer, of which gunicorn's first is none."""
        first = self._process.pid
        return [int(number) for number in Path(f"/proc/{first}/task/{first}/children").read_text().split()]

    def lines(self) -> list[dict[str, Any]]:
        """Every line of its log; all of them are JSON."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def stop(self) -> int:
        """Ask it to end, and say how it did."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()
