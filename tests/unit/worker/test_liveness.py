"""The worker gets on: with what nobody announced, with services that say nothing, and it says so truly."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog

from shared.errors import StoreUnavailable
from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.clock import Clock
from tests.fakes.jobs import ended_job, submitted_job, tracking_job
from tests.fakes.seam import no_answer, no_connection
from tests.fakes.world import World
from worker.health import health_of
from worker.loops import HUNG_SECONDS, Loop
from worker.reachability import SETTLED, Reachability
from worker.start_gate import StartGate


@pytest.fixture
def world() -> World:
    return World()


def test_many_jobs_whose_messages_were_never_sent_start_as_fast_as_permits_come(world: World):
    """SQS was away: the timer alone finds them, and a job it cannot start now must not wait for long."""
    jobs = [submitted_job(number, due_at=world.clock()) for number in range(1, 501)]
    for job in jobs:
        world.store.create(job)

    world.run_for(400)

    started = sum(world.job(job).status is not JobStatus.SUBMITTED for job in jobs)
    allowed = world.settings.start_burst + 400 * world.settings.start_rate_per_second
    assert 0.9 * allowed <= started <= allowed + 2


def lines(logs: list, *events: str) -> list[str]:
    return [line["event"] for line in logs if line["event"] in events]


def test_while_emr_says_nothing_about_fifty_runs_that_is_logged_once_and_its_return_once(world: World):
    for number in range(1, 51):
        world.store.create(tracking_job(number=number, run_id=f"run-{number}", due_at=world.clock()))
    world.seam.fail_before("get_job_run", no_answer(), times=150)

    with structlog.testing.capture_logs() as logs:
        world.run_for(600)

    assert world.seam.calls.count("get_job_run") > 150
    assert lines(logs, "look_failed", "service_is_silent", "service_answers") == [
        "service_is_silent",
        "service_answers",
    ]


def test_while_sqs_takes_no_dead_letters_that_is_logged_once_and_its_return_once(world: World):
    for number in range(1, 21):
        due = ended_job(JobStatus.FAILED, number=number, failure_reason=FailureReason.RUN_FAILED, dlq_pending=True)
        world.store.create(replace(due, due_at=world.clock(), finished_at=world.clock()))
    world.seam.fail_before("send_message", no_connection(), times=60)

    with structlog.testing.capture_logs() as logs:
        world.run_for(1800)

    assert len(world.dead_letters()) == 20
    expected = ["service_is_silent", "service_answers"]
    assert lines(logs, "dead_letter_postponed", "service_is_silent", "service_answers") == expected


def test_an_answer_among_failures_is_no_return_and_not_worth_a_line():
    clock = Clock()
    service = Reachability("EMR Serverless", clock)

    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            service.failed("throttled")
            clock.forward(1)
            service.answered()
        clock.forward(SETTLED.total_seconds())
        service.answered()
        service.failed("throttled")

    assert lines(logs, "service_is_silent", "service_answers") == [
        "service_is_silent",
        "service_answers",
        "service_is_silent",
    ]


class Stopwatch:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Calls:
    """A loop's step: each of its pieces of work takes some seconds, and the last may get no answer."""

    name = "calls"

    def __init__(self, watch: Stopwatch, pieces: list[float], fails: bool) -> None:
        self._watch, self._pieces, self._fails = watch, pieces, fails

    def run_once(self, stopping: Callable[[], bool]) -> bool:
        for position, seconds in enumerate(self._pieces):
            if position:
                stopping()
            self._watch.seconds += seconds
        if self._fails:
            raise StoreUnavailable("no answer")
        return True


@pytest.mark.parametrize(
    ("pieces", "fails", "turns", "healthy"),
    [
        ([0.1], False, 1, True),
        ([20.0], False, 10, True),  # a long poll that found nothing
        ([1.0] * 100, False, 1, True),  # much work, each piece of it done
        ([3.0], True, 30, True),  # refused at once: the service is away, and this process is well
        ([HUNG_SECONDS], True, 7, False),  # no answer, time after time
        ([33.0], True, 1, True),
        ([33.0], True, 2, False),
        ([0.1, 61.0], True, 1, False),
    ],
)
def test_health_tells_a_worker_that_hangs_from_one_that_waits_for_a_service(pieces, fails, turns, healthy):
    watch = Stopwatch()
    loop = Loop("calls", Calls(watch, pieces, fails), lambda: 0.0, threading.Event(), watch)

    for _ in range(turns):
        loop._turn()
    watch.seconds += 5

    assert health_of([loop], StartGate(Clock(), 90), stale_seconds=60)["healthy"] is healthy


def test_a_worker_that_hung_is_well_again_after_its_next_turn():
    watch = Stopwatch()
    calls = Calls(watch, [40.0], fails=True)
    loop = Loop("calls", calls, lambda: 0.0, threading.Event(), watch)
    loop._turn()
    loop._turn()
    assert loop.age_seconds >= 60

    calls._fails = False
    loop._turn()

    assert loop.age_seconds == 0
