"""Looking at several jobs at once."""

from typing import Any

import pytest

from tests.fakes.jobs import ended_job, job_id, submitted_job
from tests.fakes.seam import no_connection
from tests.unit.api.service import Api, pointers_of, problem_of


def test_jobs_come_in_the_order_asked_for_each_once_and_the_missing_ones_are_named(api: Api):
    for number in (1, 2, 3):
        api.put(submitted_job(number))

    answer = api.post("/jobs/batch-get", json={"jobIds": [job_id(each) for each in (3, 9, 1, 3, 9)]}).get_json()

    assert [item["jobId"] for item in answer["items"]] == [job_id(3), job_id(1)]
    assert answer["notFound"] == [job_id(9)]
    assert api.seam.calls == ["batch_get_item"]


def test_a_job_is_shown_as_it_is_shown_alone(api: Api):
    job = api.put(ended_job())

    together = api.post("/jobs/batch-get", json={"jobIds": [job.job_id]}).get_json()["items"]

    assert together == [api.get(f"/jobs/{job.job_id}").get_json()]


def test_a_hundred_jobs_may_be_asked_for(api: Api):
    ids = [api.put(submitted_job(number)).job_id for number in range(100)]

    assert len(api.post("/jobs/batch-get", json={"jobIds": ids}).get_json()["items"]) == 100


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/jobIds"),
        ({"jobIds": []}, "/jobIds"),
        ({"jobIds": [job_id(number) for number in range(101)]}, "/jobIds"),
        ({"jobIds": job_id()}, "/jobIds"),
        ({"jobIds": [job_id(), "x"]}, "/jobIds/1"),
        ({"jobIds": [job_id() + "\n"]}, "/jobIds/0"),
        ({"jobIds": [None]}, "/jobIds/0"),
        ({"jobIds": [job_id()], "fields": []}, "/fields"),
    ],
)
def test_what_is_no_list_of_ids_is_refused(api: Api, body: Any, pointer: str):
    response = api.post("/jobs/batch-get", json=body)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [pointer]
    assert api.seam.calls == []


def test_a_silent_job_store_is_told_as_such(api: Api):
    api.seam.fail_before("batch_get_item", no_connection())

    assert problem_of(api.post("/jobs/batch-get", json={"jobIds": [job_id()]})) == (503, "job_store_unavailable")
