"""What is asked of EMR Serverless, and what its answers mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from shared.errors import SparkUnavailable, StartForbidden, StartRejected, StartThrottled
from shared.spark_runner import Absence, Run, SparkRunner, refuse_late_start, start_request
from tests.fakes.clock import NOON, Clock
from tests.fakes.emr import FakeEMR, runs_for
from tests.fakes.jobs import starting_job, submitted_job
from tests.fakes.seam import Client, Seam, aws_error, no_answer, no_connection


@pytest.fixture
def seam() -> Seam:
    return Seam()


@pytest.fixture
def emr() -> FakeEMR:
    return FakeEMR(Clock(), default_plan=runs_for(1000))


@pytest.fixture
def runner(emr, seam) -> SparkRunner:
    client = Client(emr, seam, emr.clock)
    return SparkRunner(client, client)


def test_a_request_differs_between_attempts_by_the_attempt_alone():
    job = submitted_job()

    first, second = (start_request(job.job_id, job.spec, attempt) for attempt in (1, 2))

    assert first["clientToken"] == first["name"] == f"{job.job_id}.1"
    assert first["jobDriver"]["sparkSubmit"]["entryPointArguments"][-2:] == ["--attempt", "1"]
    assert first["retryPolicy"] == {"maxAttempts": 1}
    assert second["name"] == f"{job.job_id}.2"
    assert start_request(job.job_id, job.spec, 1) == first


def test_the_request_is_one_that_the_real_service_takes():
    """botocore checks it against the service's own model."""
    options = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = boto3.client("emr-serverless", config=Config(retries={"total_max_attempts": 1}), **options)
    job = starting_job()
    with Stubber(client) as stub:
        expected = start_request(job.job_id, job.spec, 1)
        stub.add_response(
            "start_job_run",
            {
                "applicationId": "a",
                "jobRunId": "r",
                "arn": "arn:aws:emr-serverless:us-east-1:000000000000:/applications/00app/jobruns/r",
            },
            expected,
        )
        assert SparkRunner(client, client).start(job, NOON) == "r"


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (aws_error("StartJobRun", "ThrottlingException", status=429), StartThrottled),
        (aws_error("StartJobRun", "TooManyRequestsException", status=429), StartThrottled),
        (aws_error("StartJobRun", "ServiceQuotaExceededException", status=402), StartThrottled),
        (aws_error("StartJobRun", "ValidationException"), StartRejected),
        (aws_error("StartJobRun", "AccessDeniedException", status=403), StartForbidden),
        (aws_error("StartJobRun", "ResourceNotFoundException", status=404), StartForbidden),
        (aws_error("StartJobRun", "InvalidSignatureException", status=403), StartForbidden),
        (aws_error("StartJobRun", "ConflictException", status=409), SparkUnavailable),
        (aws_error("StartJobRun", "InternalServerException", status=500), SparkUnavailable),
        (aws_error("StartJobRun", "SomethingNew", status=418), SparkUnavailable),
        (no_answer(), SparkUnavailable),
        (no_connection(), SparkUnavailable),
    ],
)
def test_each_answer_to_a_start_is_told_apart(runner, seam, error, means):
    seam.fail_before("start_job_run", error)

    with pytest.raises(means) as raised:
        runner.start(starting_job(), NOON)

    assert type(raised.value) is means


@pytest.mark.parametrize(("signed_after_seconds", "sent"), [(0, True), (30, True), (31, False), (3600, False)])
def test_a_start_signed_too_long_after_its_intent_is_never_sent(signed_after_seconds, sent):
    """The hook sits on a real client; the signature's own time decides."""
    options = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    client = boto3.client("emr-serverless", endpoint_url="http://127.0.0.1:9", config=config, **options)
    runner = SparkRunner(client, client)
    deadline = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30 - signed_after_seconds)

    with pytest.raises(SparkUnavailable) as raised:
        runner.start(starting_job(), deadline + timedelta(seconds=0.9))

    assert isinstance(raised.value, StartForbidden) is not sent


def test_without_a_deadline_nothing_is_refused():
    class Request:
        headers = {"X-Amz-Date": b"20261123T120000Z"}

    assert refuse_late_start(Request()) is None


def test_a_started_run_is_seen_and_one_that_never_was_is_gone(runner, emr):
    job = starting_job()
    run_id = runner.start(job, NOON)

    emr.clock.forward(3)

    assert runner.look("00app", run_id) == Run(run_id, job.run_name, "RUNNING", "", 3.0, started_at=NOON)
    assert runner.look("00app", "nope") is Absence.GONE


@pytest.mark.parametrize("error", [aws_error("GetJobRun", "ThrottlingException"), no_answer()])
def test_an_error_of_a_look_says_nothing_of_the_run(runner, seam, error):
    seam.fail_before("get_job_run", error)

    with pytest.raises(SparkUnavailable):
        runner.look("00app", "run-1")


def test_a_run_is_found_by_its_exact_name_on_whatever_page_it_is(runner, emr):
    job = starting_job()
    run_id = runner.start(job, NOON)
    for number in range(120):
        other = starting_job()
        runner.start(replace(other, job_id=f"{other.job_id[:-3]}{number + 200:03d}"), NOON)

    found = runner.find(job)

    assert isinstance(found, Run)
    assert found.run_id == run_id


def test_a_name_that_no_run_has_is_none(runner):
    assert runner.find(starting_job()) is Absence.NONE


def test_a_list_that_is_cut_short_is_unknown_never_none(runner, seam, emr):
    for number in range(60):
        runner.start(replace(starting_job(), job_id=f"{number:036d}"), NOON)
    seam.calls.clear()

    def fail_on_the_second_page(operation, arguments):
        if operation == "list_job_runs" and "nextToken" in arguments:
            raise aws_error("ListJobRuns", "ThrottlingException")

    seam.before = fail_on_the_second_page

    assert runner.find(starting_job()) is Absence.UNKNOWN


def test_a_list_without_end_is_unknown(runner, emr):
    emr.list_job_runs = lambda **arguments: {"jobRuns": [], "nextToken": "more"}

    assert runner.find(starting_job()) is Absence.UNKNOWN


def test_a_job_that_was_never_meant_to_start_is_not_looked_for(runner):
    with pytest.raises(ValueError, match="never meant to start"):
        runner.find(submitted_job())


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFoundException"])
def test_a_cancel_of_a_run_that_is_over_or_unknown_counts_as_sent(runner, seam, code):
    run_id = runner.start(starting_job(), NOON)
    runner.cancel("00app", run_id)
    seam.fail_before("cancel_job_run", aws_error("CancelJobRun", code))

    runner.cancel("00app", run_id)


def test_a_cancel_that_was_throttled_was_not_sent(runner, seam):
    seam.fail_before("cancel_job_run", aws_error("CancelJobRun", "ThrottlingException"))

    with pytest.raises(SparkUnavailable):
        runner.cancel("00app", "run-1")
