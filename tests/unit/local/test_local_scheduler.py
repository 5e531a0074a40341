"""How runs move, on a clock that the test turns, with processes that exist in the test only."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.emr.events import EventOutbox
from local.emr.faults import FaultBox, Faults
from local.emr.runs import Application, Run, RunState
from local.emr.scheduler import Scheduler
from local.emr.sizes import workers_of
from local.emr.spark_runs import Exit
from local.emr.store import Store
from local.settings import LocalSettings


class FakeSparkRuns:
    """Processes that live until the test says how they ended."""

    def __init__(self) -> None:
        self.launched: list[str] = []
        self.alive: set[str] = set()
        self.exits: dict[str, Exit] = {}
        self.asked_to_stop: list[str] = []

    def launch(self, run: Run) -> None:
        self.launched.append(run.run_id)
        self.alive.add(run.run_id)

    def is_alive(self, run_id: str) -> bool:
        return run_id in self.alive

    def exit_of(self, run_id: str) -> Exit | None:
        return self.exits.get(run_id)

    def stop(self, run_id: str) -> None:
        self.asked_to_stop.append(run_id)

    def clear(self, run_id: str) -> None:
        pass

    def end(self, run_id: str) -> None:
        self.alive.discard(run_id)

    def ends(self, run_id: str, exit_record: Exit | None) -> None:
        self.alive.discard(run_id)
        if exit_record is not None:
            self.exits[run_id] = exit_record


class NoManifests:
    def write(self, run: Run) -> bool:
        return True


class World:
    """A scheduler with everything around it."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.now_ms = 1_000_000
        self.store = Store(path / "emr.sqlite")
        self.spark = FakeSparkRuns()
        self.settings = replace(LocalSettings(state_seconds=0, minute_seconds=60), **settings)
        self.restart()

    def restart(self) -> None:
        """Another life of the service over the same store."""
        faults = FaultBox(Faults())
        outbox = EventOutbox(self.store, faults, "us-east-1", lambda: None)
        self.scheduler = Scheduler(
            self.store,
            self.spark,  # type: ignore[arg-type]
            NoManifests(),  # type: ignore[arg-type]
            outbox,
            faults,
            self.settings,
            lambda: self.now_ms,
        )

    def application(self, application_id: str = "00app", **request: Any) -> None:
        asked = {"releaseLabel": "emr-7.14.0", **request}
        self.store.add_application(Application(application_id, application_id, asked, "STARTED", 0, 0))

    def run(self, run_id: str, seconds: float | None = 60.0, vcpu: int = 1, **changes: Any) -> None:
        """A new run; without `seconds` it is a real one."""
        self.now_ms += 1
        given = {"request": {}, "application_id": "00app", **changes}
        self.store.add_run(
            Run(
                run_id=run_id,
                client_token=str(uuid.uuid4()),
                state=RunState.SUBMITTED,
                state_details="",
                created_ms=self.now_ms,
                updated_ms=self.now_ms,
                release_label="emr-7.14.0",
                vcpu=vcpu,
                next_ms=self.now_ms,
                fate_seconds=seconds,
                **given,
            )
        )

    def turn(self, times: int = 4) -> None:
        for _ in range(times):
            self.scheduler.turn()

    def states(self) -> dict[str, str]:
        return {run.run_id: run.state.value for run in self.store.all_runs()}

    def events(self) -> int:
        return len(self.store.due_events(self.now_ms, 100))


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.application(schedulerConfiguration={"maxConcurrentRuns": 1, "queueTimeoutMinutes": 5})
    return made


def test_a_new_run_does_not_overtake_the_queue(world: World) -> None:
    world.run("first")
    world.turn()
    world.run("second")
    world.turn()

    world.store.change_run(world.store.all_runs()[0], state=RunState.SUCCESS, next_ms=None)
    world.run("third")
    world.turn()

    assert world.states() == {"first": "SUCCESS", "second": "RUNNING", "third": "QUEUED"}


def test_a_run_leaves_the_queue_for_good_only_when_its_time_there_is_over(world: World) -> None:
    world.run("first", seconds=3600)
    world.run("second")
    world.turn()

    world.now_ms += 5 * 60_000 - 10
    world.turn()
    before = world.states()["second"]
    world.now_ms += 20
    world.turn()

    assert (before, world.states()["second"]) == ("QUEUED", "CANCELLED")
    assert world.events() == 1


@pytest.mark.parametrize(("seconds", "state"), [(59, "SUCCESS"), (60, "SUCCESS"), (61, "CANCELLED")])
def test_a_run_may_take_as_long_as_its_timeout_and_no_longer(world: World, seconds: int, state: str) -> None:
    world.run("run", seconds=seconds, request={"executionTimeoutMinutes": 1})
    world.turn()

    world.now_ms += 62_000
    world.turn()

    assert world.states() == {"run": state}


def test_runs_get_workers_up_to_the_accounts_vcpus_and_the_next_fails(world: World) -> None:
    world.application("00wide")
    for name, vcpu in (("twelve", 12), ("four", 4), ("one", 1)):
        world.run(name, vcpu=vcpu, application_id="00wide")
    world.turn()

    assert world.states() == {"twelve": "RUNNING", "four": "RUNNING", "one": "FAILED"}


def test_real_runs_wait_for_a_place_on_this_machine_without_holding_vcpus(tmp_path: Path) -> None:
    world = World(tmp_path, max_concurrent_spark=1)
    world.application()
    for name in ("first", "second"):
        world.run(name, seconds=None, vcpu=16)
    world.turn()
    waiting = world.states()

    world.spark.ends("first", Exit(0, False, ""))
    world.now_ms += 1000
    world.turn()

    assert waiting == {"first": "RUNNING", "second": "PENDING"}
    assert world.states() == {"first": "SUCCESS", "second": "RUNNING"}


@pytest.mark.parametrize(
    ("exit_record", "state", "details"),
    [
        (Exit(0, False, ""), "SUCCESS", ""),
        (Exit(1, False, "ValueError: no"), "FAILED", "ValueError: no"),
        (Exit(-15, True, ""), "CANCELLED", ""),
        (None, "FAILED", "Job run lost its driver"),
    ],
)
def test_a_real_run_ends_as_its_process_did_also_when_the_service_was_away(
    world: World, exit_record: Exit | None, state: str, details: str
) -> None:
    world.run("run", seconds=None)
    world.turn()
    world.spark.ends("run", exit_record)

    world.restart()
    world.turn()

    (run,) = world.store.all_runs()
    assert run.state == state
    assert details in run.state_details
    assert world.spark.launched == ["run"]
    assert world.events() == 1


def test_a_cancel_can_lose_to_a_success(world: World) -> None:
    world.run("run", seconds=None)
    world.turn()
    world.spark.ends("run", Exit(0, False, ""))

    world.scheduler.cancel(world.store.all_runs()[0])
    world.turn()

    assert world.spark.asked_to_stop == ["run"]
    assert world.states() == {"run": "SUCCESS"}


def test_a_service_killed_between_writing_and_launching_launches_nothing_later(world: World) -> None:
    def dies(run: Run) -> None:
        raise KeyboardInterrupt

    world.run("run", seconds=None)
    world.spark.launch = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.turn()
    del world.spark.launch  # type: ignore[method-assign]

    world.restart()
    world.turn()

    assert world.spark.launched == []
    assert world.states() == {"run": "FAILED"}


def told(world: World) -> list[tuple[str, bool, float]]:
    """What the events of runs at work tell: of which run, whether that is all, and the vCPU-hours billed."""
    events = [json.loads(event.body) for event in world.store.due_events(world.now_ms, 100)]
    return [
        (
            event["detail"]["jobRunId"],
            event["detail"]["resourceUtilizationFinal"],
            event["detail"]["totalBilledResourceUtilization"]["vCPUHour"],
        )
        for event in events
        if event["detail-type"] == "EMR Serverless Job Resource Utilization Update"
    ]


def test_a_run_at_work_tells_every_half_hour_what_it_is_billed_so_far(world: World) -> None:
    world.run("first", seconds=7200, request={"executionTimeoutMinutes": 300})
    world.turn()
    (vcpu,) = {workers_of(run.request).vcpu for run in world.store.all_runs()}

    world.now_ms += 1_799_000
    world.turn()
    before = told(world)
    for _ in range(3):
        world.now_ms += 1_801_000
        world.turn()

    hours = [round(vcpu * seconds / 3600, 3) for seconds in (3600, 5401, 7202)]
    assert before == []
    assert told(world) == [("first", False, billed) for billed in hours[:2]]
    assert world.states() == {"first": "SUCCESS"}


def test_after_a_restart_the_last_figure_of_a_run_is_told_once_more(world: World) -> None:
    world.run("first", seconds=7200)
    world.turn()
    world.now_ms += 1_800_000
    world.turn()

    world.restart()
    world.turn()

    assert len(told(world)) == 2
