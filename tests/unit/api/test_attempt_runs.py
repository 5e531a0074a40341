"""Which run an attempt of a job is or was, for each way that a job can be."""

from datetime import timedelta

import pytest

from api.jobs.attempt_runs import AttemptRun, run_of
from shared.attempts import AttemptRecord, Outcome
from shared.errors import ValidationFailed
from shared.models import Job
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, starting_job, submitted_job, tracking_job

ONE, TWO = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
FIRST = AttemptRecord(1, Outcome.FAILED, NOON, ONE, "run-1")
NEVER_TAKEN = AttemptRecord(1, Outcome.FAILED, NOON, ONE)
SECOND = tracking_job(attempt=2, run_id="run-2", attempts=(FIRST,))
FAILED = ended_job(JobStatus.FAILED, attempt=2, run_id="run-2", attempts=(FIRST,), finished_at=TWO)


@pytest.mark.parametrize(
    ("job", "asked", "expected"),
    [
        (submitted_job(), None, AttemptRun(1, None, None)),
        (submitted_job(), 7, AttemptRun(7, None, None)),
        (starting_job(), None, AttemptRun(1, None, None)),
        (tracking_job(), None, AttemptRun(1, "run-1", None)),
        (tracking_job(), 1, AttemptRun(1, "run-1", None)),
        (tracking_job(), 2, AttemptRun(2, None, None)),
        (idle_job(attempts=(FIRST,)), None, AttemptRun(1, "run-1", ONE)),
        (idle_job(attempts=(NEVER_TAKEN,)), None, AttemptRun(1, None, ONE)),
        # The second has no run yet: what there is to see is the first.
        (starting_job(attempt=2, attempts=(FIRST,)), None, AttemptRun(1, "run-1", ONE)),
        (starting_job(attempt=2, attempts=(FIRST,)), 2, AttemptRun(2, None, None)),
        (SECOND, None, AttemptRun(2, "run-2", None)),
        (SECOND, 1, AttemptRun(1, "run-1", ONE)),
        # Stored before attempts left records.
        (tracking_job(attempt=2, updated_at=TWO), 1, AttemptRun(1, None, TWO)),
        (ended_job(finished_at=TWO), None, AttemptRun(1, "run-1", TWO)),
        (ended_job(updated_at=TWO), None, AttemptRun(1, "run-1", TWO)),
        (FAILED, None, AttemptRun(2, "run-2", TWO)),
        (FAILED, 1, AttemptRun(1, "run-1", ONE)),
        # Cancelled before it began.
        (submitted_job(status=JobStatus.FAILED, finished_at=TWO), None, AttemptRun(1, None, TWO)),
    ],
)
def test_an_attempt_is_found_with_its_run_and_its_end(job: Job, asked: int | None, expected: AttemptRun):
    assert run_of(job, asked) == expected


def test_an_attempt_that_can_no_longer_come_is_refused():
    with pytest.raises(ValidationFailed) as refusal:
        run_of(FAILED, 3)

    assert [(each.pointer, each.message) for each in refusal.value.problems] == [
        ("/query/attempt", "The job has ended and made 2 attempts; there is no attempt 3.")
    ]
