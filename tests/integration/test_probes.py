"""The health checks of the containers, asked of real processes."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.marked import wait_until
from local.variables import process_environment
from tests.integration.api.server import PATIENCE_SECONDS, ROOT, Server, free_port


def probe(process: str, variables: Mapping[str, str]) -> tuple[int, str]:
    """The exit code of a health check, and what it says."""
    command = [sys.executable, "-m", f"{process}.probe"]
    ended = subprocess.run(command, cwd=ROOT, env=process_environment(variables), capture_output=True, text=True)
    return ended.returncode, ended.stderr


@pytest.fixture
def worker(aws_cloud: LocalCloud) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A worker and the variables that it was told."""
    told = {**aws_cloud.environment, "EMR_APPLICATION_ID": "00app", "HEALTH_PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", "worker"], cwd=ROOT, env=process_environment(told), stdout=subprocess.DEVNULL
    )
    yield process, told
    process.kill()
    process.wait()


def test_the_api_is_well_while_it_answers(aws_cloud: LocalCloud, tmp_path: Path):
    told = {**aws_cloud.environment, "EMR_APPLICATION_ID": "00app", "API_PROCESSES": "1", "API_HOST": "0.0.0.0"}
    server = Server(process_environment(told), tmp_path / "api.log")
    told["API_PORT"] = str(server.port)

    answered = probe("api", told)
    server.stop()

    assert answered == (0, "")
    code, said = probe("api", told)
    assert (code, said.startswith(f"probe: 127.0.0.1:{server.port} does not answer: ")) == (1, True)


def test_a_worker_is_well_while_its_process_gets_on(worker: tuple[subprocess.Popen[bytes], dict[str, str]]):
    process, told = worker
    assert wait_until(lambda: probe("worker", told) == (0, ""), PATIENCE_SECONDS)

    process.send_signal(signal.SIGSTOP)
    code, said = probe("worker", told)

    assert (code, "does not answer: TimeoutError" in said) == (1, True)


class NotWell(BaseHTTPRequestHandler):
    """A worker, one of whose loops hangs."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b'{"healthy": false}')


def test_a_process_that_says_that_it_is_not_well_is_not(aws_cloud: LocalCloud):
    with ThreadingHTTPServer(("127.0.0.1", 0), NotWell) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        answered = probe("worker", {**aws_cloud.environment, "HEALTH_PORT": str(server.server_port)})
        server.shutdown()

    assert answered == (1, 'probe: 503 {"healthy": false}\n')


@pytest.mark.parametrize(
    ("process", "variables", "said"),
    [
        ("worker", {}, "probe: HEALTH_PORT must name the port that the worker answers on.\n"),
        ("worker", {"ENVIRONMENT": "moon"}, "probe: Environment variables invalid: {'ENVIRONMENT': "),
        ("api", {"ENVIRONMENT": "moon"}, "api: Environment variables invalid: {'ENVIRONMENT': "),
    ],
)
def test_who_does_not_know_whom_to_ask_says_so(process: str, variables: dict[str, str], said: str):
    code, stderr = probe(process, variables)

    assert (code, stderr[: len(said)]) == (2, said)
