"""Three API processes tell one story: none of them remembers anything."""

from collections.abc import Iterator

import pytest

from tests.acceptance.chaos.trial import Trial, start_trial


@pytest.fixture(scope="module")
def three() -> Iterator[Trial]:
    with start_trial(workers=1, API_PROCESSES="3", API_THREADS="2") as trial:
        yield trial


def test_a_job_that_one_process_accepted_is_known_to_every_other_at_once(three: Trial):
    """Each request takes a connection of its own, so any process may answer it."""
    for number in range(30):
        job = three.api.submit(
            {"jobType": "simulated", "inputs": [], "parameters": {"seconds": 0.1}}, f"known-{number}"
        )

        assert [three.api.get(job["jobId"])["jobId"] for _ in range(6)] == [job["jobId"]] * 6


def test_a_cancelled_job_stays_and_says_who_cancelled_it_and_why(three: Trial):
    job_id = three.submit("stays", seconds=600)
    three.api.cancel(job_id, "the input was wrong")
    three.wait_for_end([job_id])

    listed = three.api.list_jobs(status="FAILED")["items"]

    assert [job["failureReason"] for job in listed if job["jobId"] == job_id] == ["CANCELLED"]
    (asked,) = [entry for entry in three.api.history(job_id)["items"] if "the input was wrong" in entry["message"]]
    assert asked["by"].startswith("api:")
