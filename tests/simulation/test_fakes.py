"""The fakes misbehave as AWS may: late indexes, repeated and reordered messages, tokens that are forgotten."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.lifecycle import waiting
from shared.models import DUE_SHARDS, shard_of
from shared.settings import Settings
from shared.transitions import JobStatusTransitionValidator
from tests.fakes.clock import NOON, Clock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.emr import FakeEMR, fails, runs_for
from tests.fakes.eventbridge import FakeEventBridge
from tests.fakes.jobs import submitted_job
from tests.fakes.sqs import FakeSQS

SETTINGS = Settings()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def start(emr: FakeEMR, name: str = "job.1", token: str = "token") -> str:
    return emr.start_job_run(applicationId="00app", name=name, clientToken=token)["jobRunId"]


def test_an_index_shows_a_write_only_after_its_lag_and_never_an_older_one_again(clock):
    dynamodb, lags = FakeDynamoDB(clock), iter([0, 0, 0, 2, 1])
    dynamodb.index_lag = lambda: next(lags)
    store = JobStore(dynamodb, SETTINGS.jobs_table, SETTINGS.control_table, JobStatusTransitionValidator())
    job = store.create(submitted_job(due_at=NOON)).job
    shard = shard_of(job.job_id, DUE_SHARDS)
    later = store.update(job, waiting(job, NOON, NOON + timedelta(hours=1))).job
    store.update(later, waiting(later, NOON, NOON + timedelta(hours=2)))

    assert store.due_ids(shard, NOON, 10) == [job.job_id]
    clock.forward(1)
    assert store.due_ids(shard, NOON + timedelta(minutes=90), 10) == []
    clock.forward(1)
    assert store.due_ids(shard, NOON + timedelta(minutes=90), 10) == [], "the older write came to the index later"


def test_a_queue_may_deliver_copies_late_and_in_any_order(clock):
    sqs = FakeSQS(clock, [SETTINGS.jobs_queue], SETTINGS.dead_letter_queue)
    sqs.delays, sqs.order = lambda queue: (0.0, 5.0), lambda messages: messages.reverse()
    queue = JobQueue(sqs, sqs, SETTINGS.jobs_queue)
    queue.send({"n": 1})
    queue.send({"n": 2})

    first = queue.receive(10, 0, 30)
    assert [message.body for message in first] == ['{"n": 2}', '{"n": 1}']
    queue.delete(first)
    clock.forward(5)

    assert len(queue.receive(10, 0, 30)) == 2


@pytest.mark.parametrize(("token_seconds", "runs"), [(720, 1), (60, 2), (0, 2)])
def test_a_client_token_is_known_for_its_lifetime(clock, token_seconds, runs):
    emr = FakeEMR(clock, token_seconds=token_seconds)
    start(emr)
    clock.forward(60)

    start(emr)

    assert len(emr.runs) == runs


def test_runs_are_listed_late_and_in_pages(clock):
    emr = FakeEMR(clock, list_lag_seconds=30, page_rows=1)
    first, second = start(emr, "job.1", "a"), start(emr, "job.2", "b")

    assert emr.list_job_runs("00app", NOON)["jobRuns"] == []
    clock.forward(30)
    page = emr.list_job_runs("00app", NOON)
    rest = emr.list_job_runs("00app", NOON, page["nextToken"])

    assert [row["id"] for row in (*page["jobRuns"], *rest["jobRuns"])] == [second, first]
    assert "nextToken" not in rest


def test_a_cancellation_may_lose_to_success(clock):
    emr = FakeEMR(clock, plans={"job.1": runs_for(20)}, cancel_seconds=30)
    run = emr.runs[start(emr)]
    clock.forward(10)
    emr.cancel_job_run("00app", run.run_id)

    assert emr.state_of(run) == "CANCELLING"
    clock.forward(10)
    assert emr.state_of(run) == "SUCCESS"
    clock.forward(100)
    assert emr.state_of(run) == "SUCCESS"


def test_a_cancellation_that_wins_stays(clock):
    emr = FakeEMR(clock, plans={"job.1": runs_for(20)}, cancel_seconds=5)
    run = emr.runs[start(emr)]
    emr.cancel_job_run("00app", run.run_id)
    clock.forward(100)

    assert emr.state_of(run) == "CANCELLED"


def test_starts_above_the_quota_are_throttled(clock):
    emr = FakeEMR(clock, start_quota=True)
    for number in range(25):
        start(emr, f"job.{number}", f"token-{number}")

    with pytest.raises(ClientError, match="ThrottlingException"):
        start(emr, "job.26", "token-26")
    clock.forward(1)
    assert start(emr, "job.26", "token-26")


def test_a_look_may_be_answered_wrongly_once(clock):
    emr = FakeEMR(clock, wrong_answers=1)
    run_id = start(emr)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        emr.get_job_run("00app", run_id)
    assert emr.get_job_run("00app", run_id)["jobRun"]["state"] == "SUBMITTED"


def test_a_state_may_be_shown_late(clock):
    emr = FakeEMR(clock, default_plan=fails("x", 10), get_lag_seconds=5)
    run_id = start(emr)
    clock.forward(12)

    assert emr.get_job_run("00app", run_id)["jobRun"]["state"] == "RUNNING"


@pytest.mark.parametrize(("delays", "delivered"), [((), 0), ((1.0,), 1), ((1.0, 1.0, 90.0), 3)])
def test_events_may_be_lost_repeated_and_delayed(clock, delays, delivered):
    emr, sqs = FakeEMR(clock), FakeSQS(clock, [SETTINGS.events_queue], SETTINGS.dead_letter_queue)
    bridge = FakeEventBridge(emr, sqs, SETTINGS.events_queue, clock, lambda run: delays)
    start(emr)

    while (at := bridge.next_at()) is not None:
        clock.now = max(clock.now, at)
        bridge.deliver()

    assert len(sqs.bodies(SETTINGS.events_queue)) == delivered
    assert clock.now == NOON + timedelta(seconds=10 + max(delays, default=0))
