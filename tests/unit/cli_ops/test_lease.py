"""Who works on the dead-letter queue."""

import pytest

from shared.errors import StoreUnavailable
from shared.moments import epoch_ms
from shared.replays.replay_lease import LEASE_KEY, LeaseHeld, LeaseLost
from tests.fakes.seam import aws_error, no_answer, no_connection
from tests.unit.cli_ops.operations import Ops


def item(ops: Ops) -> dict:
    return ops.world.dynamodb.items(ops.settings.control_table)[LEASE_KEY]


def test_the_second_is_told_who_has_it_and_until_when():
    ops = Ops()

    with ops.lease(holder="anna"), pytest.raises(LeaseHeld) as refusal, ops.lease(holder="ben"):
        pass

    assert "anna works on the dead-letter queue since 2026-11-23T12:00:00+00:00" in refusal.value.detail
    assert "ends at 2026-11-23T12:02:00+00:00" in refusal.value.detail


def test_it_is_free_as_soon_as_its_holder_is_done():
    ops = Ops()

    with ops.lease(holder="anna"):
        pass

    with ops.lease(holder="ben"):
        assert item(ops)["holder"] == "ben"


@pytest.mark.parametrize(("seconds", "is_free"), [(119, False), (120, True)])
def test_of_a_holder_that_died_it_is_free_when_it_ends(seconds, is_free):
    ops = Ops()
    ops.lease(120, "anna").__enter__()
    ops.clock.forward(seconds)

    if is_free:
        with ops.lease(holder="ben"):
            assert item(ops)["holder"] == "ben"
    else:
        with pytest.raises(LeaseHeld), ops.lease(holder="ben"):
            pass


@pytest.mark.parametrize(("seconds", "end"), [(39, 120), (40, 160)])
def test_it_is_renewed_once_a_third_of_it_has_passed(seconds, end):
    ops = Ops()
    start = epoch_ms(ops.clock())

    with ops.lease(120) as lease:
        ops.clock.forward(seconds)
        lease.renew()

        assert item(ops)["until"] == start + end * 1000
        assert item(ops)["expiresAt"] == item(ops)["until"] // 1000


def test_who_slept_past_its_end_loses_it_to_the_next_and_takes_nothing_back():
    ops = Ops()

    with ops.lease(120, "anna") as lease:
        ops.clock.forward(121)
        ops.lease(120, "ben").__enter__()
        with pytest.raises(LeaseLost, match="ben works on"):
            lease.renew()

    assert item(ops)["holder"] == "ben"


def test_a_lease_that_was_deleted_is_lost():
    ops = Ops()

    with ops.lease(120) as lease:
        ops.world.dynamodb.items(ops.settings.control_table).clear()
        ops.clock.forward(60)
        with pytest.raises(LeaseLost, match="deleted"):
            lease.renew()


def test_of_two_that_ask_at_the_same_moment_one_gets_it():
    ops = Ops()
    seen = []

    def other_comes_first(operation, arguments):
        if operation == "put_item" and not seen:
            seen.append(operation)
            ops.lease(120, "ben").__enter__()

    ops.seam.before = other_comes_first

    with pytest.raises(LeaseHeld, match="ben works on"), ops.lease(120, "anna"):
        pass


def test_a_lease_that_another_takes_and_ends_at_the_same_moment_is_refused_without_a_name():
    ops = Ops()

    def other_comes_and_goes(operation, arguments):
        table = ops.world.dynamodb.items(ops.settings.control_table)
        if operation == "put_item":
            table[LEASE_KEY] = {"key": LEASE_KEY}
        if operation == "get_item":
            table.clear()

    ops.seam.before = other_comes_and_goes

    with pytest.raises(LeaseHeld, match="at this moment"), ops.lease(120, "anna"):
        pass


def test_its_own_write_whose_answer_was_lost_and_that_was_sent_again_is_no_refusal():
    ops = Ops()
    sent = []

    def send_twice(operation, arguments):
        if operation == "put_item" and not sent:
            sent.append(operation)
            ops.world.dynamodb.put_item(**arguments)

    ops.seam.before = send_twice

    with ops.lease(holder="anna"):
        assert item(ops)["holder"] == "anna"


def test_without_dynamodb_there_is_no_lease():
    ops = Ops()
    ops.seam.fail_before("get_item", no_connection())

    with pytest.raises(StoreUnavailable), ops.lease():
        pass


def test_without_dynamodb_at_the_end_the_lease_ends_by_itself():
    ops = Ops()

    with ops.lease(120, "anna"):
        ops.seam.fail_before("put_item", no_answer())

    assert item(ops)["until"] == epoch_ms(ops.clock()) + 120_000


def test_another_refusal_of_dynamodb_is_not_taken_for_a_lost_race():
    ops = Ops()
    ops.seam.fail_before("put_item", aws_error("PutItem", "ProvisionedThroughputExceededException"))

    with pytest.raises(StoreUnavailable), ops.lease():
        pass
