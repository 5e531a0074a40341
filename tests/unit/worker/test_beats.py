"""The worker's pulse: once a minute while it can read what is due, with how late it is."""

from datetime import timedelta

import pytest
import structlog

from shared.errors import StoreUnavailable
from tests.fakes.jobs import submitted_job, tracking_job
from tests.fakes.seam import no_connection
from tests.fakes.world import World
from worker.beats import Beats


@pytest.fixture
def world() -> World:
    return World()


def beats_in(logs: list) -> list[tuple[float, int]]:
    """What each beat told: how late the oldest was, and how many were due."""
    return [(line["oldest_due_seconds"], line["due_jobs"]) for line in logs if line["event"] == "worker_beat"]


def test_a_worker_with_nothing_to_do_beats_at_once_and_then_each_minute(world: World):
    with structlog.testing.capture_logs() as logs:
        world.run_for(180)

    assert beats_in(logs) == [(0.0, 0)] * 3


def test_the_next_beat_tells_how_late_the_oldest_was_that_was_due(world: World):
    for number, seconds in ((1, 300), (2, 700)):
        late = world.clock() - timedelta(seconds=seconds)
        world.store.create(tracking_job(number=number, run_id=f"run-{number}", due_at=late))

    with structlog.testing.capture_logs() as logs:
        world.run_for(125)

    assert beats_in(logs)[:2] == [(0.0, 0), (700.0, 2)]


def test_a_long_pass_beats_between_its_jobs(world: World):
    for number in range(1, 4):
        world.store.create(submitted_job(number, due_at=world.clock()))
    world.emr.watch = lambda run: world.clock.forward(61)  # each start takes a minute

    with structlog.testing.capture_logs() as logs:
        world.timer.run_once(lambda: False)

    assert [due for _, due in beats_in(logs)] == [0, 1, 1, 1]


def test_a_worker_beats_while_a_service_is_away_but_for_the_table_of_jobs(world: World):
    world.seam.fail_before("query", no_connection(), times=100)

    with structlog.testing.capture_logs() as logs:
        for _ in range(100):
            with pytest.raises(StoreUnavailable):
                world.timer.run_once(lambda: False)
            world.clock.forward(5)

    assert beats_in(logs) == []


def test_a_job_that_is_set_aside_does_not_look_like_a_fleet_that_is_too_small(world: World):
    world.store.create(tracking_job(run_id="run-1", due_at=world.clock()))
    world.seam.fail_before("get_job_run", RuntimeError("nothing that this code knows"), times=100)

    with structlog.testing.capture_logs() as logs:
        world.run_for(1200)

    assert [line["event"] for line in logs].count("job_set_aside") > 1
    assert max(oldest for oldest, _ in beats_in(logs)) < 60


@pytest.mark.parametrize(("seconds", "count"), [(59, 1), (60, 2)])
def test_a_minute_is_sixty_seconds(world: World, seconds: int, count: int):
    beats = Beats(world.clock)

    with structlog.testing.capture_logs() as logs:
        beats.tell()
        world.clock.forward(seconds)
        beats.tell()

    assert len(beats_in(logs)) == count
