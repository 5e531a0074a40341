"""A deployment takes a job, shows it, cancels it, and refuses what it must refuse."""

import time
from typing import Any

import pytest
import requests

from tests.smoke.conftest import Deployment

# The index of lists follows the jobs themselves after a moment.
LISTED_SECONDS = 10
UNKNOWN_JOB = "00000000-0000-7000-8000-000000000000"


def problem_of(answer: requests.Response) -> tuple[int, str]:
    """The status and the code of an error."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json", "/docs"])
def test_it_lives_is_ready_and_describes_itself_to_anybody(deployment: Deployment, path: str):
    assert deployment.call_as_nobody("GET", path).status_code == 200


def test_a_job_is_taken_and_can_be_looked_at(deployment: Deployment, job: requests.Response):
    shown = deployment.call("GET", job.headers["Location"])

    assert shown.status_code == 200
    assert shown.json()["jobId"] == job.json()["jobId"]
    assert job.headers["X-Correlation-Id"]


def test_the_same_request_makes_no_second_job(
    deployment: Deployment, job: requests.Response, job_body: dict[str, Any], key: str
):
    again = deployment.submit(job_body, key)

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert again.json()["jobId"] == job.json()["jobId"]


def test_the_job_is_listed(deployment: Deployment, job: requests.Response):
    deadline, listed = time.monotonic() + LISTED_SECONDS, set()
    while job.json()["jobId"] not in listed and time.monotonic() < deadline:
        listed = {each["jobId"] for each in deployment.call("GET", "/jobs?limit=100").json()["items"]}

    assert job.json()["jobId"] in listed


def test_the_job_is_explained_and_has_a_history(deployment: Deployment, job: requests.Response):
    for part in ("explain", "history"):
        assert deployment.call("GET", f"{job.headers['Location']}/{part}").status_code == 200


def test_a_status_that_nobody_signed_is_refused_and_changes_nothing(deployment: Deployment, job: requests.Response):
    path = f"/internal/jobs/{job.json()['jobId']}/status"

    answer = deployment.call("POST", path, json={"status": "SUCCEEDED", "attempt": 1})

    assert problem_of(answer) == (401, "bad_signature")
    assert deployment.call("GET", job.headers["Location"]).json()["status"] != "SUCCEEDED"


def test_a_body_that_is_wrong_is_refused_with_the_field(deployment: Deployment):
    answer = deployment.call("POST", "/jobs", json={"inputs": []})

    assert problem_of(answer) == (422, "validation_failed")
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/jobType"]


@pytest.mark.parametrize(
    ("path", "code"), [(f"/jobs/{UNKNOWN_JOB}", "job_not_found"), ("/nothing-lies-here", "not_found")]
)
def test_what_is_not_there_is_not_found(deployment: Deployment, path: str, code: str):
    assert problem_of(deployment.call("GET", path)) == (404, code)


def test_where_tokens_are_asked_for_nobody_gets_in_without_one(deployment: Deployment):
    answer = deployment.call_as_nobody("GET", "/jobs?limit=1")

    assert answer.status_code == (401 if deployment.token else 200)


def test_at_last_the_job_is_cancelled_once_however_often_it_is_asked_for(
    deployment: Deployment, job: requests.Response
):
    first, again = (deployment.call("POST", f"{job.headers['Location']}/cancel") for _ in range(2))

    assert first.status_code == 202
    assert first.json()["cancelRequestedAt"]
    # In between a worker may have carried it out.
    assert again.status_code in (202, 409)
