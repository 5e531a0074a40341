"""`cdp logs` and `cdp dashboard` against a real HTTP server that answers by a script."""

from typing import Any

import pytest

from cli.client import ApiClient
from cli.following import follow
from tests.unit.test_cli import Server, cdp, record, server

__all__ = ["server"]


def log(text: str, starts_at: int = 0, *, complete: bool = False, attempt: int = 1, **more: Any) -> dict[str, Any]:
    answer = {"attempt": attempt, "text": text, "startsAt": starts_at, "nextAfter": starts_at + len(text)}
    waits = {"complete": complete, "retryAfterSeconds": None if complete else 10}
    return {**answer, **waits, "message": None, "url": None, **more}


def paths(server: Server) -> list[str]:
    return [path for _, path, _, _ in server.requests]


def followed(server: Server, *answers: Any, attempt: int | None = None) -> tuple[list[str], list[float]]:
    """The texts that come, and how long is waited between them."""
    waits: list[float] = []
    server.will_answer(*answers)
    found = follow(ApiClient(server.url), "job-1", "stdout", attempt, 3, waits.append)
    return [part["text"] for part in found], waits


def test_the_last_lines_are_printed_as_they_are(server: Server):
    server.will_answer(log("one\ttwo\nthree", complete=True))

    assert cdp(server, "logs", "job-1") == (0, "one\ttwo\nthree", "")
    assert paths(server) == ["/jobs/job-1/logs?stream=stdout&tailLines=200"]


def test_a_log_moves_no_cursor(server: Server):
    server.will_answer(log("\033[2Jgone\r\nover\rwritten\n"))

    assert cdp(server, "logs", "job-1")[1] == "\N{REPLACEMENT CHARACTER}[2Jgone\nover\nwritten\n"


def test_what_is_asked_for_is_sent(server: Server):
    server.will_answer(log(""))

    cdp(server, "logs", "job-1", "--stream", "stderr", "--attempt", "2", "--tail", "5")

    assert paths(server) == ["/jobs/job-1/logs?stream=stderr&attempt=2&tailLines=5"]


def test_a_log_that_is_not_there_is_said_on_stderr(server: Server):
    server.will_answer(log("", message="Attempt 1 has no run yet."))

    assert cdp(server, "logs", "job-1") == (0, "", "Attempt 1 has no run yet.\n")


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        (log("x", url="https://s3.invalid/log"), (0, "https://s3.invalid/log\n", "")),
        (log("", message="There is no log."), (0, "", "There is no log.\n")),
    ],
)
def test_a_link_to_the_whole_log_is_printed_instead_of_it(server: Server, answer: Any, printed: tuple[int, str, str]):
    server.will_answer(answer)

    assert cdp(server, "logs", "job-1", "--link") == printed


def test_a_link_is_not_followed(server: Server):
    assert cdp(server, "logs", "job-1", "--link", "--follow")[0] == 2


def test_what_is_followed_comes_once_until_the_job_has_ended(server: Server):
    texts, waits = followed(server, log("one\n"), log("", 4), log("two\n", 4, complete=True), record("SUCCEEDED"))

    assert (texts, waits) == (["one\n", "", "two\n"], [10, 10])
    most = "tailLines=10000&tailBytes=1048576"
    assert paths(server) == [
        "/jobs/job-1/logs?stream=stdout&tailLines=3",
        f"/jobs/job-1/logs?stream=stdout&after=4&{most}",
        f"/jobs/job-1/logs?stream=stdout&after=4&{most}",
        "/jobs/job-1",
    ]


def test_the_next_attempt_is_followed_from_its_beginning(server: Server):
    texts, waits = followed(
        server,
        log("failed\n", complete=True),
        record("RUNNING"),
        log("ain\n", 7, attempt=2),
        log("again\n", attempt=2, complete=True),
        record("SUCCEEDED"),
    )

    assert (texts, waits) == (["failed\n", "again\n"], [5])
    assert "attempt=2" in paths(server)[3]


def test_one_attempt_is_followed_to_its_own_end(server: Server):
    assert followed(server, log("one\n", complete=True), attempt=1) == (["one\n"], [])


def test_what_is_said_while_a_log_is_followed_is_said_once(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.logs.time.sleep", lambda seconds: None)
    waiting = log("", message="Run run-1 has no log yet.")
    server.will_answer(waiting, waiting, log("one\n"), log("two\n", 9), log("x", attempt=2), log("x", attempt=2))
    server.will_answer(log("", 1, attempt=2, complete=True), record("FAILED"))

    status, printed, said = cdp(server, "logs", "job-1", "--follow")

    assert (status, printed) == (0, "one\ntwo\nx")
    assert said == ("Run run-1 has no log yet.\n5 bytes came too fast to be shown; --link has them.\nAttempt 2:\n")


def test_the_address_of_a_dashboard_is_printed_alone(server: Server):
    server.will_answer({"url": "https://emr.invalid/1"}, {"url": "https://emr.invalid/2"})

    assert cdp(server, "dashboard", "job-1") == (0, "https://emr.invalid/1\n", "")
    assert cdp(server, "dashboard", "job-1", "--attempt", "2")[1] == "https://emr.invalid/2\n"
    assert paths(server) == ["/jobs/job-1/dashboard", "/jobs/job-1/dashboard?attempt=2"]
