"""200 jobs on four workers while a killer is about: nothing acknowledged is lost, and nothing runs twice."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from local.marked import wait_until
from tests.acceptance.chaos.checks import CHECKS, Aftermath
from tests.acceptance.chaos.conftest import say
from tests.acceptance.chaos.killer import Killer, plan_disturbances
from tests.acceptance.chaos.trial import Trial, start_trial

JOBS, WORKERS, CLIENTS = 200, 4, 8
KILLING_SECONDS, SUBMITTING_SECONDS = 30.0, 22.0
# The longest stop and the last back-off of a loop, and then the jobs' own time.
SETTLING_SECONDS = 60.0
# A pass of four timers over 16 shards is what costs most here.
VARIABLES = {"TIMER_SECONDS": "1", "LOG_LEVEL": "INFO"}
TRANSIENT = "ExecutorLostFailure: the simulated executor went away"
HOPELESS = "no words that anybody knows"


@dataclass(frozen=True)
class Wish:
    """A job to be submitted at a moment, what it is told to do, and how it must end."""

    at_seconds: float
    parameters: dict[str, Any]
    ends: tuple[str, int, str | None]  # status, attempt and, of a failure, its reason
    cancelled_after_seconds: float | None = None


def wishes(seed: int) -> list[Wish]:
    """What 200 clients want: most succeed, some at the second attempt, some never can, some are not wanted any more."""
    source = random.Random(seed)

    def wish() -> Wish:
        at, seconds = source.uniform(0, SUBMITTING_SECONDS), round(source.uniform(0.2, 5), 2)
        kind = source.random()
        if kind < 0.6:
            return Wish(at, {"seconds": seconds}, ("SUCCEEDED", 1, None))
        if kind < 0.75:
            flaky = {"seconds": seconds, "fail": TRANSIENT, "failAttempts": 1}
            return Wish(at, flaky, ("SUCCEEDED", 2, None))
        if kind < 0.9:
            return Wish(at, {"seconds": seconds, "fail": HOPELESS}, ("FAILED", 1, "RUN_FAILED"))
        return Wish(at, {"seconds": 600}, ("FAILED", 1, "CANCELLED"), source.uniform(0, 8))

    return [wish() for _ in range(JOBS)]


def fulfil(trial: Trial, seed: int, wanted: Sequence[Wish]) -> dict[str, Wish]:
    """Submit, and cancel, as clients do who insist; the acknowledged jobs' wishes by id."""
    started, nobody_stops = time.monotonic(), threading.Event()

    def submit(number: int) -> str:
        wish = wanted[number]
        nobody_stops.wait(max(0.0, started + wish.at_seconds - time.monotonic()))
        job_id = trial.submit(f"killer-{seed}-{number}", **wish.parameters)
        if wish.cancelled_after_seconds is not None:
            nobody_stops.wait(wish.cancelled_after_seconds)
            # Not in the middle of a start whose outcome nobody knows: such a cancellation waits for the fence, 7 min.
            assert wait_until(
                lambda: trial.insist(lambda: trial.api.get(job_id))["runId"] is not None, SETTLING_SECONDS
            )
            assert trial.cancel(job_id)
        return job_id

    order = sorted(range(len(wanted)), key=lambda number: wanted[number].at_seconds)
    with ThreadPoolExecutor(CLIENTS) as clients:
        return {job_id: wanted[number] for number, job_id in zip(order, clients.map(submit, order), strict=True)}


@pytest.fixture(scope="module")
def crowd():
    with start_trial(WORKERS, **VARIABLES) as trial:
        yield trial


def test_with_a_killer_about_every_acknowledged_job_ends_once_and_as_it_must(crowd: Trial, chaos_seed: int, capsys):
    killer = Killer(crowd, plan_disturbances(chaos_seed, KILLING_SECONDS, crowd.workers))
    killer.start()
    wished = fulfil(crowd, chaos_seed, wishes(chaos_seed))
    killer.finish()

    items = crowd.wait_for_end(list(wished), SETTLING_SECONDS)

    queues = {setting: crowd.left_messages(setting) for setting in ("JOBS_QUEUE", "EVENTS_QUEUE")}
    all_items = {item["jobId"]: item for item in crowd.items()}
    left = Aftermath(list(wished), all_items, crowd.runs(), crowd.dead_letters(), queues, crowd.counts())
    for check in CHECKS:
        check(left)
    assert {job_id: ended_as(item) for job_id, item in items.items() if not is_as_wished(item, wished[job_id])} == {}
    counts = Counter(item["status"] for item in items.values())
    say(capsys, f"seed {chaos_seed}: {len(wished)} jobs, {dict(counts)}, {len(left.runs)} runs; {killer.summary()}")


def ended_as(item: dict[str, Any]) -> tuple[str, int, str | None]:
    """How a job ended."""
    return item["status"], item["attempt"], item.get("failureReason")


def is_as_wished(item: dict[str, Any], wish: Wish) -> bool:
    """Whether a job ended as it must; one that was cancelled may have been stopped before its first attempt."""
    status, attempt, reason = ended_as(item)
    if wish.cancelled_after_seconds is not None:
        return (status, reason) == wish.ends[::2] and attempt <= 1
    return (status, attempt, reason) == wish.ends
