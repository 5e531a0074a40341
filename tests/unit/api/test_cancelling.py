"""Cancelling a job."""

import pytest

from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job, job_id, submitted_job, tracking_job
from tests.fakes.seam import no_connection
from tests.unit.api.service import Api, pointers_of, problem_of

PATH = f"/jobs/{job_id()}/cancel"


@pytest.mark.parametrize("job", [submitted_job(), tracking_job()], ids=["submitted", "running"])
def test_a_live_job_is_noted_to_be_cancelled_and_due_at_once(api: Api, job):
    api.put(job)
    api.clock.forward(10)

    response = api.post(PATH, json={"reason": "wrong file"})

    stored = api.stored(job.job_id)
    assert (response.status_code, response.get_json()["status"]) == (202, job.status)
    assert response.get_json()["cancelRequestedAt"] == "2026-11-23T12:00:10.000Z"
    assert (stored.cancel_requested_at, stored.due_at) == (api.clock(), api.clock())
    assert stored.history[-1].by == "api:local"


def test_asking_again_writes_nothing_and_the_first_reason_stands(api: Api):
    api.put(submitted_job())
    first = api.post(PATH, json={"reason": "one"})
    api.clock.forward(10)

    again = api.post(PATH, json={"reason": "two"})

    # It has only been there for longer.
    assert (again.status_code, {**again.get_json(), "times": None}) == (202, {**first.get_json(), "times": None})
    assert api.writes() == 1


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_a_job_that_has_ended_cannot_be_cancelled(api: Api, status: JobStatus):
    api.put(ended_job(status))

    response = api.post(PATH)

    assert problem_of(response) == (409, "job_already_ended")
    assert status in response.get_json()["detail"]


@pytest.mark.parametrize(
    "options", [{}, {"json": {}}, {"json": {"reason": None}}, {"headers": {"Content-Type": "application/json"}}]
)
def test_no_reason_needs_to_be_given(api: Api, options):
    api.put(submitted_job())

    assert api.post(PATH, **options).status_code == 202


@pytest.mark.parametrize(
    ("body", "pointer"), [({"reason": ""}, "/reason"), ({"reason": "x" * 201}, "/reason"), ({"why": "x"}, "/why")]
)
def test_a_reason_that_is_none_is_refused(api: Api, body, pointer: str):
    assert pointers_of(api.post(PATH, json=body)) == [pointer]


def test_a_body_of_another_type_is_refused(api: Api):
    assert problem_of(api.post(PATH, data="reason=x")) == (415, "unsupported_media_type")


def changing(api: Api, times: int):
    """Somebody who writes the job just before each of our next writes."""
    left = [times]

    def hook(operation: str, _arguments: object) -> None:
        if operation == "update_item" and left[0] > 0:
            left[0] -= 1
            api.dynamodb.items(api.settings.jobs_table)[job_id()]["rev"] = f"theirs-{left[0]}"

    return hook


@pytest.mark.parametrize(("times", "status"), [(1, 202), (4, 202), (5, 503)])
def test_a_write_that_others_overtake_is_tried_five_times(api: Api, times: int, status: int):
    api.put(submitted_job())
    api.seam.before = changing(api, times)

    assert api.post(PATH).status_code == status


def test_a_job_that_ends_meanwhile_is_not_cancelled(api: Api):
    api.put(tracking_job())

    def ends(operation: str, _arguments: object) -> None:
        if operation == "update_item":
            api.put(ended_job(rev="a worker's"))

    api.seam.before = ends

    assert problem_of(api.post(PATH)) == (409, "job_already_ended")


def test_a_job_that_vanishes_meanwhile_is_not_there(api: Api):
    api.put(tracking_job())
    api.seam.before = lambda operation, _: (
        operation == "update_item" and api.dynamodb.items(api.settings.jobs_table).clear()
    )

    assert problem_of(api.post(PATH)) == (404, "job_not_found")


def test_a_silent_job_store_is_told_as_such(api: Api):
    api.put(submitted_job())
    api.seam.fail_before("update_item", no_connection())

    assert problem_of(api.post(PATH)) == (503, "job_store_unavailable")
