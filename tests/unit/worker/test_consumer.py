"""What becomes of messages: the good, the bad and the ones from the future."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import SparkUnavailable
from shared.job_queue import job_message
from shared.lifecycle import waiting
from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.emr import runs_for
from tests.fakes.jobs import ended_job, job_id, submitted_job, with_limit
from tests.fakes.seam import aws_error, nothing
from tests.fakes.world import World, never


@pytest.fixture
def world() -> World:
    return World()


def send(world: World, queue: str, body: object) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    world.sqs.send_message(QueueUrl=queue, MessageBody=text)


UNREADABLE_JOBS = [
    ("{not json", "it is not JSON"),
    ("[]", "it is no JSON object"),
    ("[" * 100_000, "it is not JSON"),
    ({"schemaVersion": 1, "kind": "coffee"}, "its kind is 'coffee', not 'job'"),
    ({"schemaVersion": 1, "kind": "job"}, "it names no jobId"),
    ({"schemaVersion": 1, "kind": "job", "jobId": 7}, "it names no jobId"),
    ("x" * 300_000, "it is not JSON"),
]


@pytest.mark.parametrize(("body", "why"), UNREADABLE_JOBS, ids=lambda value: str(value)[:20])
def test_a_message_that_cannot_be_read_is_set_aside_with_why_and_the_next_is_handled(world, body, why):
    send(world, world.settings.jobs_queue, body)
    job = world.submit(submitted_job())

    world.jobs.run_once(never)
    world.jobs.run_once(never)

    (letter,) = world.dead_letters()
    assert (letter["envelope"], letter["queue"], letter["error"]) == ("unprocessable", world.settings.jobs_queue, why)
    assert world.job(job).status is JobStatus.RUNNING
    assert world.sqs.bodies(world.settings.jobs_queue) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{", "it is not JSON"),
        ({"source": "aws.ec2", "detail": {}}, "it is no event of aws.emr-serverless"),
        ({"source": "aws.emr-serverless"}, "it is no event of aws.emr-serverless"),
        ({"source": "aws.emr-serverless", "detail": {"jobRunId": 1}}, "it names no applicationId and jobRunId"),
    ],
)
def test_an_event_that_cannot_be_read_is_set_aside(world, body, why):
    send(world, world.settings.events_queue, body)

    world.events.run_once(never)

    assert world.dead_letters()[0]["error"] == why
    assert world.sqs.bodies(world.settings.events_queue) == []


def utilization(world: World, vcpu_hours: object = 1.0, **detail: object) -> dict[str, Any]:
    """The event of what is billed of the first run so far."""
    (run,) = world.emr.runs.values()
    event = world.emr.utilization_event(run, 1.0)
    event["detail"]["totalBilledResourceUtilization"]["vCPUHour"] = vcpu_hours
    event["detail"].update(detail)
    return event


def test_what_a_live_run_is_billed_brings_its_jobs_limit_nearer_at_once(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(with_limit(0.4))
    world.turn()
    world.clock.forward(30)
    send(world, world.settings.events_queue, utilization(world, 7.0))

    world.events.run_once(never)

    # 7 vCPU-hours cost 0.368368; the rest of 0.4 lasts 282.974 s at 0.4024215 an hour.
    limited = world.job(job)
    assert limited.cost_limit_at == NOON + timedelta(seconds=312.974)
    assert limited.cost_warned_at == NOON + timedelta(seconds=30)
    assert limited.due_at == limited.cost_limit_at
    assert world.seam.calls.count("get_job_run") == 1


def test_a_live_run_that_is_billed_its_limit_is_cancelled_at_once(world):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(with_limit(0.4))
    world.turn()
    send(world, world.settings.events_queue, utilization(world, 8.0))

    world.events.run_once(never)

    assert world.seam.calls.count("cancel_job_run") == 1
    world.run_for(90)
    assert world.job(job).failure_reason is FailureReason.COST_LIMIT


@pytest.mark.parametrize("changes", [{"vcpu_hours": None}, {"vcpu_hours": "7"}, {"vcpu_hours": float("nan")}], ids=str)
def test_an_event_whose_figure_cannot_be_read_is_only_a_reason_to_look(world, changes):
    world.emr.default_plan = runs_for(100_000)
    job = world.submit(with_limit(0.4))
    world.turn()
    send(world, world.settings.events_queue, utilization(world, **changes))
    send(world, world.settings.events_queue, utilization(world, totalBilledResourceUtilization=7))

    world.events.run_once(never)

    assert world.job(job).cost_limit_at == NOON + timedelta(seconds=3578.337)
    assert world.dead_letters() == []


def test_the_last_event_of_a_bill_needs_no_look_since_the_timer_asks_for_bills(world):
    world.submit(submitted_job())
    world.turn()
    send(world, world.settings.events_queue, utilization(world, resourceUtilizationFinal=True))

    world.events.run_once(never)

    assert "get_job_run" not in world.seam.calls
    assert world.sqs.bodies(world.settings.events_queue) == []


def test_a_message_and_an_item_of_the_next_version_are_handled_past_what_it_added(world):
    job = submitted_job()
    world.store.create(job)
    world.item(job).update({"schemaVersion": 2, "addedNext": "unknown here"})
    send(world, world.settings.jobs_queue, {"schemaVersion": 2, "kind": "job", "jobId": job.job_id, "addedNext": 1})

    world.jobs.run_once(never)

    assert world.job(job).status is JobStatus.RUNNING
    assert (world.item(job)["schemaVersion"], world.item(job)["addedNext"]) == (2, "unknown here")
    assert world.sqs.bodies(world.settings.jobs_queue) == []


def test_a_message_of_a_version_after_the_next_waits_for_a_newer_worker(world):
    send(world, world.settings.jobs_queue, {"schemaVersion": 3, "kind": "job", "jobId": job_id()})

    world.jobs.run_once(never)
    assert world.jobs_queue.receive(1, 0, 1) == []
    world.clock.forward(60)

    assert len(world.jobs_queue.receive(1, 0, 1)) == 1
    assert world.dead_letters() == []


def test_a_message_of_an_unknown_job_ends_on_the_dead_letter_queue_by_itself(world):
    send(world, world.settings.jobs_queue, job_message(job_id(99)))

    for _ in range(11):
        world.jobs.run_once(never)
        world.clock.forward(121)
    world.jobs.run_once(never)

    assert world.dead_letters() == [job_message(job_id(99))]


@pytest.mark.parametrize("run_name", ["somebody-elses-run", "", f"{job_id(99)}.1"])
def test_an_event_of_a_run_that_is_not_ours_is_deleted(world, run_name):
    answer = world.emr.start_job_run(applicationId="00app", name=run_name, clientToken="t")
    send(world, world.settings.events_queue, world.emr.event_of(world.emr.runs[answer["jobRunId"]]))

    world.events.run_once(never)

    assert world.sqs.bodies(world.settings.events_queue) == []
    assert world.dead_letters() == []


def test_an_event_of_a_run_that_emr_does_not_know_is_deleted(world):
    detail = {"jobRunId": "nope", "applicationId": "00app"}
    send(world, world.settings.events_queue, {"source": "aws.emr-serverless", "detail": detail})

    world.events.run_once(never)

    assert world.sqs.bodies(world.settings.events_queue) == []


def test_an_event_that_comes_before_the_run_was_recorded_records_it(world):
    world.emr.default_plan = runs_for(5)
    job = world.submit(submitted_job())
    world.seam.after = lambda operation, arguments: (
        (_ for _ in ()).throw(KeyboardInterrupt) if (operation == "start_job_run") else None
    )
    with pytest.raises(KeyboardInterrupt):  # the worker dies right after the start
        world.jobs.run_once(never)
    world.seam.after = lambda operation, arguments: None
    world.clock.forward(5)
    world.send_events()

    world.events.run_once(never)
    assert world.job(job).run_id is not None
    world.timer.run_once(never)

    assert world.job(job).status is JobStatus.SUCCEEDED


def test_a_message_of_an_ended_job_is_deleted_and_its_permit_serves_the_next(world):
    world.submit(ended_job())
    next_job = world.submit(submitted_job(2))

    world.jobs.run_once(never)
    takes = world.seam.calls.count("put_item")
    world.jobs.run_once(never)

    assert world.seam.calls.count("put_item") == takes
    assert world.job(next_job).status is JobStatus.RUNNING


def test_a_stopping_worker_gives_back_what_it_received_at_once(world):
    job = world.submit(submitted_job())
    send(world, world.settings.events_queue, {"source": "aws.emr-serverless", "detail": {}})

    world.jobs.run_once(lambda: True)
    world.events.run_once(lambda: True)

    assert world.job(job).status is JobStatus.SUBMITTED
    assert len(world.jobs_queue.receive(1, 0, 1)) == 1
    assert len(world.queue(world.settings.events_queue).receive(1, 0, 1)) == 1


def test_without_a_permit_no_message_is_taken(world):
    while world.control.take_start_permit(world.clock()):
        pass
    job = world.submit(submitted_job())

    assert world.jobs.run_once(never) is False
    assert "receive_message" not in world.seam.calls
    assert world.job(job).status is JobStatus.SUBMITTED


def test_poison_however_much_never_stops_the_good_job_behind_it(world):
    for number in range(50):
        send(world, world.settings.jobs_queue, f"poison {number}")
        send(world, world.settings.jobs_queue, job_message(job_id(1000 + number)))
    job = world.submit(submitted_job())

    for _ in range(101):
        world.jobs.run_once(never)

    assert world.job(job).status is JobStatus.RUNNING


def test_one_event_that_fails_does_not_bring_back_those_that_were_handled(world):
    jobs = [world.submit(submitted_job(number)) for number in range(1, 6)]
    for _ in jobs:
        world.jobs.run_once(never)
    world.clock.forward(10)
    world.send_events()
    looks = []

    def throttle_the_third(operation, arguments):
        if operation == "get_job_run":
            looks.append(operation)
            if len(looks) == 3:
                raise aws_error("GetJobRun", "ThrottlingException")

    world.seam.before = throttle_the_third
    with pytest.raises(SparkUnavailable):
        world.events.run_once(never)

    assert [world.job(job).status for job in jobs].count(JobStatus.SUCCEEDED) == 2
    assert len(world.sqs.bodies(world.settings.events_queue)) == 3


def test_an_event_with_a_nonsense_run_id_is_deleted(world):
    world.seam.fail_before("get_job_run", aws_error("GetJobRun", "ValidationException"))
    detail = {"jobRunId": "?", "applicationId": "00app"}
    send(world, world.settings.events_queue, {"source": "aws.emr-serverless", "detail": detail})

    world.events.run_once(never)

    assert world.sqs.bodies(world.settings.events_queue) == []


def test_a_permit_in_hand_does_not_pass_a_gate_that_was_shut_since(world):
    world.jobs.run_once(never)  # takes a permit, and finds no message for it
    world.submit(submitted_job())
    world.gate.skew = timedelta(seconds=100)

    assert world.jobs.run_once(never) is False
    assert world.emr.names == []


def test_a_claim_that_lost_to_a_mere_wait_is_made_again_with_the_same_permit(world):
    job = world.submit(submitted_job())

    def overtake(operation, arguments):
        if operation == "update_item":
            world.seam.before = nothing
            seen = world.job(job)
            world.store.update(seen, waiting(seen, world.clock(), world.clock()))

    world.seam.before = overtake
    world.jobs.run_once(never)

    assert world.emr.names == [f"{job.job_id}.1"]
    assert world.sqs.bodies(world.settings.jobs_queue) == []
