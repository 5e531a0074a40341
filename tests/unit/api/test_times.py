"""`times` of a job and of its attempts: how long each state took, by the moments that the item has."""

from datetime import timedelta
from typing import Any

import pytest

from api.jobs.times import attempt_times, job_times
from shared.attempts import AttemptRecord, Outcome
from shared.failure_cards import FailureClass
from shared.lifecycle import claimed, failed, recorded, retrying, run_seen, succeeded
from shared.models import HISTORY_ENTRIES, FailureReason, Job
from shared.settings import Settings
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, submitted_job, tracking_job

SETTINGS = Settings()


def at(seconds: float) -> Any:
    """So long after the submission."""
    return NOON + timedelta(seconds=seconds)


# Submitted at 0, claimed at 5, its run begins at 20; it fails at 50, and the next is started at 60.
CLAIMED = claimed(submitted_job(), at(5), SETTINGS)
TRACKED = recorded(CLAIMED, "run-1", at(6), SETTINGS, look_now=False)
BEGUN = run_seen(TRACKED, "RUNNING", at(20))
RETRIED = retrying(BEGUN, at(50), FailureClass.TRANSIENT, "Lost worker.")
SECOND = Job(**{**RETRIED.__dict__, "attempt": 2, "intent_at": at(60), "delay": None})
QUEUED = run_seen(recorded(SECOND, "run-2", at(61), SETTINGS, look_now=False), "QUEUED", None)
DONE = succeeded(BEGUN, at(50), "worker", "Done.", at(50))


@pytest.mark.parametrize(
    ("job", "submitted", "running", "current"),
    [
        (submitted_job(), 100, None, None),
        (CLAIMED, 5, 95, (5, None, None)),
        # Handed over, and nobody looked: how long it was queued is not known.
        (TRACKED, 5, 95, (5, None, None)),
        (run_seen(TRACKED, "PENDING", None), 5, 95, (5, 95, None)),
        (BEGUN, 5, 95, (5, 15, 80)),
        (RETRIED, 5, 95, None),
        (SECOND, 5, 95, (10, None, None)),
        (QUEUED, 5, 95, (10, 40, None)),
        (DONE, 5, 45, None),
        (failed(BEGUN, at(50), "worker", FailureReason.RUN_FAILED, "x", at(50)), 5, 45, None),
        # Its history was too long, or was never written.
        (tracking_job(), None, None, (0, None, None)),
        (ended_job(finished_at=at(50)), None, None, None),
    ],
)
def test_a_job_says_how_long_it_was_in_each_state(job, submitted, running, current):
    names = ("waitedSeconds", "queuedSeconds", "ranSeconds")

    assert job_times(job, at(100)) == {
        "submittedSeconds": submitted,
        "runningSeconds": running,
        "currentAttempt": None if current is None else dict(zip(names, current, strict=True)),
    }


@pytest.mark.parametrize(
    ("record", "waited", "queued", "ran"),
    [
        (DONE.attempts[0], 5, 15, 30),
        (RETRIED.attempts[0], 5, 15, 30),
        (AttemptRecord(2, Outcome.FAILED, at(60), at(90), "run-2", run_began_at=at(61.5)), 10, 1.5, 28.5),
        (AttemptRecord(2, Outcome.FAILED, at(60), at(90)), 10, None, None),
        # The record of the one before is gone.
        (AttemptRecord(9, Outcome.FAILED, at(60), at(90), run_began_at=at(70)), None, 10, 20),
        # EMR's clock is behind ours.
        (AttemptRecord(2, Outcome.FAILED, at(60), at(90), run_began_at=at(59)), 10, 0, 31),
    ],
)
def test_an_attempt_that_ended_says_how_long_it_was_in_each_state(record, waited, queued, ran):
    assert attempt_times(record, RETRIED) == {"waitedSeconds": waited, "queuedSeconds": queued, "ranSeconds": ran}


def test_a_job_whose_history_became_too_long_does_not_guess():
    job = BEGUN
    for number in range(HISTORY_ENTRIES):
        job = retrying(BEGUN if number == 0 else job, at(50 + number), FailureClass.CAPACITY, "No room.")

    assert job_times(job, at(500))["submittedSeconds"] is None
