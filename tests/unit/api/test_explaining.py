"""`GET /jobs/{jobId}/explain`: one sentence for any state a job can be in."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from api.jobs.explanations import COARSER, WHY_FINAL, WaitingFor, explanation_record, why_run_failed
from api.jobs.waits import WaitCode
from api.protocol.answers import iso
from shared.attempts import AttemptRecord, Outcome
from shared.delays import DelayCause
from shared.failure_cards import WHAT_TO_DO, FailureCard, FailureClass
from shared.lifecycle import failed, start_refused
from shared.models import FailureReason, Job
from shared.retry import may_retry
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, job_id, starting_job, submitted_job, tracking_job, with_bigger
from tests.unit.api.service import Api, problem_of


@pytest.mark.parametrize(("code", "coarser"), COARSER.items())
def test_every_wait_of_a_job_has_a_coarser_word_that_older_clients_know(code, coarser):
    assert coarser in WaitingFor
    assert {*COARSER} == {*WaitCode}
    assert (coarser == code) == (code in {*map(str, WaitingFor)})


def test_a_wait_is_explained_by_its_own_sentence():
    refused_at, until = NOON, NOON + timedelta(seconds=9)
    refused = start_refused(
        starting_job(), NOON, DelayCause.EMR_CAPACITY, "EMR Serverless takes no more starts.", until - NOON, alone=True
    )

    record = explanation_record(refused, NOON)

    assert record["summary"] == "EMR Serverless takes no more starts."
    assert (record["waitingFor"], record["waitCode"]) == ("backoff", "emr-capacity")
    assert (record["since"], record["until"]) == (iso(refused_at), iso(until))
    assert (record["whyNotRetried"], record["whatToDo"]) == (None, None)


def test_a_success_waits_for_nothing():
    record = explanation_record(ended_job(finished_at=NOON), NOON)

    assert record["summary"].startswith("Succeeded with attempt 1")
    assert (record["waitingFor"], record["waitCode"], record["until"]) == (None, None, None)


def failed_job(reason: FailureReason, **changes: Any) -> Job:
    """A job that failed for this reason."""
    facts = {"failure_reason": reason, "status_message": "What happened.", "finished_at": NOON}
    return ended_job(JobStatus.FAILED, **{**facts, **changes})


@pytest.mark.parametrize("reason", list(FailureReason))
def test_every_reason_of_a_failure_says_why_it_is_final_and_what_to_do(reason):
    record = explanation_record(failed_job(reason), NOON)

    assert (record["summary"], record["failureReason"], record["waitingFor"]) == ("What happened.", str(reason), None)
    assert record["whyNotRetried"] == WHY_FINAL[reason]
    assert "eplay" in record["whatToDo"], "an owner can always do that by itself"
    assert record["since"] == "2026-11-23T12:00:00.000Z"


# The texts are those of shared/retry.py's own tests.
@pytest.mark.parametrize(
    ("detail", "charged_failures", "told"),
    [
        ("AnalysisException: cannot resolve x", 0, "The program or its data is at fault"),
        ("java.lang.OutOfMemoryError: Java heap space", 2, "the job allows no bigger one (onOutOfMemory)"),
        ("ExecutorLostFailure", 2, "all of its attempts (3) are used up"),
        ("ExecutorLostFailure", 1, "the next attempt would have begun after the job's deadline"),
        ("Something that nobody has seen before", 0, "not one that is known to pass"),
        (None, 0, "not one that is known to pass"),
    ],
)
def test_a_failed_run_says_by_its_text_why_no_attempt_follows(detail, charged_failures, told):
    job = failed_job(FailureReason.RUN_FAILED, failure_detail=detail, charged_failures=charged_failures)

    assert told in explanation_record(job, NOON)["whyNotRetried"]


ALLOWED = with_bigger().request


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (ended_job(), "the job allows no bigger one (onOutOfMemory)"),
        (ended_job(request=ALLOWED), "nothing bigger than small is to be had"),
        (with_bigger(ended_job()), "it would have begun after the job's deadline"),
        (with_bigger(ended_job(went_bigger=True)), "It ran out of memory at size medium too"),
    ],
)
def test_a_job_that_ran_out_of_memory_says_why_no_bigger_attempt_follows(job, told):
    assert told in why_run_failed(job, FailureClass.MEMORY)


def ran(charged_failures: int, hours_left: float) -> Job:
    """A job whose run is about to fail."""
    return tracking_job(charged_failures=charged_failures, deadline_at=NOON + timedelta(hours=hours_left))


TEXTS = {
    FailureClass.TRANSIENT: "ExecutorLostFailure",
    FailureClass.USER: "KeyError",
    FailureClass.UNKNOWN: "?",
}
# Every way in which a run may fail for good; a lack of capacity has a reason of its own.
FINAL = [
    (failure_class, charged_failures, hours_left)
    for failure_class, charged_failures, hours_left in itertools.product(TEXTS, (0, 1, 2), (0.001, 24))
    if not may_retry(ran(charged_failures, hours_left), failure_class, NOON)
]


@pytest.mark.parametrize(("failure_class", "charged_failures", "hours_left"), FINAL)
def test_why_no_attempt_follows_agrees_with_the_rule_that_decided(failure_class, charged_failures, hours_left):
    job = ran(charged_failures, hours_left)

    ended = failed(job, NOON, "worker", FailureReason.RUN_FAILED, TEXTS[failure_class], NOON)

    for_passing = "used up" if charged_failures == 2 else "after the job's deadline"
    expected = {FailureClass.USER: "at fault", FailureClass.UNKNOWN: "not one", FailureClass.TRANSIENT: for_passing}
    assert expected[failure_class] in explanation_record(ended, NOON)["whyNotRetried"]


@pytest.mark.parametrize(
    ("ended_at", "found"), [(NOON, FailureClass.MEMORY), (NOON - timedelta(seconds=9), FailureClass.CANCELLED)]
)
def test_what_to_do_follows_from_the_card_of_the_attempt_that_ended_with_its_job(ended_at, found):
    last = AttemptRecord(1, Outcome.FAILED, NOON, ended_at, "run-1", FailureCard(FailureClass.MEMORY))
    job = failed_job(FailureReason.CANCELLED, attempts=(last,))

    assert explanation_record(job, NOON)["whatToDo"] == WHAT_TO_DO[found]


def test_a_job_that_was_replayed_leads_to_its_replay():
    job = failed_job(FailureReason.RUN_FAILED, replayed_by=(job_id(2), job_id(3)))

    assert explanation_record(job, NOON)["whatToDo"] == f"Nothing: it was replayed as {job_id(3)}; look at that job."


def test_it_is_served_to_the_owner_of_the_job(api: Api):
    api.put(submitted_job())

    answer = api.get(f"/jobs/{job_id()}/explain")

    assert (answer.status_code, answer.get_json()["waitingFor"]) == (200, "worker")
    assert answer.get_json()["nextLookAt"] == "2026-11-23T12:02:00.000Z"


def test_a_job_that_is_not_there_has_no_explanation(api: Api):
    assert problem_of(api.get(f"/jobs/{job_id()}/explain")) == (404, "job_not_found")
