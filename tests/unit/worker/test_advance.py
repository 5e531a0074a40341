"""A worker on fakes and a virtual clock: what becomes of a job, whatever happens on the way."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import structlog
from botocore.exceptions import NoCredentialsError, ParamValidationError

from shared.attempts import ATTEMPT_RECORDS, AttemptRecord, Outcome, with_record
from shared.bills import Bill, Usage
from shared.errors import ObjectsUnavailable, StoreUnavailable
from shared.failure_cards import FailureCard, FailureClass
from shared.lifecycle import START_FENCE, cancel_requested, claimed
from shared.models import DUE_SHARDS, FailureReason, RetryPolicy, shard_of
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.emr import Plan, fails, runs_for
from tests.fakes.jobs import job_id, submitted_job, with_bigger, with_limit
from tests.fakes.seam import aws_error, no_answer, no_connection
from tests.fakes.world import World, never

SHUFFLE_LOST = "org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location for shuffle 0"
NO_CAPACITY = "Worker could not be allocated: maximum vCPU capacity reached"
OUT_OF_MEMORY = "Job failed, please check complete logs. ExitCode: 137. Last few exceptions: none were logged"
USER_FAULT = "org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN] `x`"


@pytest.fixture
def world() -> World:
    return World()


def statuses(world: World, job) -> list[str]:
    return [str(entry.moved_to) for entry in world.job(job).history if entry.moved_from is not entry.moved_to]


def test_a_job_whose_run_succeeds_becomes_succeeded(world):
    job = world.submit(submitted_job())

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    done = world.job(job)
    assert (done.status, done.attempt, done.due_at) == (JobStatus.SUCCEEDED, 1, None)
    assert statuses(world, job) == ["SUBMITTED", "RUNNING", "SUCCEEDED"]
    assert world.emr.names == [f"{job.job_id}.1"]
    assert world.dead_letters() == []


def test_a_successful_job_costs_no_more_calls_than_it_needs(world):
    job = submitted_job()
    world.store.create(job)
    world.sqs.send_message(
        QueueUrl=world.settings.jobs_queue, MessageBody=json.dumps({"kind": "job", "jobId": job.job_id})
    )
    world.seam.calls.clear()

    world.jobs.run_once(never)
    world.clock.forward(10)
    world.send_events()
    world.events.run_once(never)

    calls = [call for call in world.seam.calls if call != "get_queue_url"]
    assert calls == [
        *("get_item", "put_item"),  # the start permit
        *("receive_message", "get_item", "update_item", "start_job_run", "update_item", "delete_message_batch"),
        *("receive_message", "get_job_run", "get_item", "get_object", "transact_write_items", "delete_message_batch"),
    ]


def test_a_redelivered_message_starts_no_second_run(world):
    job = world.submit(submitted_job())
    world.submit(job)

    world.turn()
    world.turn()

    assert world.emr.names == [f"{job.job_id}.1"]


def test_a_job_whose_message_was_lost_is_started_by_the_timer(world):
    job = submitted_job()
    world.store.create(job)

    world.run_for(130)

    assert world.emr.names == [f"{job.job_id}.1"]


def test_a_run_whose_event_was_lost_is_looked_at_by_the_timer(world):
    job = world.submit(submitted_job())

    world.run_for(world.settings.poll_seconds + 20)

    assert world.job(job).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("details", "reason", "attempts"),
    [
        (USER_FAULT, FailureReason.RUN_FAILED, 1),
        ("something that nobody has seen before", FailureReason.RUN_FAILED, 1),
        (SHUFFLE_LOST, FailureReason.RUN_FAILED, 3),
    ],
)
def test_only_failures_that_may_pass_are_tried_again(world, details, reason, attempts):
    world.emr.default_plan = fails(details)
    job = world.submit(submitted_job())

    for _ in range(60):
        world.run_for(30)
        world.send_events()

    done = world.job(job)
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, reason)
    assert world.emr.names == [f"{job.job_id}.{n}" for n in range(1, attempts + 1)]
    assert details in done.status_message


def test_capacity_failures_use_up_no_attempts(world):
    job = submitted_job()
    world.emr.plans = {f"{job.job_id}.{n}": fails(NO_CAPACITY, 2) for n in range(1, 6)}
    world.submit(job)

    for _ in range(400):
        world.run_for(10)
        world.send_events()

    done = world.job(job)
    assert (done.status, done.attempt, done.charged_failures) == (JobStatus.SUCCEEDED, 6, 0)


def test_capacity_failures_end_with_the_deadline(world):
    world.emr.default_plan = fails(NO_CAPACITY, 2)
    job = world.submit(submitted_job(deadline_at=world.clock() + timedelta(seconds=300)))

    for _ in range(40):
        world.run_for(10)
        world.send_events()

    done = world.job(job)
    assert done.status is JobStatus.FAILED
    assert done.failure_reason in (FailureReason.CAPACITY, FailureReason.TIMED_OUT)


def test_no_attempt_begins_before_its_backoff_is_over(world):
    world.emr.default_plan = fails(SHUFFLE_LOST)
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()
    due_at = world.job(job).due_at

    while world.clock() < due_at - timedelta(seconds=1):
        world.turn()
        world.clock.forward(0.5)
        assert len(world.emr.runs) == 1
    world.run_for(10, step_seconds=1)

    assert len(world.emr.runs) == 2


def test_a_failed_job_lies_on_the_dead_letter_queue_once(world):
    world.emr.default_plan = fails(USER_FAULT)
    job = world.submit(submitted_job())

    for _ in range(10):
        world.run_for(60)
        world.send_events()

    (letter,) = world.dead_letters()
    assert letter["envelope"] == "job-failed"
    assert (letter["jobId"], letter["failureReason"], letter["attempt"]) == (job.job_id, "RUN_FAILED", 1)
    assert letter["driverLogUri"].endswith("/SPARK_DRIVER/stdout.gz")
    assert world.job(job).due_at is None


def test_what_the_program_said_of_its_failure_is_what_the_job_says(world):
    world.emr.default_plan = fails("Job failed. ExitCode: 1.")
    job = world.submit(submitted_job())
    left = {"failureReason": "INVALID_INPUT", "message": "Column `nope` cannot be resolved."}
    key = f"jobs/{job.job_id}/attempt-1/_failure.json"
    world.s3.objects[world.settings.processed_bucket, key] = json.dumps(left).encode()

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    done = world.job(job)
    assert done.failure_reason is FailureReason.INVALID_INPUT
    assert done.failure_detail == "Column `nope` cannot be resolved."


@pytest.mark.parametrize("left", [b"no json", b"[]", b'{"message": 1}'])
def test_a_failure_document_that_cannot_be_read_leaves_emrs_own_words(world, left):
    world.emr.default_plan = fails("ExitCode: 1. Last few exceptions: boom")
    job = world.submit(submitted_job())
    world.s3.objects[world.settings.processed_bucket, f"jobs/{job.job_id}/attempt-1/_failure.json"] = left

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    assert world.job(job).failure_detail == "ExitCode: 1. Last few exceptions: boom"


def test_what_emr_says_is_cleaned_of_secrets_before_it_is_cut(world):
    world.emr.default_plan = fails("x" * 1010 + " planted.person@example.com")
    job = world.submit(submitted_job())

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    assert world.job(job).failure_detail == "x" * 1010 + " ***"


def cancel(world, job) -> None:
    seen = world.job(job)
    world.store.update(seen, cancel_requested(seen, world.clock(), "api:local", "no longer needed"))


def test_cancelling_a_job_that_nobody_took_up_ends_it_without_a_run(world):
    job = submitted_job()
    world.store.create(job)
    cancel(world, job)

    world.turn()

    done = world.job(job)
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, FailureReason.CANCELLED)
    assert statuses(world, job) == ["SUBMITTED", "RUNNING", "FAILED"]
    assert world.emr.names == []


def test_cancelling_a_live_run_ends_the_job_within_two_minutes(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(submitted_job())
    world.turn()
    cancel(world, job)

    world.run_for(120)

    done = world.job(job)
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, FailureReason.CANCELLED)
    assert world.seam.calls.count("cancel_job_run") == 1


def test_a_run_that_succeeds_while_it_is_cancelled_has_succeeded(world):
    world.emr.default_plan = runs_for(12)
    world.emr.cancel_seconds = 60
    job = world.submit(submitted_job())
    world.turn()
    cancel(world, job)

    world.run_for(120)

    assert world.job(job).status is JobStatus.SUCCEEDED


def test_a_job_past_its_deadline_is_stopped(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(submitted_job(deadline_at=world.clock() + timedelta(seconds=60)))

    world.run_for(300)

    done = world.job(job)
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, FailureReason.TIMED_OUT)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(3600, FailureReason.TIMED_OUT), (60, FailureReason.CANCELLED_EXTERNALLY)],
)
def test_a_run_that_emr_cancelled_is_told_apart_by_how_long_it_ran(world, seconds, reason):
    world.emr.default_plan = Plan(((0, "RUNNING"), (seconds, "CANCELLED")))
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(seconds)
    world.send_events()
    world.turn()

    assert world.job(job).failure_reason is reason


def test_a_start_whose_answer_was_lost_is_found_by_its_name(world):
    world.emr.default_plan = runs_for(1000)
    job = world.submit(submitted_job())
    world.seam.fail_after("start_job_run", no_answer())

    world.run_for(150)

    assert world.emr.names == [f"{job.job_id}.1"]
    assert world.job(job).run_id is not None


def test_a_start_that_never_reached_emr_is_made_again(world):
    job = world.submit(submitted_job())
    world.seam.fail_before("start_job_run", no_connection())

    world.run_for(150)

    assert world.emr.names == [f"{job.job_id}.1"]


def test_a_throttled_start_is_no_attempt_and_stops_the_fleet_for_a_while(world):
    job = world.submit(submitted_job())
    world.seam.fail_before("start_job_run", aws_error("StartJobRun", "ThrottlingException", status=429))

    world.turn()

    refused = world.job(job)
    assert (refused.attempt, refused.intent_at, refused.charged_failures) == (0, None, 0)
    assert not world.control.take_start_permit(world.clock() + timedelta(seconds=9))
    world.run_for(90)
    assert world.emr.names == [f"{job.job_id}.1"]


def test_a_start_that_emr_calls_invalid_fails_the_job(world):
    job = world.submit(submitted_job())
    error = aws_error("StartJobRun", "ValidationException", "Entry point is not valid")
    world.seam.fail_before("start_job_run", error)

    world.turn()

    done = world.job(job)
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, FailureReason.START_REJECTED)
    assert "Entry point is not valid" in done.status_message


def test_a_platform_that_emr_refuses_waits_for_an_operator(world):
    for number in range(1, 7):
        world.submit(submitted_job(number))
    denied = aws_error("StartJobRun", "AccessDeniedException", status=403)
    world.seam.fail_before("start_job_run", denied, times=5)

    for _ in range(5):
        world.jobs.run_once(never)

    assert all(world.store.get(job_id(number)).status is JobStatus.RUNNING for number in range(1, 6))
    assert world.jobs.run_once(never) is False, "the gate is shut: no message is taken"


def test_three_unsure_starts_shut_the_gate(world):
    for number in range(1, 5):
        world.submit(submitted_job(number))
    world.seam.fail_before("start_job_run", no_answer(), times=3)

    for _ in range(3):
        world.jobs.run_once(never)

    assert world.jobs.run_once(never) is False
    world.clock.forward(91)
    assert world.jobs.run_once(never) is True


def test_a_cancel_between_start_and_record_does_not_lose_the_run(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(submitted_job())

    def cancel_now(operation, arguments):
        if operation == "start_job_run":
            world.seam.after = lambda operation, arguments: None
            cancel(world, job)

    world.seam.after = cancel_now
    world.turn()
    world.run_for(120)

    done = world.job(job)
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, FailureReason.CANCELLED)
    assert done.run_id is not None


@pytest.mark.parametrize("operation", ["update_item", "put_item", "transact_write_items"])
def test_ones_own_lost_answer_is_taken_for_what_it_is(world, operation):
    """botocore sends such a write again by itself; the second is refused by the first."""
    job = submitted_job()
    service, work = world.dynamodb, getattr(world.dynamodb, operation)

    def twice(**arguments):
        work(**arguments)
        return work(**arguments)

    setattr(service, operation, twice)
    world.submit(job)

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    assert world.job(job).status is JobStatus.SUCCEEDED
    assert world.emr.names == [f"{job.job_id}.1"]


def test_errors_of_status_reads_never_move_a_job(world):
    world.emr.default_plan = runs_for(1200)
    job = world.submit(submitted_job())
    throttled = aws_error("GetJobRun", "ThrottlingException", status=429)
    world.seam.fail_before("get_job_run", throttled, times=5)

    world.run_for(700)
    assert world.job(job).status is JobStatus.RUNNING
    world.run_for(1500)

    assert world.job(job).status is JobStatus.SUCCEEDED
    assert len(world.emr.runs) == 1


def test_a_run_that_emr_forgot_is_lost_only_after_patience_and_a_search(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(submitted_job())
    world.turn()
    world.emr.runs.clear()

    world.run_for(880)
    assert world.job(job).status is JobStatus.RUNNING
    world.run_for(120)

    assert world.job(job).failure_reason is FailureReason.RUN_LOST


def test_a_dead_letter_that_could_not_be_sent_is_sent_later(world):
    world.emr.default_plan = fails(USER_FAULT)
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.seam.fail_before("send_message", no_connection(), times=2)

    world.events.run_once(never)
    owed = world.job(job)
    assert (owed.status, owed.dlq_pending, owed.duty_tries) == (JobStatus.FAILED, True, 1)
    world.run_for(120)

    assert len(world.dead_letters()) == 1
    assert world.job(job).due_at is None


def test_a_worker_that_cannot_write_starts_nothing(world):
    world.submit(submitted_job())
    world.seam.fail_before("update_item", no_connection())

    with pytest.raises(StoreUnavailable):
        world.turn()

    assert world.emr.names == []
    world.run_for(200)
    assert len(world.emr.runs) == 1


def test_a_job_whose_item_is_nonsense_stops_that_job_alone(world):
    broken, good = submitted_job(1), submitted_job(2)
    world.store.create(broken)
    world.store.create(good)
    world.item(broken)["history"] = "nonsense"

    world.run_for(200)

    assert world.job(good).attempt == 1
    assert world.item(broken)["status"] == "SUBMITTED"


def test_a_cancel_that_could_not_be_sent_is_sent_when_the_hold_ends(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(submitted_job())
    world.turn()
    cancel(world, job)
    world.seam.fail_before("cancel_job_run", aws_error("CancelJobRun", "ThrottlingException"))

    world.run_for(240)

    assert world.job(job).failure_reason is FailureReason.CANCELLED


def test_a_job_claimed_by_another_meanwhile_is_left_to_it(world):
    job = world.submit(submitted_job())

    def claim_first(operation, arguments):
        if operation == "update_item":
            world.seam.before = lambda operation, arguments: None
            seen = world.job(job)
            world.store.update(seen, claimed(seen, world.clock(), world.settings))

    world.seam.before = claim_first
    world.turn()

    assert world.emr.names == []
    assert world.job(job).status is JobStatus.RUNNING


def test_a_job_that_is_deleted_meanwhile_is_dropped(world):
    job = world.submit(submitted_job())

    def delete_first(operation, arguments):
        if operation == "update_item":
            world.dynamodb.items(world.settings.jobs_table).pop(job.job_id, None)

    world.seam.before = delete_first
    world.turn()

    assert world.emr.names == []


def restarted_job(world, job):
    """A job whose first start got no answer, brought to the moment in which the timer starts it again."""
    world.submit(job)
    world.seam.fail_before("start_job_run", no_connection())
    world.turn()
    world.clock.forward(world.settings.hold_seconds)


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ThrottlingException"])
def test_a_refused_restart_keeps_the_earlier_intent_until_no_run_can_come_of_it(world, code):
    job = submitted_job()
    restarted_job(world, job)
    world.seam.fail_before("start_job_run", aws_error("StartJobRun", code))

    world.turn()

    waiting_job = world.job(job)
    assert (waiting_job.status, waiting_job.attempt) == (JobStatus.RUNNING, 1)
    assert waiting_job.due_at == waiting_job.intent_at + START_FENCE
    world.run_for(START_FENCE.total_seconds() + 60)
    assert world.emr.names == [f"{job.job_id}.1"]


def test_a_restart_waits_while_there_is_no_permit(world):
    job = submitted_job()
    restarted_job(world, job)
    world.control.empty_start_bucket(world.clock())

    world.timer.run_once(never)

    assert world.emr.names == []
    assert world.job(job).due_at == world.clock() + timedelta(seconds=15)


def test_a_failure_document_that_may_not_be_read_is_done_without(world):
    world.emr.default_plan = fails("ExitCode: 1.")
    job = world.submit(submitted_job())
    world.seam.fail_before("get_object", aws_error("GetObject", "AccessDenied", status=403))

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    assert world.job(job).failure_detail == "ExitCode: 1."


def test_while_s3_is_away_a_failed_run_waits_to_be_explained(world):
    world.emr.default_plan = fails("ExitCode: 1.")
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.seam.fail_before("get_object", no_connection())

    with pytest.raises(ObjectsUnavailable):
        world.events.run_once(never)

    assert world.job(job).status is JobStatus.RUNNING
    world.run_for(130)
    assert world.job(job).status is JobStatus.FAILED


def test_two_rules_that_chase_each_other_are_stopped(world, monkeypatch):
    job = world.submit(submitted_job())
    monkeypatch.setattr("worker.advance.MOST_TURNS", 0)

    with structlog.testing.capture_logs() as logs:
        world.jobs.run_once(never)

    assert [line["event"] for line in logs] == ["advance_does_not_end"]
    assert world.job(job).status is JobStatus.SUBMITTED


@pytest.mark.parametrize(
    ("spoil", "error"), [({"schemaVersion": 9}, "schemaVersion 9"), ({"request": "?"}, "cannot be read")]
)
def test_an_item_that_cannot_be_read_is_looked_at_less_and_less_often(world, spoil, error):
    job = submitted_job()
    world.store.create(job)
    world.item(job).update(spoil)

    with structlog.testing.capture_logs() as logs:
        world.run_for(6 * 3600, step_seconds=20)

    reports = [line for line in logs if line["event"] == "job_set_aside"]
    assert len(reports) == 10
    assert error in reports[0]["reason"]
    assert [line["wait_seconds"] for line in reports][:5] == [60, 120, 240, 480, 900]


def test_a_request_that_botocore_will_not_send_fails_the_job_at_once(world):
    job = world.submit(submitted_job())
    world.seam.fail_before("start_job_run", ParamValidationError(report="Invalid length for parameter tags"))

    world.turn()

    assert world.job(job).failure_reason is FailureReason.START_REJECTED
    assert "Invalid length for parameter tags" in world.job(job).status_message


def test_a_worker_without_credentials_waits_for_an_operator(world):
    job = world.submit(submitted_job())
    world.seam.fail_before("start_job_run", NoCredentialsError())

    world.turn()

    assert (world.job(job).status, world.job(job).attempt) == (JobStatus.RUNNING, 0)


def test_a_named_run_found_in_place_of_one_that_is_gone_is_tracked(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(submitted_job())
    world.turn()
    world.item(job)["runId"] = "gone"
    world.clock.forward(1000)
    world.seam.calls.clear()

    world.timer.run_once(never)

    assert world.job(job).run_id in world.emr.runs
    assert world.seam.calls.count("get_job_run") == 1


def test_a_run_that_expired_in_emrs_queue_is_not_said_to_have_run_out_of_time(world):
    world.emr.default_plan = Plan(((0, "QUEUED"), (7200, "CANCELLED")), "The queue timeout was reached.", begins=False)
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(7200)
    world.send_events()
    world.turn()

    assert world.job(job).failure_reason is FailureReason.CANCELLED_EXTERNALLY
    assert "queue timeout" in world.job(job).status_message


def test_many_unreadable_items_do_not_starve_the_good_one_behind_them(world):
    """All in one shard, all longer due than the good one."""
    spoilt = [submitted_job(n) for n in range(1, 3000) if shard_of(job_id(n), DUE_SHARDS) == "07"][:80]
    for job in spoilt:
        world.store.create(job)
        world.item(job)["createdAt"] = 10**30
    good = next(job for n in range(3000, 9999) if shard_of((job := submitted_job(n)).job_id, DUE_SHARDS) == "07")
    world.clock.forward(1)
    world.store.create(replace(good, due_at=good.due_at + timedelta(seconds=1)))

    world.run_for(200)

    assert world.job(good).attempt == 1


def test_what_dynamodb_will_never_take_is_the_jobs_trouble_alone(world):
    broken, good = submitted_job(1), submitted_job(2)
    world.store.create(broken)
    world.store.create(good)

    def refuse(operation, arguments):
        if operation == "update_item" and arguments["Key"]["jobId"]["S"] == broken.job_id:
            raise aws_error("UpdateItem", "ValidationException", "Item size has exceeded the maximum allowed size")

    world.seam.before = refuse
    world.run_for(200)

    assert world.job(good).attempt == 1
    assert world.job(broken).status is JobStatus.SUBMITTED


def test_each_attempt_that_ended_is_on_record(world):
    job = submitted_job()
    world.emr.plans = {f"{job.job_id}.1": fails(SHUFFLE_LOST)}
    world.submit(job)

    for _ in range(10):
        world.run_for(30)
        world.send_events()

    first, second = world.job(job).attempts
    run_1, run_2 = world.emr.runs
    assert (first.attempt, first.outcome, first.run_id) == (1, Outcome.FAILED, run_1)
    assert (second.attempt, second.outcome, second.run_id) == (2, Outcome.SUCCEEDED, run_2)
    assert first.started_at < first.ended_at < second.started_at < second.ended_at


def test_of_many_attempts_the_newest_stay_on_record(world):
    records = tuple(AttemptRecord(number, Outcome.FAILED, NOON, NOON) for number in range(1, ATTEMPT_RECORDS + 1))

    kept = with_record(records, AttemptRecord(99, Outcome.FAILED, NOON, NOON))

    assert [record.attempt for record in kept] == [*range(2, ATTEMPT_RECORDS + 1), 99]


KILLED = (
    "Job failed, please check complete logs. ExitCode: 143. Last few exceptions: Caused by: java.io.IOException: gone"
)
LEFT = {
    "message": "SparkException: Task failed while writing rows.",
    "causes": ["py4j.protocol.Py4JJavaError: x", "SparkException: y", "java.io.IOException: Disk \ud800full", 7],
}


@pytest.mark.parametrize(
    ("details", "left", "card"),
    [
        (KILLED, None, FailureCard(FailureClass.UNKNOWN, KILLED, "java.io.IOException: gone", 143)),
        (
            KILLED,
            LEFT,
            FailureCard(FailureClass.UNKNOWN, LEFT["message"], "java.io.IOException: Disk ?full", 143, True),
        ),
        (
            "?",
            {"message": "No column x.", "failureReason": "INVALID_INPUT", "causes": "KeyError"},
            FailureCard(FailureClass.INPUT, "No column x.", is_whole_in_s3=True),
        ),
        (SHUFFLE_LOST, None, FailureCard(FailureClass.TRANSIENT, SHUFFLE_LOST, SHUFFLE_LOST)),
    ],
)
def test_the_card_of_a_failed_attempt_says_what_was_seen_of_its_run(world, details, left, card):
    job = submitted_job()
    world.emr.default_plan = fails(details)
    if left is not None:
        key = f"jobs/{job.job_id}/attempt-1/_failure.json"
        world.s3.objects[world.settings.processed_bucket, key] = json.dumps(left).encode()
    world.submit(job)

    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()

    assert world.job(job).attempts[0].failure == card


@pytest.mark.parametrize(
    ("plan", "failure_class"),
    [
        (runs_for(100), FailureClass.CANCELLED),
        (fails("java.lang.IllegalStateException: x", 25), FailureClass.CANCELLED),
    ],
)
def test_the_card_of_a_cancelled_attempt_says_that_it_was_cancelled(world, plan, failure_class):
    job = submitted_job()
    world.emr.default_plan, world.emr.cancel_seconds = plan, 20
    world.submit(job)
    world.turn()

    world.clock.forward(5)
    stored = world.job(job)
    world.store.update(stored, cancel_requested(stored, world.clock(), "api:local", None))
    world.run_for(60)
    world.send_events()
    world.turn()

    (record,) = world.job(job).attempts
    assert record.failure.failure_class is failure_class


def bills_of(world, job) -> list[Bill | None]:
    return [record.bill for record in world.job(job).attempts]


def finish(world, job, looks: int = 1) -> None:
    """Let the events of runs come, and so much time pass that everything is done."""
    for _ in range(looks):
        world.run_for(30)
        world.send_events()
    world.turn()


def test_what_a_run_cost_is_known_at_its_end_where_emr_knows_it_by_then(world):
    job = world.submit(submitted_job())

    finish(world, job)

    # A minute at least of 1 vCPU and 4 GB: 0.017 h at 0.052624, and 0.067 h at 0.0057785.
    (bill,) = bills_of(world, job)
    assert (bill.usage, bill.amount) == (Usage(Decimal("0.017"), Decimal("0.067"), Decimal("0.0")), Decimal("0.001282"))
    assert (bill.currency, bill.source, bill.as_of) == ("USD", world.settings.price_source, world.settings.price_as_of)
    assert (world.job(job).bill_pending, world.job(job).due_at) == (False, None)
    assert world.seam.calls.count("get_job_run") == 1


def test_what_all_runs_cost_is_asked_for_once_a_minute_after_the_end(world):
    world.emr.bill_seconds = 45
    world.emr.plans = {f"{job_id()}.1": fails(SHUFFLE_LOST)}
    job = world.submit(submitted_job())
    while world.job(job).status is not JobStatus.SUCCEEDED:
        world.run_for(10)
        world.send_events()
    world.turn()  # the events that came more than once
    ended, looks = world.job(job), world.seam.calls.count("get_job_run")

    world.run_for(50)
    before = bills_of(world, job)
    world.run_for(30)

    assert before == [None, None]
    assert all(bills_of(world, job))
    assert world.seam.calls.count("get_job_run") == looks + 2
    settled = world.job(job)
    assert (settled.bill_pending, settled.due_at, settled.bill_tries) == (False, None, 0)
    assert (settled.status, settled.finished_at, settled.history) == (ended.status, ended.finished_at, ended.history)


def test_a_failed_job_sends_its_dead_letter_first_and_learns_its_cost_later(world):
    world.emr.bill_seconds = 45
    world.emr.default_plan = fails(USER_FAULT)
    job = world.submit(submitted_job())

    finish(world, job)
    letters, before = world.dead_letters(), bills_of(world, job)
    world.run_for(90)

    assert (len(letters), before) == (1, [None])
    assert all(bills_of(world, job))
    assert len(world.dead_letters()) == 1
    assert world.job(job).due_at is None


def test_a_bill_that_does_not_come_is_given_up_after_six_looks(world):
    world.emr.bill_seconds = 1e9
    job = world.submit(submitted_job())
    finish(world, job)
    looks = world.seam.calls.count("get_job_run")

    for _ in range(200):
        world.run_for(60, step_seconds=30)

    assert world.seam.calls.count("get_job_run") == looks + 6
    given_up = world.job(job)
    assert (given_up.bill_pending, given_up.bill_tries, given_up.due_at) == (False, 6, None)
    assert bills_of(world, job) == [None]


def test_an_emr_that_does_not_answer_uses_up_no_look_at_a_bill(world):
    world.emr.bill_seconds = 45
    job = world.submit(submitted_job())
    finish(world, job)

    def fail(operation, arguments):
        if operation == "get_job_run":
            raise no_answer()

    world.seam.before = fail
    world.run_for(300)
    unanswered = world.job(job)
    world.seam.before = lambda operation, arguments: None
    world.run_for(120)

    assert (unanswered.bill_pending, unanswered.bill_tries) == (True, 0)
    assert all(bills_of(world, job))


def test_a_run_that_never_began_cost_nothing(world):
    world.emr.default_plan = Plan(((0, "QUEUED"), (10, "CANCELLED")), begins=False)
    job = world.submit(submitted_job())
    finish(world, job)

    world.run_for(90)

    (bill,) = bills_of(world, job)
    assert bill.amount == 0
    assert world.job(job).due_at is None


def test_a_price_that_changes_leaves_a_bill_as_it_was(world):
    job = world.submit(submitted_job())
    finish(world, job)
    (before,) = bills_of(world, job)

    dearer = World(price_vcpu_hour=1.0, price_as_of="2027-01-01")
    later = dearer.submit(submitted_job())
    finish(dearer, later)

    assert bills_of(world, job) == [before]
    (after,) = bills_of(dearer, later)
    assert (after.as_of, after.amount) == ("2027-01-01", Decimal("0.017387"))


def test_the_figure_that_comes_with_the_end_of_a_long_run_is_read_again(world):
    world.emr.default_plan = runs_for(1500)
    job = world.submit(submitted_job())
    while world.job(job).status is not JobStatus.SUCCEEDED:
        world.run_for(10)
        world.send_events()

    before = bills_of(world, job)
    world.run_for(90)

    assert before == [None]
    assert all(bills_of(world, job))


def memory_asked_of(world: World) -> list[str]:
    """The memory that each run of the world was asked for with."""
    submits = [run.request["jobDriver"]["sparkSubmit"] for run in world.emr.runs.values()]
    return [submit["sparkSubmitParameters"].removeprefix("--conf spark.driver.memory=") for submit in submits]


def go_on(world: World) -> None:
    """Until nothing more happens to one job."""
    for _ in range(12):
        world.run_for(30)
        world.send_events()


def test_a_job_that_ran_out_of_memory_is_tried_once_more_with_the_next_size(world):
    job = with_bigger(submitted_job(retry_policy=RetryPolicy(max_attempts=1, base_seconds=30, cap_seconds=900)))
    world.emr.plans = {f"{job.job_id}.1": fails(OUT_OF_MEMORY)}
    world.submit(job)

    go_on(world)

    done = world.job(job)
    assert (done.status, done.attempt, done.charged_failures, done.went_bigger) == (JobStatus.SUCCEEDED, 2, 0, True)
    assert memory_asked_of(world) == ["4654m", "16756m"]
    assert [(record.size, record.outcome) for record in done.attempts] == [("small", "FAILED"), ("medium", "SUCCEEDED")]
    (told,) = [entry.message for entry in done.history if "failed" in entry.message]
    assert told.startswith("Attempt 1 failed (memory); the next follows in ")
    assert " s with size medium instead of small. Job failed" in told


def test_memory_that_runs_out_again_ends_the_job(world):
    job = with_bigger()
    world.emr.default_plan = fails(OUT_OF_MEMORY)
    world.submit(job)

    go_on(world)

    done = world.job(job)
    assert (done.status, done.failure_reason, done.attempt) == (JobStatus.FAILED, FailureReason.RUN_FAILED, 2)
    assert [record.size for record in done.attempts] == ["small", "medium"]
    (letter,) = world.dead_letters()
    assert letter["request"]["size"] == "small"
    assert (letter["failure"]["class"], letter["failure"]["exitCode"]) == ("memory", 137)


def test_the_attempts_after_the_bigger_one_are_as_big(world):
    job = with_bigger()
    world.emr.plans = {f"{job.job_id}.1": fails(OUT_OF_MEMORY), f"{job.job_id}.2": fails(SHUFFLE_LOST)}
    world.submit(job)

    go_on(world)

    done = world.job(job)
    assert (done.status, done.attempt, done.charged_failures) == (JobStatus.SUCCEEDED, 3, 1)
    assert memory_asked_of(world) == ["4654m", "16756m", "16756m"]


def test_a_job_that_does_not_allow_it_ends_when_memory_runs_out(world):
    job = submitted_job()
    world.emr.default_plan = fails(OUT_OF_MEMORY)
    world.submit(job)

    go_on(world)

    done = world.job(job)
    assert (done.status, done.attempt) == (JobStatus.FAILED, 1)
    assert done.attempts[0].failure == FailureCard(FailureClass.MEMORY, OUT_OF_MEMORY, None, 137)


def test_a_failure_that_may_pass_makes_no_job_bigger(world):
    job = with_bigger()
    world.emr.plans = {f"{job.job_id}.1": fails(SHUFFLE_LOST)}
    world.submit(job)

    go_on(world)

    assert (world.job(job).status, world.job(job).went_bigger) == (JobStatus.SUCCEEDED, False)
    assert memory_asked_of(world) == ["4654m", "4654m"]


def test_a_job_is_warned_once_near_its_limit_and_ended_at_it_without_more_looks(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(with_limit(0.05))  # which a small run reaches after 447.292 s, and 80 % of it after 357.833 s

    world.run_for(355)
    before, looks = world.job(job), world.seam.calls.count("get_job_run")
    world.run_for(10)
    warned = world.job(job)
    world.run_for(300)

    assert (before.cost_warned_at, looks) == (None, 0)
    assert warned.cost_warned_at == NOON + timedelta(seconds=360)
    assert warned.due_at == warned.cost_limit_at == NOON + timedelta(seconds=447.292)
    ended = world.job(job)
    assert (ended.failure_reason, ended.cost_limit_at) == (FailureReason.COST_LIMIT, warned.cost_limit_at)
    assert ended.status_message == "It cost all that it may (maxCostUsd 0.05)."
    assert [entry.message for entry in ended.history].count(
        "80% of its maxCostUsd (0.05) are used up; at all of it, it is ended."
    ) == 1
    assert ended.attempts[-1].failure.failure_class is FailureClass.COST_LIMIT
    # Near the limit, at it, the look that saw the end; and its bill, or the end seen once more.
    assert world.seam.calls.count("get_job_run") <= 4
    assert world.seam.calls.count("cancel_job_run") == 1


def test_a_run_that_waits_in_a_queue_costs_nothing(world):
    world.emr.default_plan = Plan(((0, "QUEUED"),), begins=False)
    job = world.submit(with_limit(0.05))

    world.run_for(3600)

    waiting_job = world.job(job)
    assert (waiting_job.status, waiting_job.cost_limit_at) == (JobStatus.RUNNING, None)
    assert "cancel_job_run" not in world.seam.calls


def test_attempts_that_have_no_bill_yet_count_by_their_time(world):
    world.emr.bill_seconds = 1e9
    world.emr.plans = {f"{job_id()}.1": fails(SHUFFLE_LOST, 180)}
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(with_limit(0.05))

    world.run_for(180)
    world.send_events()
    world.run_for(120)
    (first,) = world.job(job).attempts
    world.run_for(400)

    assert (first.bill, first.estimate) == (None, Decimal("0.020121"))
    second = world.emr.runs["0000000000000002"]
    lasted = (second.cancelled_at - second.created_at).total_seconds()
    assert world.job(job).failure_reason is FailureReason.COST_LIMIT
    assert 267 <= lasted <= 273  # of 447 s


def test_the_bill_of_an_earlier_attempt_counts_instead_of_its_time(world):
    world.emr.plans = {f"{job_id()}.1": fails(SHUFFLE_LOST, 400)}
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(with_limit(0.05))

    world.run_for(400)
    near = world.job(job)
    world.send_events()
    world.run_for(30)
    second_begun = world.job(job)
    world.run_for(500)

    assert near.cost_limit_at == NOON + timedelta(seconds=447.292)
    assert (second_begun.attempt, second_begun.cost_limit_at) == (2, None)
    (first, _) = world.job(job).attempts
    assert first.bill.amount == Decimal("0.008407")  # 0.111 h of a vCPU and 0.444 h of a GB
    second = world.emr.runs["0000000000000002"]
    assert 372 <= (second.cancelled_at - second.created_at).total_seconds() <= 378


def test_a_job_without_a_limit_keeps_no_reckoning(world):
    world.emr.plans = {f"{job_id()}.1": fails(SHUFFLE_LOST)}
    job = world.submit(submitted_job())

    finish(world, job, looks=3)

    assert [record.estimate for record in world.job(job).attempts] == [None, None]
    assert not {"costLimitAt", "costWarnedAt"} & set(world.item(job))
