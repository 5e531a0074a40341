"""Dashboards of jobs: made by EMR Serverless when somebody asks, and never in the way of a job."""

from typing import Any

import pytest

from shared.attempts import AttemptRecord, Outcome
from shared.models import Job
from tests.fakes.clock import NOON
from tests.fakes.emr import runs_for
from tests.fakes.jobs import APPLICATION, ended_job, job_id, starting_job, submitted_job, tracking_job
from tests.fakes.seam import aws_error, no_answer
from tests.unit.api.service import Api, problem_of

PATH = f"/jobs/{job_id()}/dashboard"


def with_run(api: Api, seconds: float = 60, **changes: Any) -> Job:
    """A job whose run EMR Serverless has, just started."""
    api.emr.default_plan = runs_for(seconds)
    run_id = api.emr.start_job_run(applicationId=APPLICATION, name="a run", clientToken=f"token-{len(api.emr.runs)}")
    return api.put(tracking_job(run_id=run_id["jobRunId"], **changes))


@pytest.mark.parametrize("seconds", [60, 2], ids=["living", "over"])
def test_each_answer_is_a_new_address_for_an_hour(seconds: float):
    api = Api()
    job = with_run(api, seconds)
    api.clock.forward(3)

    first, second = (api.get(PATH).get_json() for _ in range(2))

    assert first["url"].startswith(f"https://p-{job.run_id}.emrappui.invalid/")
    assert first["url"] != second["url"]
    assert (first["jobId"], first["attempt"], first["runId"]) == (job_id(), 1, job.run_id)
    assert first["expiresAt"] == "2026-11-23T13:00:03.000Z"


def test_an_earlier_attempt_has_its_own_dashboard():
    api = Api()
    first = with_run(api)
    record = AttemptRecord(1, Outcome.FAILED, NOON, NOON, first.run_id)
    with_run(api, attempt=2, attempts=(record,))
    api.clock.forward(3)

    assert api.get(f"{PATH}?attempt=1").get_json()["runId"] == first.run_id


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (submitted_job(), "Attempt 1 of the job has no run yet."),
        (starting_job(), "Attempt 1 of the job has no run yet."),
        (ended_job(run_id=None), "Attempt 1 of the job ended without a run that is known."),
        (ended_job(run_id="forgotten"), "EMR Serverless shows nothing of run forgotten for now: "),
    ],
)
def test_a_job_without_a_run_to_show_says_so(job: Job, sentence: str):
    api = Api()
    api.put(job)

    response = api.get(PATH)

    assert problem_of(response) == (409, "dashboard_not_ready")
    assert response.get_json()["detail"].startswith(sentence)


def test_a_run_that_waits_has_no_dashboard_and_the_job_does_not_notice():
    api = Api()
    job = with_run(api)

    response = api.get(PATH)

    assert problem_of(response) == (409, "dashboard_not_ready")
    assert "Dashboard cannot be served for job in SUBMITTED state" in response.get_json()["detail"]
    assert api.stored(job.job_id) == job


@pytest.mark.parametrize(
    "error",
    [
        aws_error("GetDashboardForJobRun", "ThrottlingException", "Rate exceeded", status=429),
        aws_error("GetDashboardForJobRun", "AccessDeniedException", status=403),
        no_answer(),
    ],
)
def test_a_service_that_gives_none_for_now_is_asked_once_and_named(error: Exception):
    api = Api()
    with_run(api)
    api.seam.fail_before("get_dashboard_for_job_run", error)

    response = api.get(PATH)

    assert problem_of(response) == (503, "spark_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert api.seam.calls.count("get_dashboard_for_job_run") == 1


def test_one_caller_cannot_use_up_what_all_share():
    api = Api()
    with_run(api)
    api.clock.forward(3)

    answers = [api.get(PATH) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "'dashboards'" in answers[2].get_json()["detail"]
    assert answers[2].headers["Retry-After"] == "10"


def test_the_address_stands_in_no_log(capsys: pytest.CaptureFixture[str]):
    api = Api()
    with_run(api)
    api.clock.forward(3)

    assert "authToken" in api.get(PATH).get_json()["url"]
    assert "authToken" not in "".join(capsys.readouterr())
