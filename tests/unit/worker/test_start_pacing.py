"""Start permits for the whole fleet: never more than the bucket holds, and none invented."""

import random
from datetime import timedelta

import pytest

from shared.control_store import Bucket, refilled
from shared.errors import StoreUnavailable
from tests.fakes.clock import NOON
from tests.fakes.jobs import submitted_job
from tests.fakes.seam import no_answer, no_connection
from tests.fakes.world import World, never


@pytest.mark.parametrize(
    ("milli_tokens", "at_ms", "now_ms", "expected"),
    [
        (0, 0, 1000, 500),
        (0, 1000, 1000, 0),
        (0, 2000, 1000, 0),  # a clock that runs behind adds nothing
        (9_900, 0, 1000, 10_000),
        (10_000, 0, 10**9, 10_000),
        (999, 0, 2, 1000),
    ],
)
def test_a_bucket_fills_with_time_up_to_its_burst(milli_tokens, at_ms, now_ms, expected):
    assert refilled(Bucket(milli_tokens, at_ms, "rev"), now_ms, rate_per_second=0.5, burst=10) == expected


def test_a_fleet_never_starts_more_than_burst_and_rate_allow():
    world, rng = World(), random.Random(20261123)
    granted, seconds = 0, 200

    for _ in range(seconds * 20):
        world.clock.forward(0.05)
        skew = timedelta(seconds=rng.uniform(-2, 2))
        granted += world.control.take_start_permit(world.clock() + skew)

    allowed = world.settings.start_burst + world.settings.start_rate_per_second * (seconds + 2)
    assert 0.9 * allowed < granted <= allowed


def test_after_a_throttle_nobody_starts_for_ten_seconds():
    world = World()

    world.control.empty_start_bucket(world.clock())

    assert not world.control.take_start_permit(NOON + timedelta(seconds=11))
    assert world.control.take_start_permit(NOON + timedelta(seconds=11.2))


def test_a_lost_race_for_a_permit_is_run_again():
    world = World()
    world.control.take_start_permit(NOON)
    read = world.dynamodb.get_item
    others = iter([True, True])

    def read_and_be_overtaken(**arguments):
        answer = read(**arguments)
        if next(others, False):
            world.dynamodb.items(world.settings.control_table)["BUCKET#start"]["rev"] = "another"
        return answer

    world.dynamodb.get_item = read_and_be_overtaken

    assert world.control.take_start_permit(NOON)


def test_a_permit_that_is_always_taken_by_others_is_given_up():
    world = World()
    world.control.take_start_permit(NOON)
    world.dynamodb.put_item = lambda **arguments: world.dynamodb._check(
        "t", "k", "rev = :r", {"ExpressionAttributeValues": {":r": {"S": "x"}}}
    )

    assert not world.control.take_start_permit(NOON)
    world.control.empty_start_bucket(NOON)


@pytest.mark.parametrize("error", [no_answer(), no_connection()])
def test_an_unsure_take_is_no_permit(error):
    world = World()
    world.seam.fail_after("put_item", error)

    with pytest.raises(StoreUnavailable):
        world.control.take_start_permit(NOON)


def test_a_callback_message_is_remembered_once():
    world = World()

    assert world.control.remember_message("m-1", NOON, timedelta(minutes=10))
    assert not world.control.remember_message("m-1", NOON, timedelta(minutes=10))


def test_a_permit_in_the_timers_hand_does_not_pass_a_gate_that_was_shut_since():
    world = World()
    job = submitted_job()
    world.store.create(job)
    world.timer._permit.take()
    world.clock.forward(130)
    for _ in range(3):
        world.gate.unsure()

    world.timer.run_once(never)

    assert world.emr.names == []
