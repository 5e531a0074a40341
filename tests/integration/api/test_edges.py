"""What only a real server shows: bytes on the wire, services that are away, starting and ending."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from shared.job_store import JobStore
from shared.moments import utc_now
from tests.integration.api.conftest import Start
from tests.integration.api.server import COMMAND, HOST, NOWHERE, ROOT, Server
from tests.integration.api.test_serving import CSV

BODY = json.dumps(CSV).encode()
LIMIT = 4096


def request(path: str, headers: str, body: bytes) -> bytes:
    """A POST as bytes, after which the connection closes."""
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{headers}\r\n".encode() + body


def chunked(body: bytes, size: int = 1000) -> bytes:
    """A body in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CHUNKED = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(("more_bytes", "status"), [(0, b"202"), (1, b"413"), (LIMIT, b"413"), (100 * LIMIT, b"413")])
def test_a_body_in_chunks_may_be_as_long_as_any_other(server: Server, more_bytes: int, status: bytes):
    body = BODY + b" " * (LIMIT + more_bytes - len(BODY))

    answer = server.raw(request("/jobs", CHUNKED, chunked(body)))

    assert answer.split(b" ")[1] == status


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n", b"400"),
        (CHUNKED + "Content-Length: 2\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"400"),
        (f"Content-Type: application/json\r\nContent-Length: {LIMIT + 1}\r\n", b" " * (LIMIT + 1), b"413"),
        ("Content-Type: application/json\r\nContent-Length: -1\r\n", b"{}", b"400"),
        ("Content-Type: text/csv\r\nContent-Length: 2\r\n", b"{}", b"415"),
        ("Content-Length: 0\r\n", b"", b"415"),
    ],
    ids=["broken chunks", "two lengths", "too long", "a negative length", "another type", "nothing"],
)
def test_a_body_that_cannot_be_is_refused(server: Server, headers: str, body: bytes, status: bytes):
    assert server.raw(request("/jobs", headers, body)).split(b" ")[1] == status


def test_a_connection_goes_on_after_a_body_that_was_too_long(server: Server):

    with requests.Session() as session:
        refused = session.post(f"{server.url}/jobs", data=b" " * 5000, headers={"Content-Type": "application/json"})
        accepted = session.post(f"{server.url}/jobs", json=CSV)

    assert (refused.status_code, accepted.status_code) == (413, 202)


def test_without_dynamodb_it_starts_lives_and_accepts_nothing(start: Start):
    server = start(AWS_ENDPOINT_URL_DYNAMODB=NOWHERE)

    ready, submitted = server.get("/health/ready"), server.post("/jobs", json=CSV)

    assert server.get("/health/live").status_code == 200
    for response in (ready, submitted):
        assert (response.status_code, response.json()["code"]) == (503, "job_store_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert HOST not in response.text


def test_without_sqs_it_accepts_a_job_that_is_due_at_once(start: Start, store: JobStore):
    server, before = start(AWS_ENDPOINT_URL_SQS=NOWHERE), utc_now()

    response = server.post("/jobs", json=CSV)

    due_at = store.get(response.json()["jobId"]).due_at
    assert response.status_code == 202
    assert due_at is not None
    assert before <= due_at <= utc_now() + timedelta(seconds=1)
    assert server.get("/health/ready").status_code == 200


def test_without_s3_it_cannot_say_whether_an_input_exists(start: Start):
    server = start(AWS_ENDPOINT_URL_S3=NOWHERE)

    response = server.post("/jobs", json=CSV)

    assert (response.status_code, response.json()["code"]) == (503, "object_store_unavailable")
    assert server.post("/jobs", json={"jobType": "simulated"}).status_code == 202


def test_asked_to_end_it_ends_well_and_all_its_lines_were_json(start: Start):
    server = start()
    server.get("/jobs", headers={"X-Correlation-Id": "find-me-again"})

    exit_code = server.stop()

    lines = server.lines()
    answered = [line for line in lines if line["event"] == "request_answered"]
    assert exit_code == 0
    assert [(line["correlation_id"], line["status"]) for line in answered] == [("find-me-again", 200)]
    assert {"gunicorn.error", "api.protocol.edges"} <= {line["logger"] for line in lines}


def test_with_a_full_disk_behind_its_log_it_goes_on(start: Start):
    server = start(log=Path("/dev/full"))

    assert [server.post("/jobs", json={"jobType": "simulated"}).status_code for _ in range(3)] == [202, 202, 202]
    assert server.stop() == 0


@pytest.mark.parametrize(
    "command", [COMMAND, (sys.executable, "-c", "import api.wsgi")], ids=["gunicorn", "any server"]
)
def test_with_settings_that_cannot_be_it_says_so_in_a_sentence_and_ends(command: tuple[str, ...]):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

    ended = subprocess.run(
        command, cwd=ROOT, env={**inherited, "ENVIRONMENT": "production"}, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode != 0
    assert ended.stderr.startswith("api: ENVIRONMENT=production needs: ")
    assert ended.stderr.count("\n") == 1


def get(path: str, headers: str = "") -> bytes:
    """A GET as bytes, after which the connection closes."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{headers}\r\n".encode()


# What gunicorn itself allows: 4094 bytes of a request line, 100 fields, 8190 bytes of each with its line break.
@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/health/live?" + "x" * (4094 - len("GET /health/live? HTTP/1.1"))), b"200"),
        (get("/health/live?" + "x" * 4094), b"414"),
        (get("/health/live", "X-Long: " + "x" * (8190 - len("X-Long: \r\n")) + "\r\n"), b"200"),
        (get("/health/live", "X-Long: " + "x" * 8190 + "\r\n"), b"431"),
        (get("/health/live", "".join(f"X-{n}: 1\r\n" for n in range(98))), b"200"),
        (get("/health/live", "".join(f"X-{n}: 1\r\n" for n in range(101))), b"431"),
    ],
    ids=["a long line", "too long a line", "a long field", "too long a field", "many fields", "too many fields"],
)
def test_request_lines_and_fields_are_bounded(server: Server, request_bytes: bytes, status: bytes):
    assert server.raw(request_bytes).split(b" ")[1] == status


HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.1, 203.0.113.5", "X-Correlation-Id": "by-a-proxy"}


def clients_of(server: Server) -> list[str]:
    """Whom the log names for the requests that claim to come through a proxy."""
    server.stop()
    return [line["client"] for line in server.lines() if line.get("correlation_id") == HTTPS["X-Correlation-Id"]]


def test_nobody_may_say_for_whom_he_asks_unless_he_is_a_balancer_of_ours(start: Start):
    server = start(TRUSTED_PROXIES="192.0.2.0/24")

    answer = server.get("/jobs", headers=HTTPS)

    assert "Strict-Transport-Security" not in answer.headers
    assert clients_of(server) == [HOST]


def test_a_balancer_of_ours_says_for_whom_it_asks_and_how_that_came(start: Start):
    server = start(TRUSTED_PROXIES=f"192.0.2.0/24,{HOST}/32")

    answers = [server.get("/jobs", headers=HTTPS | {"X-Forwarded-Proto": scheme}) for scheme in ("https", "http")]

    assert [answer.headers.get("Strict-Transport-Security") for answer in answers] == ["max-age=31536000", None]
    assert clients_of(server) == ["203.0.113.5"] * 2


@pytest.mark.parametrize("trusted", ["", f"{HOST}/32"])
def test_nobody_may_say_where_the_application_lies(start: Start, trusted: str):
    server = start(TRUSTED_PROXIES=trusted)

    answer = server.raw(get("/health/live", "SCRIPT_NAME: /health\r\nPATH_INFO: /docs\r\n"))

    assert b'"status":"live"' in answer.replace(b" ", b"")


def test_it_outlives_a_balancers_connections_and_ends_before_it_is_killed():
    printed = subprocess.run(
        [*COMMAND, "--print-config"],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    told = dict(line.split(" = ", 1) for line in printed.splitlines() if " = " in line)
    told = {name.strip(): value.strip() for name, value in told.items()}

    assert int(told["keepalive"]) > 60, "ALB keeps its connections for 60 s"
    assert int(told["graceful_timeout"]) < 30, "ECS kills a container 30 s after it has asked it to stop"
    assert told["forwarded_allow_ips"] == "[]"
