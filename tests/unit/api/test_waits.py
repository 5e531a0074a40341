"""`waitingFor` of a job: what it waits for in every state that it can be in, by its item and the time alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from api.jobs.waits import MEANINGS, QUEUED_STATES, WaitCode, wait_of
from shared.delays import DelayCause, StartDelay
from shared.failure_cards import FailureClass
from shared.lifecycle import claimed_by_report, paced, progressed, retrying, run_seen, start_refused, taken_over
from shared.models import Job
from shared.settings import Settings
from shared.spark_runner import LIVE_STATES
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, job_id, starting_job, submitted_job, tracking_job
from tests.unit.api.service import Api

SETTINGS = Settings()
SOON = NOON + timedelta(seconds=9)
CANCELLED = {"cancel_requested_at": NOON}
THROTTLED = "EMR Serverless takes no more starts for now (ThrottlingException)."


def refused(job: Job, cause: DelayCause, *, alone: bool) -> Job:
    """The job whose start EMR did not take."""
    return start_refused(job, NOON, cause, THROTTLED, SOON - NOON, alone=alone)


def reporting(job: Job) -> Job:
    """The job, whose programs are to report."""
    return replace(job, spec=replace(job.spec, callbacks_uri="s3://artifacts/callbacks/"))


FAILED_ONCE = retrying(tracking_job(), NOON, FailureClass.TRANSIENT, "Lost worker.")
NO_ROOM = retrying(tracking_job(), NOON, FailureClass.CAPACITY, "No vCPU.")
WAITS = {
    "nobody took it up": (submitted_job(), WaitCode.WORKER, "Waits for a worker"),
    "a worker looked at it, and no start was free": (
        *(taken_over(submitted_job(), NOON, SETTINGS), WaitCode.START_PACING, "Attempt 1 waits for its turn"),
    ),
    "no start was free for the next attempt": (
        *(paced(FAILED_ONCE, NOON, SOON), WaitCode.START_PACING, "Attempt 2 waits for its turn"),
    ),
    "no start was free for an attempt that was lost on its way": (
        *(paced(starting_job(), NOON, SOON), WaitCode.START_PACING, "Attempt 1 waits for its turn"),
    ),
    "it reported before its first attempt": (
        *(claimed_by_report(submitted_job(), NOON, "callback", "Ready."), WaitCode.WORKER, "its first attempt"),
    ),
    "its start has no answer": (starting_job(), WaitCode.START, "Attempt 1 is being started"),
    "EMR took no more starts": (
        *(refused(starting_job(), DelayCause.EMR_CAPACITY, alone=True), WaitCode.EMR_CAPACITY, THROTTLED),
    ),
    "EMR took no more starts, and an earlier one may come": (
        *(refused(starting_job(), DelayCause.EMR_CAPACITY, alone=False), WaitCode.EMR_CAPACITY, THROTTLED),
    ),
    "EMR had no room for its run": (NO_ROOM, WaitCode.EMR_CAPACITY, "Attempt 1 failed (capacity); the next follows in"),
    "EMR refuses the platform": (
        *(refused(starting_job(), DelayCause.EMR_REFUSAL, alone=True), WaitCode.EMR_REFUSAL, THROTTLED),
    ),
    "its attempt failed": (FAILED_ONCE, WaitCode.BACKOFF, "Attempt 1 failed (transient); the next follows in"),
    "its attempt failed, and an older version wrote so": (
        *(idle_job(status_message="The next follows in 9 s."), WaitCode.BACKOFF, "The next follows in 9 s."),
    ),
    "its run was not looked at": (tracking_job(), WaitCode.RUN, "Attempt 1 is with EMR Serverless as run run-1."),
    "its program has not reported": (
        reporting(tracking_job()),
        WaitCode.EMR_QUEUE,
        "run run-1 of attempt 1 in its queue.",
    ),
    "its program has reported": (
        *(progressed(reporting(tracking_job()), NOON, "Half.", None), WaitCode.RUN, "as run run-1."),
    ),
    "its program has reported, and a look came late": (
        *(run_seen(tracking_job(run_began_at=NOON), "SCHEDULED", None), WaitCode.RUN, "as run run-1."),
    ),
    "its run has a limit": (
        *(tracking_job(cost_limit_at=NOON), WaitCode.RUN, "it is ended at 2026-11-23T12:00:00.000Z if it runs till"),
    ),
    **{
        f"its run was seen as {state}": (
            run_seen(reporting(tracking_job()), state, None),
            WaitCode.EMR_QUEUE if state in ("SUBMITTED", "PENDING", "SCHEDULED", "QUEUED") else WaitCode.RUN,
            f"in its queue (seen as {state})" if state in QUEUED_STATES else "as run run-1",
        )
        for state in [*LIVE_STATES, "A STATE OF NEXT YEAR"]
    },
    **{
        f"cancelled as {job.status} {job.run_id} {job.attempt}": (
            job,
            WaitCode.CANCELLATION,
            "cancellation was asked for",
        )
        for job in (
            *(submitted_job(**CANCELLED), starting_job(**CANCELLED), tracking_job(**CANCELLED), idle_job(**CANCELLED)),
        )
    },
}


@pytest.mark.parametrize(("job", "code", "said"), WAITS.values(), ids=WAITS)
def test_a_job_says_what_it_waits_for(job, code, said):
    wait = wait_of(job, NOON)

    assert wait is not None
    assert wait.code is code
    assert said in wait.summary


def test_there_is_a_row_and_a_meaning_for_everything_a_job_can_wait_for():
    assert {code for _, code, _ in WAITS.values()} == {*WaitCode} == {*MEANINGS}


def test_every_cause_of_a_delay_is_something_to_wait_for():
    assert {WaitCode(cause) for cause in DelayCause} < {*WaitCode}


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_a_job_that_has_ended_waits_for_nothing(status):
    assert wait_of(ended_job(status, **CANCELLED), NOON) is None


@pytest.mark.parametrize(
    ("job", "since"),
    [
        (submitted_job(), NOON),
        (starting_job(intent_at=SOON), SOON),
        (tracking_job(intent_at=SOON), SOON),
        (tracking_job(run_began_at=SOON), SOON),
        (submitted_job(cancel_requested_at=SOON), SOON),
        (idle_job(delay=StartDelay(DelayCause.BACKOFF, SOON, SOON)), SOON),
        # Looked at twice and in vain: the wait is the same one.
        (paced(paced(idle_job(), NOON, SOON), SOON, SOON + timedelta(seconds=9)), NOON),
        # It waited for its backoff, and from now on for a start.
        (paced(FAILED_ONCE, SOON, SOON), SOON),
    ],
)
def test_a_wait_says_since_when(job, since):
    wait = wait_of(job, SOON)

    assert wait is not None
    assert wait.since == since


@pytest.mark.parametrize("cause", list(DelayCause))
@pytest.mark.parametrize(("left_seconds", "is_said"), [(1, True), (0, False), (-5, False)])
def test_until_when_is_said_while_it_is_to_come(cause, left_seconds, is_said):
    until = NOON + timedelta(seconds=left_seconds)

    wait = wait_of(idle_job(delay=StartDelay(cause, NOON, until)), NOON)

    assert wait is not None
    assert wait.code == cause
    assert wait.until == (until if is_said else None)


def test_a_refused_start_whose_earlier_one_may_come_waits_until_none_can():
    wait = wait_of(refused(starting_job(), DelayCause.EMR_CAPACITY, alone=False), NOON)

    assert wait is not None
    assert wait.until == NOON + timedelta(seconds=420)


def test_the_job_and_its_place_in_a_list_say_the_same(api: Api):
    api.put(FAILED_ONCE)

    shown = api.get(f"/jobs/{job_id()}").get_json()["waitingFor"]

    assert shown["code"] == "backoff"
    assert shown["until"] == (FAILED_ONCE.due_at or NOON).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert api.get("/jobs").get_json()["items"][0]["waitingFor"] == shown
    assert api.get(f"/jobs/{job_id()}/explain").get_json()["waitCode"] == shown["code"]
