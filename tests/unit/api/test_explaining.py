"""`GET /jobs/{jobId}/explain`: one sentence for any state a job can be in."""

import pytest

from api.explanations import ENDINGS, WaitingFor, explain, explanation_record
from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, job_id, starting_job, submitted_job, tracking_job
from tests.unit.api.service import Api, problem_of

CANCELLED = {"cancel_requested_at": NOON}


@pytest.mark.parametrize(
    ("job", "waiting_for", "said"),
    [
        (submitted_job(), WaitingFor.WORKER, "Waits for a worker"),
        (starting_job(), WaitingFor.START, "has not confirmed"),
        (tracking_job(), WaitingFor.RUN, "as run run-1"),
        (idle_job(status_message="the next follows in 30 s"), WaitingFor.BACKOFF, "the next follows in 30 s"),
        (submitted_job(**CANCELLED), WaitingFor.CANCELLATION, "cancellation was asked for"),
        (tracking_job(**CANCELLED), WaitingFor.CANCELLATION, "cancellation was asked for"),
        (ended_job(finished_at=NOON), None, "Succeeded with attempt 1"),
    ],
)
def test_a_job_says_what_it_waits_for(job, waiting_for, said):
    explanation = explain(job)

    assert explanation.waiting_for is waiting_for
    assert said in explanation.summary
    assert explanation.what_to_do is None


@pytest.mark.parametrize("reason", list(FailureReason))
def test_every_reason_of_a_failure_says_why_it_is_final_and_what_to_do(reason):
    job = ended_job(JobStatus.FAILED, failure_reason=reason, status_message="What happened.", finished_at=NOON)

    record = explanation_record(job)

    assert (record["summary"], record["failureReason"], record["waitingFor"]) == ("What happened.", str(reason), None)
    assert (record["whyNotRetried"], record["whatToDo"]) == ENDINGS[reason]
    assert record["since"] == "2026-11-23T12:00:00.000Z"


def test_it_is_served_to_the_owner_of_the_job(api: Api):
    api.put(submitted_job())

    answer = api.get(f"/jobs/{job_id()}/explain")

    assert (answer.status_code, answer.get_json()["waitingFor"]) == (200, "worker")
    assert answer.get_json()["nextLookAt"] == "2026-11-23T12:02:00.000Z"


def test_a_job_that_is_not_there_has_no_explanation(api: Api):
    assert problem_of(api.get(f"/jobs/{job_id()}/explain")) == (404, "job_not_found")
