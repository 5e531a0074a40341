"""The `cdp` command against a real HTTP server that answers by a script."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.client import ApiClient, Problem, Unreachable, WaitTimedOut


def record(status: str = "RUNNING", message: str = "Starting attempt 1.") -> dict:
    return {"jobId": "job-1", "status": status, "statusMessage": message, "updatedAt": "2026-11-23T12:00:00.000Z"}


PROBLEM = {
    "code": "validation_failed",
    "detail": "Some fields are not valid.",
    "correlationId": "c-1",
    "errors": [{"pointer": "/jobType", "message": "is unknown"}],
}


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.requests: list[tuple[str, str, dict, bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def will_answer(self, *bodies: object, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        texts = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        self.answers += [(status, text, named) for text in texts]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        status, answer, headers = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving()


def serving() -> Iterator[Server]:
    """A server of its own for a test."""
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def cdp(server: Server, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["--url", server.url, *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "request_line"),
    [
        (["get", "job-1"], ("GET", "/jobs/job-1")),
        (["list"], ("GET", "/jobs")),
        (["list", "--status", "FAILED", "--limit", "5"], ("GET", "/jobs?status=FAILED&limit=5")),
        (["list", "--status", "RUNNING", "--status", "FAILED"], ("GET", "/jobs?status=RUNNING%2CFAILED")),
        (["list", "--tag", "a=b", "--tag", "c=d", "--all-owners"], ("GET", "/jobs?tag=a%3Db&tag=c%3Dd&owner=%2A")),
        (
            ["list", "--job-type", "sql", "--order", "oldest", "--owner", "ann", "--replay-of", "job-1"],
            ("GET", "/jobs?jobType=sql&order=oldest&owner=ann&replayOf=job-1"),
        ),
        (
            ["list", "--created-after", "2026-11-23T12:00:00Z", "--created-before", "2026-11-24T12:00:00+01:00"],
            (
                "GET",
                "/jobs?createdAfter=2026-11-23T12%3A00%3A00Z&createdBefore=2026-11-24T12%3A00%3A00%2B01%3A00",
            ),
        ),
        (["cancel", "job-1", "--reason", "late"], ("POST", "/jobs/job-1/cancel")),
        (["history", "job-1"], ("GET", "/jobs/job-1/history")),
        (["outputs", "job-1"], ("GET", "/jobs/job-1/outputs")),
        (["quota"], ("GET", "/quota")),
        (["explain", "J1"], ("GET", "/jobs/J1/explain")),
        (["datasets", "abandon", "D1"], ("POST", "/datasets/D1/abandon")),
        (["job-types"], ("GET", "/job-types")),
    ],
)
def test_each_command_is_one_request_and_its_answer_is_one_document(server, arguments, request_line):
    server.will_answer({"answer": 1})

    code, out, _ = cdp(server, *arguments)

    assert (code, json.loads(out)) == (0, {"answer": 1})
    assert server.requests[0][:2] == request_line


def test_a_job_is_submitted_as_it_was_given_with_its_key(server):
    server.will_answer(record("SUBMITTED"))

    code, out, _ = cdp(server, "submit", "-f", "-", "--idempotency-key", "k-1", stdin='{"jobType": "sql"}')

    _, _, headers, body = server.requests[0]
    assert (code, json.loads(body), headers["Idempotency-Key"]) == (0, {"jobType": "sql"}, "k-1")
    assert json.loads(out)["status"] == "SUBMITTED"


def test_a_dry_run_says_so_in_its_request_and_shows_the_answer(server):
    server.will_answer({"existingJobId": None})

    code, out, _ = cdp(server, "submit", "-f", "-", "--dry-run", stdin='{"jobType": "sql"}')

    assert (code, json.loads(out), len(server.requests)) == (0, {"existingJobId": None}, 1)
    assert server.requests[0][:2] == ("POST", "/jobs?dryRun=true")


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ([], {"overrides": {}}),
        (["--reason", "More memory.", "--again", "b"], {"overrides": {}, "reason": "More memory.", "again": "b"}),
        (
            ["--set", "size=large", "--set", "parameters.formats.a=csv", "--set", "parameters.delimiter=null"],
            {"overrides": {"size": "large", "parameters": {"formats": {"a": "csv"}, "delimiter": None}}},
        ),
    ],
)
def test_a_replay_sends_what_is_to_change_and_why(server, options, body):
    server.will_answer(record("SUBMITTED"))

    code, out, _ = cdp(server, "replay", "job-1", *options)

    ((method, path, _, sent),) = server.requests
    assert (method, path, json.loads(sent)) == ("POST", "/jobs/job-1/replay", body)
    assert (code, json.loads(out)["status"]) == (0, "SUBMITTED")


@pytest.mark.parametrize(("status", "code"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_waiting_tells_each_change_on_stderr_and_exits_as_the_job_ended(server, status, code):
    server.will_answer(record("SUBMITTED"), record(), record(status, "Over."))

    exit_code, out, err = cdp(server, "submit", "-f", "-", "--wait", stdin="{}")

    assert (exit_code, json.loads(out)["status"]) == (code, status)
    assert err.splitlines() == [
        "2026-11-23T12:00:00.000Z  RUNNING    Starting attempt 1.",
        f"2026-11-23T12:00:00.000Z  {status:<9}  Over.",
    ]


def test_a_wait_is_told_once_with_its_reason_however_often_it_is_looked_at(server, monkeypatch):
    monkeypatch.setattr("cli.client.time.sleep", lambda seconds: None)
    pacing = {"code": "start-pacing", "summary": "Attempt 2 waits for its turn.", "since": "then", "until": "12:00"}
    runs = {**pacing, "code": "run", "summary": "It is with EMR Serverless.", "until": None}
    server.will_answer(
        *({**record(), "waitingFor": pacing, "times": {"runningSeconds": seconds}} for seconds in (1, 2, 3)),
        {**record(), "waitingFor": {**pacing, "until": None}},
        {**record(message="Half."), "waitingFor": runs},
        {**record("SUCCEEDED", "Over."), "waitingFor": None},
    )

    code, _, err = cdp(server, "wait", "job-1")

    assert code == 0
    assert [line.partition("Z  ")[2] for line in err.splitlines()] == [
        "RUNNING    Attempt 2 waits for its turn. (until 12:00)",
        "RUNNING    Attempt 2 waits for its turn.",
        "RUNNING    Half.",
        "SUCCEEDED  Over.",
    ]


def test_patience_that_ends_first_is_an_exit_code_of_its_own(server):
    server.will_answer(record())

    code, _, err = cdp(server, "wait", "job-1", "--timeout", "0")

    assert code == 4
    assert "still RUNNING" in err


def test_a_refusal_says_what_was_wrong_and_where(server):
    server.will_answer(PROBLEM, status=422)

    code, out, err = cdp(server, "get", "job-1")

    assert (code, out) == (3, "")
    assert "Some fields are not valid. (422 validation_failed, correlation id c-1)" in err
    assert "/jobType: is unknown" in err


def test_an_answer_that_is_no_problem_document_is_shown_as_it_is(server):
    server.will_answer(b"<html>bad gateway</html>", status=502)

    code, _, err = cdp(server, "get", "job-1")

    assert code == 3
    assert "bad gateway" in err


def patient(server: Server, seconds: float) -> tuple[ApiClient, list[float]]:
    """A client that waits this long in all, and notes each pause instead of making it."""
    pauses: list[float] = []
    return ApiClient(server.url, patience_seconds=seconds, pause=pauses.append), pauses


def test_a_call_that_is_refused_for_now_is_repeated_when_the_api_said(server):
    client, pauses = patient(server, 60)
    server.will_answer(PROBLEM, status=429, Retry_After="9")
    server.will_answer(PROBLEM, status=503, Retry_After="5")
    server.will_answer(record())

    assert client.get("job-1")["jobId"] == "job-1"
    assert pauses == [9, 5]


@pytest.mark.parametrize(
    ("status", "retry_after", "patience"),
    [
        (429, "86400", 60),  # a quota of the day
        (429, "9", 0),  # nobody said to be patient
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", 60),
        (429, "9" * 5000, 60),
        (503, "-1", 60),
        (502, "1", 60),
        (409, "1", 60),
    ],
)
def test_what_does_not_pass_soon_is_told_at_once(server, status, retry_after, patience):
    client, pauses = patient(server, patience)
    server.will_answer(PROBLEM, status=status, Retry_After=retry_after)

    with pytest.raises(Problem):
        client.get("job-1")

    assert (pauses, len(server.requests)) == ([], 1)


def test_patience_is_for_all_waits_together_and_none_is_shorter_than_a_second(server):
    client, pauses = patient(server, 4)
    server.will_answer(*[PROBLEM] * 9, status=429, Retry_After="0")

    with pytest.raises(Problem):
        client.get("job-1")

    assert pauses == [1, 1, 1, 1]


@pytest.mark.parametrize(("status", "key", "is_repeated"), [(429, None, True), (503, "k-1", True), (503, None, False)])
def test_a_submission_that_may_have_been_stored_is_repeated_only_by_its_key(server, status, key, is_repeated):
    client, pauses = patient(server, 60)
    server.will_answer(PROBLEM, status=status, Retry_After="1")
    server.will_answer(record())

    if is_repeated:
        client.submit({}, key)
    else:
        with pytest.raises(Problem):
            client.submit({}, key)

    assert len(pauses) == is_repeated


def test_no_answer_at_all_is_said_so():
    with pytest.raises(Unreachable, match="did not answer"):
        ApiClient("http://127.0.0.1:9").get("job-1")


def test_an_answer_that_is_no_object_is_no_answer(server):
    server.will_answer([1])

    assert cdp(server, "get", "job-1")[0] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["submit", "-f", "-"],
        ["--url", "ftp://x", "get", "1"],
        ["list", "--status", "X"],
        ["replay", "1", "--set", "size"],
        ["submit", "-f", "-", "--dry-run", "--wait"],
    ],
)
def test_wrong_usage_is_exit_code_two(server, arguments):
    assert cdp(server, *arguments, stdin="{no json")[0] == 2


def test_waiting_ends_with_the_deadline(server):
    server.will_answer(record())

    with pytest.raises(WaitTimedOut):
        ApiClient(server.url).wait("job-1", 0.1, lambda now: None)
