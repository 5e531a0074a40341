"""The worker's threads: they back off, recover, stop, and tell whether they turn."""

import json
import threading
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
import structlog

from shared.errors import StoreUnavailable
from tests.fakes.clock import NOON, Clock
from worker.health import health_of, start_health_server
from worker.loops import SETTLED_SECONDS, Loop, run_until_stopped
from worker.start_gate import StartGate

DEADLINE_SECONDS = 10


class Step:
    """A loop's step that does what its script says, and tells when it did."""

    name = "step"

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.turns = threading.Semaphore(0)

    def run_once(self, stopping) -> bool:
        self.turns.release()
        if self.script:
            outcome = self.script.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return bool(outcome)
        return False

    def wait_for_turns(self, count: int) -> None:
        for _ in range(count):
            assert self.turns.acquire(timeout=DEADLINE_SECONDS)


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


def make_loop(step: Step, stop: threading.Event, pause_seconds: float = 0.001) -> Loop:
    return Loop("step", step, lambda: pause_seconds, stop)


def test_a_loop_turns_until_it_is_stopped(stop):
    step = Step()
    loop = make_loop(step, stop)
    loop.thread.start()
    step.wait_for_turns(3)

    stop.set()
    loop.thread.join(DEADLINE_SECONDS)

    assert not loop.thread.is_alive()


def test_a_service_that_is_down_is_logged_once_and_its_return_once(stop):
    loop = make_loop(Step(*[StoreUnavailable("no answer")] * 5, True, StoreUnavailable("no answer"), True), stop)

    with structlog.testing.capture_logs() as logs:
        pauses = [loop._turn() for _ in range(7)]
        loop._failed_at -= SETTLED_SECONDS
        loop._turn()

    assert [line["event"] for line in logs] == ["loop_pauses", "loop_recovered"]
    assert all(1 <= pause <= 30 for pause in pauses[:5])
    assert pauses[4] > pauses[0]
    assert pauses[5] == 0.0
    assert pauses[6] <= 2.0


def test_an_unexpected_error_does_not_end_the_loop(stop):
    loop = make_loop(Step(RuntimeError("a defect"), True), stop)

    with structlog.testing.capture_logs() as logs:
        assert loop._turn() > 0
        assert loop._turn() == 0.0

    assert logs[0]["event"] == "loop_failed"


def test_draining_waits_for_the_step_in_hand_but_not_for_ever(stop):
    hanging, release = Step(), threading.Event()

    def stop_and_hang(stopping):
        stop.set()
        return release.wait(DEADLINE_SECONDS)

    hanging.run_once = stop_and_hang
    loop = make_loop(hanging, stop)

    assert run_until_stopped([loop], stop, drain_seconds=0.1) is False
    release.set()
    loop.thread.join(DEADLINE_SECONDS)


def test_a_worker_that_drains_in_time_says_so(stop):
    step = Step()
    threading.Thread(target=lambda: (step.wait_for_turns(2), stop.set())).start()

    assert run_until_stopped([make_loop(step, stop)], stop, DEADLINE_SECONDS) is True


def fetch(port: int, path: str = "/healthz") -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE_SECONDS) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, json.loads(body) if body.startswith(b"{") else {}


@pytest.mark.parametrize(("age_seconds", "status"), [(0, 200), (59, 200), (61, 503)])
def test_health_is_the_age_of_the_last_finished_turn(stop, age_seconds, status):
    loop, gate = make_loop(Step(), stop), StartGate(Clock(), 90)
    loop._turned_at -= age_seconds
    server = start_health_server(0, [loop], gate, stale_seconds=60)

    try:
        assert fetch(server.server_port)[0] == status
        assert fetch(server.server_port, "/elsewhere")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def test_the_same_facts_are_metrics(stop):
    loop, gate = make_loop(Step(), stop), StartGate(Clock(), 90)
    loop._turned_at -= 61
    gate.skew = timedelta(seconds=4)
    server = start_health_server(0, [loop], gate, stale_seconds=60)

    try:
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        with urllib.request.urlopen(url, timeout=DEADLINE_SECONDS) as answer:
            lines = answer.read().decode().splitlines()
    finally:
        server.shutdown()
        server.server_close()

    ages = [float(line.split()[1]) for line in lines if line.startswith('cdp_worker_loop_age_seconds{loop="step"}')]
    assert len(ages) == 1
    assert 61 <= ages[0] < 61 + DEADLINE_SECONDS
    assert "cdp_worker_clock_skew_seconds 4.0" in lines


@pytest.mark.parametrize(("skew_seconds", "right"), [(0, True), (9, True), (11, False), (-11, False)])
def test_a_clock_that_is_wrong_is_unhealthy_and_starts_nothing(stop, skew_seconds, right):
    clock = Clock(NOON)
    gate = StartGate(clock, 90)
    clock.forward(skew_seconds)

    gate._note_date({"ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 23 Nov 2026 12:00:00 GMT"}}})

    assert gate.is_open() is right
    assert health_of([], gate, stale_seconds=60)["healthy"] is right
    assert gate.skew == timedelta(seconds=skew_seconds)


def test_an_answer_without_a_date_says_nothing_of_the_clock():
    gate = StartGate(Clock(), 90)

    gate._note_date({})

    assert gate.is_open()
