"""Healthy is who gets on: a worker that hangs says so, and is well again after; poison stops nobody."""

import json
import random
import signal
from collections.abc import Iterator

import pytest

from local.marked import wait_until
from tests.acceptance.chaos.trial import PATIENCE_SECONDS, Trial, start_trial
from worker.envelopes import BODY_CHARACTERS

STALE_SECONDS = 8
DRAIN_SECONDS = 40
MANY = 60
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def alone() -> Iterator[Trial]:
    """One worker with long waits: what comes soon was not waited for."""
    variables = {"STALE_SECONDS": str(STALE_SECONDS), "VISIBILITY_SECONDS": "300", "LONG_POLL_SECONDS": "5"}
    with start_trial(1, DRAIN_SECONDS=str(DRAIN_SECONDS), **variables) as trial:
        yield trial


def stale_loops(trial: Trial) -> set[str]:
    """The loops that show no progress."""
    facts = trial.health("worker-1")[1]
    return {name for name, age in facts["loopAgeSeconds"].items() if age > STALE_SECONDS}


@pytest.mark.parametrize(("service", "hanging"), [("sqs", "events-0"), ("dynamodb", "timer")])
def test_a_worker_whose_calls_hang_is_unhealthy_until_they_are_answered(alone: Trial, service: str, hanging: str):
    assert wait_until(lambda: alone.is_healthy("worker-1"), PATIENCE_SECONDS)

    alone.proxies[service].hang()
    assert wait_until(lambda: hanging in stale_loops(alone), PATIENCE_SECONDS)
    assert not alone.is_healthy("worker-1")
    alone.proxies[service].forward()

    assert wait_until(lambda: alone.is_healthy("worker-1"), PATIENCE_SECONDS)
    job_id = alone.submit(f"after-{service}-hung", seconds=0.2)
    assert alone.wait_for_end([job_id])[job_id]["status"] == "SUCCEEDED"


def test_a_worker_that_is_refused_is_well_and_waits(alone: Trial):
    alone.proxies["dynamodb"].refuse()
    was_unhealthy = wait_until(lambda: not alone.is_healthy("worker-1"), 1.5 * STALE_SECONDS, 0.5)
    alone.proxies["dynamodb"].forward()

    assert not was_unhealthy


def test_a_worker_that_is_asked_to_end_finishes_its_step_and_takes_nothing_more(alone: Trial):
    """One thread is in the middle of a start, another waits for a message that comes too late."""
    assert wait_until(lambda: alone.is_healthy("worker-1"), PATIENCE_SECONDS)
    alone.proxies["emr"].hang()
    begun = alone.submit("begun", seconds=1)
    assert wait_until(lambda: item_of(alone, begun).get("attempt") == 1, PATIENCE_SECONDS)

    alone.child("worker-1").begin_stop()
    late = [alone.submit(f"late-{number}", seconds=1) for number in range(3)]
    # The receive under way may still get one message; it gives it back at once, not after its 300 s.
    assert wait_until(lambda: alone.waiting_messages("JOBS_QUEUE") == len(late), 15)
    alone.proxies["emr"].forward()

    assert wait_until(lambda: alone.child("worker-1").exit_code is not None, DRAIN_SECONDS)
    assert alone.child("worker-1").exit_code == 0
    last_words = alone.log_lines("worker-1")[-1]
    assert (last_words["event"], last_words["drained"]) == ("worker_stopped", True)
    assert "runId" in item_of(alone, begun)
    assert [item_of(alone, job_id)["status"] for job_id in late] == ["SUBMITTED"] * 3
    assert alone.waiting_messages("JOBS_QUEUE") == len(late)
    alone.cloud.restart("worker-1")
    assert {item["status"] for item in alone.wait_for_end([begun, *late]).values()} == {"SUCCEEDED"}


def test_a_worker_ends_in_time_although_its_receive_hangs(alone: Trial):
    assert wait_until(lambda: alone.is_healthy("worker-1"), PATIENCE_SECONDS)
    alone.proxies["sqs"].hang()

    alone.signal("worker-1", signal.SIGTERM)

    assert wait_until(lambda: alone.child("worker-1").exit_code is not None, DRAIN_SECONDS + 5)
    alone.proxies["sqs"].forward()
    assert alone.child("worker-1").exit_code == 0
    alone.cloud.restart("worker-1")


def item_of(trial: Trial, job_id: str) -> dict:
    (item,) = [item for item in trial.items() if item["jobId"] == job_id]
    return item


def test_poison_however_much_never_stops_the_good_jobs_behind_it(trial: Trial):
    """Far more of it than consumers: unreadable messages, unknown jobs, and items that somebody spoilt."""
    source = random.Random(1)
    noise = ["{", "[]", '{"kind": "job"}', "\x7f" * 1000, json.dumps({"schemaVersion": 1, "kind": "jab"})]
    unreadable = [*(source.choice(noise) for _ in range(MANY - 1)), "z" * MEBIBYTE]
    unknown = [f"00000000-0000-7000-8000-{number:012d}" for number in range(MANY)]
    spoilt = [trial.submit(f"spoilt-{number}", seconds=600) for number in range(20)]
    table = trial.direct["JOBS_TABLE"]
    for job_id in spoilt:
        trial.aws("dynamodb").update_item(
            TableName=table,
            Key={"jobId": {"S": job_id}},
            UpdateExpression="SET #history = :nonsense, dueAt = :now",
            ExpressionAttributeNames={"#history": "history"},
            ExpressionAttributeValues={":nonsense": {"S": "nonsense"}, ":now": {"N": "1"}},
        )
    for body in unreadable:
        trial.send("JOBS_QUEUE", body)
        trial.send("EVENTS_QUEUE", body)
    for job_id in unknown:
        trial.send("JOBS_QUEUE", json.dumps({"schemaVersion": 1, "kind": "job", "jobId": job_id}))
    newer = json.dumps({"schemaVersion": 3, "kind": "job", "jobId": unknown[0]})
    trial.send("JOBS_QUEUE", newer)

    good = [trial.submit(f"good-{number}", seconds=0.2) for number in range(10)]

    assert {item["status"] for item in trial.wait_for_end(good, 30).values()} == {"SUCCEEDED"}
    letters = [letter for letter in trial.dead_letters() if letter.get("envelope") == "unprocessable"]
    assert len({letter["id"] for letter in letters}) == 2 * MANY
    assert all(letter["error"] and letter["queue"] for letter in letters)
    assert {letter["body"] for letter in letters} == {body[:BODY_CHARACTERS] for body in unreadable}
    said = [line for worker in trial.workers for line in trial.log_lines(worker) if line["event"] == "job_set_aside"]
    assert {line["job_id"] for line in said} == set(spoilt)
    assert all(trial.is_healthy(worker) for worker in trial.workers)
