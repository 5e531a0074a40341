"""What users of other launchers of Spark jobs suffer, tried here at size: real worker code, fake AWS, virtual time.

The table of these pains, with the public issues that tell of them, is docs/what-breaks-elsewhere.md.
"""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.models import Job
from shared.transitions import JobStatus
from tests.fakes.emr import Plan, fails, runs_for
from tests.fakes.jobs import ended_job, idle_job, starting_job, submitted_job, tracking_job
from tests.fakes.seam import aws_error, no_answer
from tests.fakes.worker import FakeWorker
from tests.fakes.world import World, never

GET_RATE, GET_BURST = 10.0, 50


def submit(world: World, count: int) -> list[Job]:
    return [world.submit(submitted_job(number, at=world.clock())) for number in range(1, count + 1)]


def statuses(world: World, jobs: list[Job]) -> Counter:
    return Counter(str(world.job(job).status) for job in jobs)


def another_worker(world: World) -> FakeWorker:
    return FakeWorker(world.settings, world.clock, world.client, world, shuffle=lambda shards: None)


def turn_often(world: World, seconds: int, timer_every: int = 5, starts_a_second: int = 2) -> None:
    """Time passes second by second, as it does for two consumers and a timer."""
    for second in range(seconds):
        for _ in range(starts_a_second):
            world.jobs.run_once(never)
        if second % timer_every == 0:
            world.timer.run_once(never)
        world.clock.forward(1)


# 2: failure shown as success, or the reverse


ENDS = {"SUCCESS": "SUCCEEDED", "FAILED": "FAILED", "CANCELLED": "FAILED"}
LIVE = ["SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING", "A_STATE_OF_NEXT_YEAR"]
PHASES = {
    "submitted": submitted_job(),
    "starting": starting_job(),
    "tracking": tracking_job(run_id=f"{1:016d}"),
    "idle": idle_job(),
    "succeeded": ended_job(JobStatus.SUCCEEDED, run_id=f"{1:016d}"),
    "failed": ended_job(JobStatus.FAILED, run_id=f"{1:016d}"),
}


@pytest.mark.parametrize("state", [*ENDS, *LIVE])
@pytest.mark.parametrize("phase", PHASES)
def test_only_success_is_success_and_only_three_states_are_an_end(phase: str, state: str):
    """Every state of a run, and one that nobody knows, told to a job in every phase."""
    world, job = World(), PHASES[phase]
    world.emr.default_plan = Plan(((0, state),), "Somebody else's words")
    world.store.create(job)
    if phase not in ("submitted", "idle"):
        world.emr.start_job_run(clientToken=job.run_name, name=job.run_name, applicationId=job.spec.application_id)
    run = next(iter(world.emr.runs.values()), None)
    if run is not None:
        world.sqs.send_message(world.settings.events_queue, str(world.emr.event_of(run)).replace("'", '"'))

    world.events.run_once(never)

    told = str(world.job(job).status)
    # A run that was meant but not recorded is recorded first; the timer then reads its end.
    expected = {"tracking": ENDS.get(state, "RUNNING"), "starting": "RUNNING", "idle": "RUNNING"}
    assert told == expected.get(phase, phase.upper())
    if phase == "starting":
        world.timer.run_once(never)
        assert str(world.job(job).status) == ENDS.get(state, "RUNNING")


# 3: errors while watching


def test_throttles_and_resets_of_status_reads_move_none_of_200_jobs():
    world, source = World(start_burst=200), random.Random(3)
    world.emr.default_plan = runs_for(3000)
    jobs = submit(world, 200)
    turn_often(world, 30, starts_a_second=10)
    looks: list[float] = []

    def disturb(operation: str, _arguments: object) -> None:
        if operation != "get_job_run":
            return
        looks.append(world.clock().timestamp())
        luck = source.random()
        if luck < 0.30:
            raise aws_error("GetJobRun", "ThrottlingException", status=429)
        if luck < 0.35:
            raise no_answer()

    world.seam.before = disturb
    for _ in range(45):
        for _ in range(20):
            world.timer.run_once(never)
            world.clock.forward(5)
        assert statuses(world, jobs)["FAILED"] == 0

    assert statuses(world, jobs) == {"SUCCEEDED": 200}
    assert Counter(world.emr.names) == Counter({job_name(job): 1 for job in jobs})
    assert all(in_window(looks, start, 60) <= GET_BURST + 60 * GET_RATE for start in looks[::50])


def job_name(job: Job) -> str:
    return f"{job.job_id}.1"


def in_window(moments: list[float], start: float, seconds: float) -> int:
    return sum(start <= moment < start + seconds for moment in moments)


# 4: a burst that ends on the dead-letter queue


def test_500_jobs_at_once_against_one_start_a_second_leave_no_dead_letter():
    world = World()
    world.emr.start_quota = True
    jobs = submit(world, 500)

    turn_often(world, 600)
    world.emr.default_plan = runs_for(1)
    world.run_for(900)

    assert statuses(world, jobs) == {"SUCCEEDED": 500}
    assert world.dead_letters() == []
    assert {world.job(job).attempt for job in jobs} == {1}
    assert len(world.emr.starts) == 500  # a throttle cost nobody anything: there was none


def test_somebody_elses_throttles_slow_500_jobs_down_and_fail_none():
    """Half of the account's quota is used by others: starts are refused although a permit was in hand."""
    world, source = World(), random.Random(4)
    jobs = submit(world, 500)

    def others(operation: str, _arguments: object) -> None:
        if operation == "start_job_run" and source.random() < 0.05:
            raise aws_error("StartJobRun", "ThrottlingException", status=429)

    world.seam.before = others
    turn_often(world, 1500)
    world.run_for(900)

    assert statuses(world, jobs) == {"SUCCEEDED": 500}
    assert world.dead_letters() == []
    assert {world.job(job).attempt for job in jobs} == {1}


# 6: work that is longer than the visibility timeout


def test_a_launch_slower_than_the_visibility_timeout_starts_one_run():
    world = World()
    other = another_worker(world)
    (job,) = submit(world, 1)

    def slow(operation: str, _arguments: object) -> None:
        if operation == "start_job_run":
            world.seam.after = lambda *_: None
            world.clock.forward(world.settings.visibility_seconds + 1)
            other.jobs.run_once(never)
            other.timer.run_once(never)

    world.seam.after = slow
    world.jobs.run_once(never)
    world.run_for(700)

    assert world.emr.names == [job_name(job)]
    assert world.job(job).status is JobStatus.SUCCEEDED
    assert world.sqs.bodies(world.settings.jobs_queue) == []


def test_a_job_of_hours_holds_no_message_while_it_runs():
    world = World()
    world.emr.default_plan = runs_for(20 * 3600)
    (job,) = submit(world, 1)

    world.turn()

    assert world.job(job).is_tracking
    assert world.sqs.bodies(world.settings.jobs_queue) == []


# 8: a cancellation that does not stop the run


@pytest.mark.parametrize("after_turns", range(4))
def test_a_cancellation_at_any_moment_ends_the_job_and_leaves_no_live_run(after_turns: int):
    world = World()
    world.emr.default_plan = fails("ExecutorLostFailure: gone", after_seconds=8)
    (job,) = submit(world, 1)
    for _ in range(after_turns):
        world.turn()
        world.clock.forward(5)
        world.send_events()

    seen = world.job(job)
    asked = replace(seen, cancel_requested_at=world.clock(), due_at=world.clock())
    world.store.update(seen, asked)
    world.run_for(600)

    ended = world.job(job)
    assert (ended.status, ended.failure_reason) == (JobStatus.FAILED, "CANCELLED")
    assert {world.emr.state_of(run) for run in world.emr.runs.values()} <= {"CANCELLED", "FAILED"}


# 10: RUNNING for ever after a restart


def test_200_runs_that_all_workers_left_for_ten_minutes_settle_under_new_workers():
    world = World(start_burst=200)
    world.emr.default_plan = runs_for(400)
    jobs = submit(world, 200)
    turn_often(world, 12, starts_a_second=10)
    assert 0 < len(world.emr.names) < 200

    world.clock.forward(600)
    world.start_worker()
    world.emr.default_plan = runs_for(1)
    turn_often(world, 60, starts_a_second=10)
    world.run_for(900)

    assert statuses(world, jobs) == {"SUCCEEDED": 200}
    assert Counter(world.emr.names) == Counter({job_name(job): 1 for job in jobs})


# 11: retries that hang, loop, or repeat a hopeless job


def test_a_hopeless_job_runs_once_and_one_that_may_pass_no_more_often_than_it_may():
    world = World()
    hopeless, unlucky = submit(world, 2)
    world.emr.plans = {
        f"{job.job_id}.{attempt}": fails(details)
        for job, details in ((hopeless, "nobody knows these words"), (unlucky, "ExecutorLostFailure: gone"))
        for attempt in range(1, 11)
    }

    world.run_for(2 * 3600)

    assert Counter(name.partition(".")[0] for name in world.emr.names) == {hopeless.job_id: 1, unlucky.job_id: 3}
    assert statuses(world, [hopeless, unlucky]) == {"FAILED": 2}


# 18: latency that grows with the backlog


def test_the_pace_of_starts_does_not_fall_with_1500_jobs_in_the_queue():
    rate = 5.0
    world = World(start_rate_per_second=rate, start_burst=5)
    world.emr.default_plan = runs_for(10_000)
    submit(world, 1500)

    turn_often(world, 280, starts_a_second=6)

    first = world.emr.starts[0]
    quarters = Counter(int((moment - first) / timedelta(seconds=70)) for moment in world.emr.starts)
    assert all(abs(quarters[quarter] - 70 * rate) <= 0.1 * 70 * rate for quarter in range(4)), quarters


def test_one_stuck_launch_delays_no_other():
    world = World()
    other = another_worker(world)
    jobs = submit(world, 6)

    def stuck(operation: str, _arguments: object) -> None:
        if operation == "start_job_run":
            world.seam.sending = lambda *_: None
            for _ in range(5):
                other.jobs.run_once(never)
                world.clock.forward(4)
            assert len(world.emr.names) == 5
            raise no_answer()

    world.seam.sending = stuck
    world.jobs.run_once(never)
    world.run_for(900)

    assert statuses(world, jobs) == {"SUCCEEDED": 6}
    assert Counter(world.emr.names) == Counter({job_name(job): 1 for job in jobs})
