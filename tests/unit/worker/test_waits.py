"""What the worker notes of why a job waits, in writes that it makes anyway."""

from datetime import timedelta

import pytest

from shared.delays import DelayCause, StartDelay
from shared.models import Job
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.emr import Plan, fails
from tests.fakes.jobs import submitted_job
from tests.fakes.seam import aws_error
from tests.fakes.world import World

SHUFFLE_LOST = "org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location for shuffle 0"
NO_CAPACITY = "Worker could not be allocated: maximum vCPU capacity reached"
QUEUED = Plan(((0, "SUBMITTED"), (1, "QUEUED"), (700, "RUNNING"), (1300, "SUCCESS")), queued_seconds=700)


@pytest.fixture
def world() -> World:
    return World()


def delay_of(world: World, job: Job) -> StartDelay:
    """Why the job waits, which it says."""
    delay = world.job(job).delay
    assert delay is not None
    return delay


def fail_once(world: World, job: Job, details: str) -> None:
    """Let the job's first attempt fail."""
    world.emr.plans = {f"{job.job_id}.1": fails(details)}
    world.submit(job)
    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()


def test_a_submitted_job_that_the_timer_cannot_start_waits_for_its_turn(world):
    world.store.create(submitted_job())
    world.control.empty_start_bucket(NOON + timedelta(hours=1))
    world.clock.forward(120)
    world.timer.run_once(lambda: False)

    job = world.job(submitted_job())
    assert job.status is JobStatus.SUBMITTED
    assert job.delay == StartDelay(DelayCause.START_PACING, NOON + timedelta(seconds=120), job.due_at)


@pytest.mark.parametrize(
    ("details", "cause"), [(SHUFFLE_LOST, DelayCause.BACKOFF), (NO_CAPACITY, DelayCause.EMR_CAPACITY)]
)
def test_a_failure_that_is_tried_again_says_why_the_next_attempt_waits_and_until_when(world, details, cause):
    job = submitted_job()

    fail_once(world, job, details)

    assert delay_of(world, job) == StartDelay(cause, world.clock(), world.job(job).due_at)


def test_an_attempt_without_a_permit_waits_for_its_turn_and_remembers_since_when(world):
    job = submitted_job()
    fail_once(world, job, SHUFFLE_LOST)
    world.control.empty_start_bucket(world.clock() + timedelta(hours=1))

    world.run_for(60)
    first = delay_of(world, job)
    world.run_for(60)

    assert (first.cause, delay_of(world, job).cause) == (DelayCause.START_PACING, DelayCause.START_PACING)
    assert delay_of(world, job).since == first.since
    assert delay_of(world, job).until > first.until


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("ThrottlingException", DelayCause.EMR_CAPACITY),
        ("ServiceQuotaExceededException", DelayCause.EMR_CAPACITY),
        ("AccessDeniedException", DelayCause.EMR_REFUSAL),
        ("ResourceNotFoundException", DelayCause.EMR_REFUSAL),
    ],
)
def test_a_refused_start_says_whose_refusal_it_waits_for(world, code, cause):
    world.seam.fail_before("start_job_run", aws_error("StartJobRun", code))
    job = world.submit(submitted_job())

    world.turn()

    assert delay_of(world, job) == StartDelay(cause, NOON, world.job(job).due_at)


def test_a_start_ends_the_wait_for_it(world):
    job = submitted_job()
    fail_once(world, job, SHUFFLE_LOST)

    world.run_for(60)

    assert (world.job(job).attempt, world.job(job).delay) == (2, None)


def test_a_look_notes_what_emr_says_of_the_run_and_the_end_keeps_when_it_began(world):
    world.emr.default_plan = QUEUED
    job = world.submit(submitted_job())
    world.turn()
    assert (world.job(job).run_state, world.job(job).run_began_at) == (None, None)

    world.run_for(620)
    assert (world.job(job).run_state, world.job(job).run_began_at) == ("QUEUED", None)

    world.run_for(610)
    assert (world.job(job).run_state, world.job(job).run_began_at) == ("RUNNING", NOON + timedelta(seconds=700))

    world.run_for(100)
    world.send_events()
    world.run_for(120)
    done = world.job(job)
    assert (done.status, done.run_state, done.run_began_at) == (JobStatus.SUCCEEDED, None, None)
    assert [record.run_began_at for record in done.attempts] == [NOON + timedelta(seconds=700)]


def test_a_run_that_expired_in_the_queue_never_began(world):
    world.emr.default_plan = Plan(((0, "QUEUED"), (60, "FAILED")), "Job expired.", begins=False)
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(60)
    world.send_events()
    world.turn()

    assert [record.run_began_at for record in world.job(job).attempts] == [None]
