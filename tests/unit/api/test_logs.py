"""Logs of jobs: where they lie, how much of them comes, and what is said where there is none (yet)."""

import gzip
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from api.jobs import logs
from api.jobs.log_tails import Most
from shared.attempts import AttemptRecord, Outcome
from shared.models import Job
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, job_id, starting_job, submitted_job, tracking_job
from tests.fakes.seam import aws_error, no_connection
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api, pointers_of, problem_of

PATH = f"/jobs/{job_id()}/logs"
BUCKET = "cloud-data-platform-dev-logs"
SETTLE = timedelta(seconds=120)
FIRST = AttemptRecord(1, Outcome.FAILED, NOON, NOON, "run-1")


def put_log(api: Api, text: str, run_id: str = "run-1", stream: str = "stdout") -> str:
    """A log where EMR Serverless puts it; its URI."""
    key = f"applications/00app/jobs/{run_id}/SPARK_DRIVER/{stream}.gz"
    api.s3.objects[BUCKET, key] = gzip.compress(text.encode())
    return f"s3://{BUCKET}/{key}"


def test_the_last_lines_come_as_text_with_a_link_to_all_of_them_for_a_quarter_of_an_hour():
    api = Api()
    api.put(ended_job(finished_at=NOON - SETTLE))
    uri = put_log(api, "one\ntwo\nthree\n")

    record = api.get(f"{PATH}?tailLines=2").get_json()

    assert (record["text"], record["startsAt"], record["nextAfter"]) == ("two\nthree\n", 4, 14)
    assert (record["jobId"], record["attempt"], record["runId"]) == (job_id(), 1, "run-1")
    assert (record["complete"], record["cut"], record["message"]) == (True, False, None)
    assert (record["uri"], record["expiresAt"]) == (uri, "2026-11-23T12:15:00.000Z")
    assert "X-Amz-Expires=900" in record["url"]
    (signed,) = api.s3.signed
    assert (signed["ResponseContentEncoding"], signed["ResponseContentType"]) == ("gzip", "text/plain; charset=utf-8")


def test_the_link_is_told_to_who_asks_and_to_no_log(capsys: pytest.CaptureFixture[str]):
    api = Api()
    api.put(tracking_job())
    put_log(api, "one\n")

    url = api.get(PATH).get_json()["url"]

    assert "Signature" in url
    assert "Signature" not in "".join(capsys.readouterr())


def test_sparks_own_messages_are_the_other_stream():
    api = Api()
    api.put(tracking_job())
    put_log(api, "printed\n")
    put_log(api, "WARN Utils\n", stream="stderr")

    assert api.get(f"{PATH}?stream=stderr").get_json()["text"] == "WARN Utils\n"


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (tracking_job(), "Nothing was printed to stderr so far."),
        (ended_job(finished_at=NOON - SETTLE), "Nothing was printed to stderr."),
    ],
)
def test_a_log_of_nothing_is_said_to_be_one(job: Job, message: str):
    api = Api()
    api.put(job)
    put_log(api, "", stream="stderr")

    assert api.get(f"{PATH}?stream=stderr").get_json()["message"] == message


def test_each_attempt_has_its_own_log_and_the_last_one_with_a_run_comes_first():
    api = Api()
    api.put(tracking_job(attempt=2, run_id="run-2", attempts=(FIRST,)))
    put_log(api, "the first\n")
    put_log(api, "the second\n", run_id="run-2")

    shown = {asked: api.get(PATH + asked).get_json()["text"] for asked in ("", "?attempt=1", "?attempt=2")}

    assert shown == {"": "the second\n", "?attempt=1": "the first\n", "?attempt=2": "the second\n"}


NO_RUN = "Attempt 1 has no run yet, so nothing is printed; GET /jobs/{jobId}/explain says why."
NOT_YET = "Run run-1 has no log yet: EMR Serverless puts it from time to time, and once more after the run's end."
GONE = "There is no log of run run-1: it printed nothing, or its log was deleted since."
NEVER = "Attempt 1 ended without a run that is known, so there is no log of it."
CANCELLED_AT_ONCE = submitted_job(status=JobStatus.FAILED, finished_at=NOON)


@pytest.mark.parametrize(
    ("job", "has_log", "complete", "retry_after", "message"),
    [
        (submitted_job(), False, False, 5, NO_RUN),
        (starting_job(), False, False, 5, NO_RUN),
        (tracking_job(), False, False, 10, NOT_YET),
        (tracking_job(), True, False, 10, None),
        (idle_job(attempts=(FIRST,)), False, False, 10, NOT_YET),
        (ended_job(finished_at=NOON), False, False, 10, NOT_YET),
        (ended_job(finished_at=NOON), True, False, 10, None),
        (ended_job(finished_at=NOON - SETTLE + timedelta(seconds=1)), True, False, 10, None),
        (ended_job(finished_at=NOON - SETTLE), True, True, None, None),
        (ended_job(JobStatus.FAILED, finished_at=NOON - SETTLE), True, True, None, None),
        (ended_job(finished_at=NOON - SETTLE), False, True, None, GONE),
        (CANCELLED_AT_ONCE, False, True, None, NEVER),
    ],
)
def test_a_log_that_is_not_there_is_no_error_but_an_answer(
    job: Job, has_log: bool, complete: bool, retry_after: int | None, message: str | None
):
    api = Api()
    api.put(job)
    if has_log:
        put_log(api, "one\n")

    record = api.get(PATH).get_json()

    assert (record["complete"], record["retryAfterSeconds"], record["message"]) == (complete, retry_after, message)
    assert record["text"] == ("one\n" if has_log else "")
    assert (record["url"] is None, record["uri"] is None) == (not has_log, not has_log)


def test_a_log_grows_from_one_look_to_the_next():
    api = Api()
    api.put(tracking_job())
    put_log(api, "one\n")
    first = api.get(PATH).get_json()
    put_log(api, "one\ntwo\n")

    then = api.get(f"{PATH}?after={first['nextAfter']}").get_json()

    assert (first["text"], then["text"], then["startsAt"]) == ("one\n", "two\n", 4)


@pytest.mark.parametrize(
    ("zipped", "text", "sentence"),
    [
        (gzip.compress(b"longer than that\n" * 9), "", "The log is longer than what is read"),
        (b"no gzip", "", "The log cannot be unzipped any further"),
    ],
    ids=["too-long", "no-gzip"],
)
def test_a_log_that_cannot_be_shown_to_its_end_is_said_to_be_so(
    monkeypatch: pytest.MonkeyPatch, zipped: bytes, text: str, sentence: str
):
    monkeypatch.setattr(logs, "MOST", Most(10_000, 100))
    api = Api()
    api.put(tracking_job())
    put_log(api, "")
    ((place, _),) = [(place, body) for place, body in api.s3.objects.items() if place[0] == BUCKET]
    api.s3.objects[place] = zipped

    record = api.get(PATH).get_json()

    assert record["message"].startswith(sentence)
    assert (record["text"], record["cut"]) == (text, "longer" in sentence)
    assert record["url"] is not None


@pytest.mark.parametrize(
    "error",
    [no_connection(), aws_error("GetObject", "InternalError", status=500), aws_error("GetObject", "AccessDenied")],
)
def test_a_store_that_does_not_answer_is_no_log_that_is_missing(error: Exception):
    api = Api()
    api.put(tracking_job())
    api.seam.fail_before("get_object", error)

    response = api.get(PATH)

    assert problem_of(response) == (503, "object_store_unavailable")
    assert response.headers["Retry-After"] == "5"


class Stalling:
    """The body of an object that stops coming."""

    def read(self, size: int) -> bytes:
        raise ReadTimeoutError(endpoint_url="http://aws.invalid")

    def close(self) -> None:
        """Nothing to let go of."""


def test_a_log_that_stops_coming_is_a_store_that_does_not_answer():
    api = Api()
    api.put(tracking_job())
    api.s3.get_object = lambda **_: {"Body": Stalling()}  # type: ignore[method-assign]

    assert problem_of(api.get(PATH)) == (503, "object_store_unavailable")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("stream=stdin", "/query/stream"),
        ("tailLines=0", "/query/tailLines"),
        ("tailLines=10001", "/query/tailLines"),
        ("tailBytes=1048577", "/query/tailBytes"),
        ("tailBytes=-1", "/query/tailBytes"),
        ("attempt=0", "/query/attempt"),
        ("attempt=2", "/query/attempt"),
        ("after=x", "/query/after"),
        ("lines=3", "/query/lines"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_where_it_stands(query: str, pointer: str):
    api = Api()
    api.put(ended_job())

    response = api.get(f"{PATH}?{query}")

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [pointer]


@pytest.mark.parametrize("what", ["logs", "dashboard"])
def test_logs_and_dashboards_of_others_are_not_there(what: str):
    api = Api(callers())
    api.put(tracking_job(owner_id="ann"))

    response = api.get(f"/jobs/{job_id()}/{what}", headers=bearer(token(sub="bob", scope="jobs:read")))

    assert problem_of(response) == (404, "job_not_found")
    assert {"get_object", "get_dashboard_for_job_run"}.isdisjoint(api.seam.calls)


def test_who_looks_at_logs_all_the_time_is_told_when_to_come_back():
    api = Api(rate_logs_burst=1, rate_logs_per_second=0.1)
    api.put(tracking_job())
    answers: list[Any] = [api.get(PATH) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["Retry-After"] == "10"
