"""What is counted of jobs and messages, on real stores and workers, and that it is what the table says."""

from dataclasses import replace

import pytest

from shared.job_store import Refused, Won
from shared.lifecycle import cancel_requested, claimed
from tests.fakes.counted import Counted
from tests.fakes.emr import fails
from tests.fakes.jobs import submitted_job
from tests.fakes.world import World, never

USER_FAULT = "org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN] `x`"
MOVES = "cdp_job_transitions_total"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_job_that_succeeds_is_counted_at_each_move_and_measured_between_them(world, counted):
    world.submit(submitted_job())
    world.clock.forward(7)
    world.turn()
    world.clock.forward(20)
    world.send_events()
    world.turn()

    assert counted.all_of(MOVES) == {("NONE", "SUBMITTED"): 1, ("SUBMITTED", "RUNNING"): 1, ("RUNNING", "SUCCEEDED"): 1}
    assert counted.all_of("cdp_job_queued_seconds_sum") == {("csv-to-parquet",): 7}
    assert counted.all_of("cdp_job_running_seconds_sum") == {("csv-to-parquet", "SUCCEEDED"): 20}
    assert counted.all_of("cdp_job_attempts_total") == {("csv-to-parquet",): 1}
    assert counted.all_of("cdp_job_attempts_ended_total") == {("csv-to-parquet", "succeeded"): 1}


def test_a_job_that_is_cancelled_ends_with_that_reason(world, counted):
    job = world.submit(submitted_job())
    world.turn()
    running = world.job(job)
    world.store.update(running, cancel_requested(running, world.clock(), "api:local", "No longer needed."))
    world.run_for(120)

    assert counted(MOVES, from_status="RUNNING", to_status="FAILED") == 1
    assert counted("cdp_job_running_seconds_count", job_type="csv-to-parquet", outcome="CANCELLED") == 1


def test_a_write_that_was_lost_is_counted_by_its_winner_alone(world, counted):
    job = submitted_job()
    world.store.create(job)
    stored = world.job(job)
    wanted = claimed(stored, world.clock(), world.settings)

    results = [world.store.update(stored, wanted), world.store.update(stored, wanted), world.store.create(job)]

    assert [type(result) for result in results] == [Won, Refused, Refused]
    assert counted.all_of(MOVES) == {("NONE", "SUBMITTED"): 1, ("SUBMITTED", "RUNNING"): 1}


def test_a_job_type_of_another_release_is_counted_as_unknown(world, counted):
    job = submitted_job()
    world.submit(replace(job, request=replace(job.request, job_type="of-tomorrow")))
    world.turn()

    assert counted.all_of("cdp_job_attempts_total") == {("unknown",): 1}


def test_attempts_are_counted_by_what_became_of_them(world, counted):
    world.emr.default_plan = fails("Worker could not be allocated: maximum vCPU capacity reached")
    world.submit(submitted_job())
    world.turn()
    world.clock.forward(100)
    world.send_events()
    world.turn()

    assert counted.all_of("cdp_job_attempts_ended_total") == {("csv-to-parquet", "capacity"): 1}


def test_how_long_messages_waited_is_measured_by_queue(world, counted):
    world.submit(submitted_job())
    world.clock.forward(12)
    world.jobs.run_once(never)
    world.clock.forward(100)
    world.send_events()
    world.clock.forward(3)
    world.events.run_once(never)

    assert counted.all_of("cdp_message_lag_seconds_sum") == {("jobs",): 12, ("events",): 3}


def test_how_long_a_job_was_due_is_measured_by_the_timer(world, counted):
    job = submitted_job()
    world.store.create(job)
    world.clock.forward(120 + 40)
    world.timer.run_once(never)

    assert counted("cdp_due_lag_seconds_sum") == 40
    assert counted("cdp_due_lag_seconds_count") == 1


def test_starts_that_must_wait_for_the_pace_are_counted(counted):
    world = World(start_burst=1, start_rate_per_second=0.01)
    world.submit(submitted_job(1))
    world.submit(submitted_job(2))
    world.jobs.run_once(never)
    world.jobs.run_once(never)

    assert counted("cdp_start_permit_refusals_total") == 1


def test_a_job_that_fails_is_counted_with_its_reason_and_its_dead_letter(world, counted):
    world.emr.default_plan = fails(USER_FAULT)
    world.submit(submitted_job())
    world.turn()
    world.clock.forward(100)
    world.send_events()
    world.turn()

    assert counted.all_of("cdp_job_running_seconds_count") == {("csv-to-parquet", "RUN_FAILED"): 1}
    assert counted.all_of("cdp_dead_letters_sent_total") == {("job",): 1}


def test_a_message_that_nobody_can_read_is_counted_as_a_dead_letter(world, counted):
    world.sqs.send_message(QueueUrl=world.settings.jobs_queue, MessageBody="{")
    world.jobs.run_once(never)

    assert counted.all_of("cdp_dead_letters_sent_total") == {("message",): 1}
