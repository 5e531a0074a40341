"""Conditional writes while other transactions have the item in hand, which DynamoDB refuses at once."""

import pytest

from shared.dynamodb import CONFLICT_TRIES, Verdict, put_if, write_all, write_one
from shared.errors import StoreRefused, StoreUnavailable
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.seam import aws_error

CONFLICT = aws_error("UpdateItem", "TransactionConflictException")
KEY = {"key": {"S": "K"}}
PUT = {
    "TableName": "control",
    "Item": {**KEY, "n": {"N": "1"}},
    "ConditionExpression": "attribute_not_exists(n)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


class Busy:
    """DynamoDB, which answers the first calls with an error."""

    def __init__(self, error: Exception, times: int) -> None:
        self.dynamodb, self.error, self.left = FakeDynamoDB(), error, times
        self.pauses: list[int] = []

    def __getattr__(self, operation: str):
        def call(**arguments):
            if self.left:
                self.left -= 1
                raise self.error
            return getattr(self.dynamodb, operation)(**arguments)

        return call


def cancelled(*codes: str) -> Exception:
    reasons = [{"Code": code} for code in codes]
    return aws_error("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)


def one(busy: Busy) -> object:
    return write_one(busy.put_item, PUT, busy.pauses.append)


def all_of(busy: Busy) -> object:
    return write_all(busy, [{"Put": PUT}], busy.pauses.append)  # type: ignore[arg-type]


IN_THE_WAY = [(one, CONFLICT), (all_of, cancelled("None", "TransactionConflict"))]


@pytest.mark.parametrize(("write", "error"), IN_THE_WAY)
def test_a_write_waits_longer_and_longer_while_others_have_the_item_in_hand(write, error):
    busy = Busy(error, 3)

    write(busy)

    assert busy.pauses == [1, 2, 3]
    assert busy.dynamodb.items("control")["K"]["n"] == 1


@pytest.mark.parametrize(("write", "error"), IN_THE_WAY)
def test_a_write_that_others_are_always_in_the_way_of_is_given_up(write, error):
    busy = Busy(error, CONFLICT_TRIES)

    with pytest.raises(StoreUnavailable):
        write(busy)

    assert len(busy.pauses) == CONFLICT_TRIES - 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (cancelled("ThrottlingError"), StoreUnavailable),
        (cancelled("ValidationError"), StoreUnavailable),
        (aws_error("TransactWriteItems", "ValidationException"), StoreRefused),
        (aws_error("TransactWriteItems", "ProvisionedThroughputExceededException"), StoreUnavailable),
    ],
)
def test_what_no_waiting_of_ours_mends_is_told_at_once(error, told):
    busy = Busy(error, 1)

    with pytest.raises(told):
        all_of(busy)

    assert busy.pauses == []


def test_a_condition_that_fails_beside_a_conflict_is_the_answer():
    busy = Busy(cancelled("ConditionalCheckFailed", "TransactionConflict"), 1)

    assert all_of(busy) == (Verdict(True, None), Verdict(False, None))


def test_ones_own_put_that_was_sent_twice_is_no_refusal_and_anothers_is_one():
    dynamodb = FakeDynamoDB()

    assert put_if(dynamodb, PUT)  # type: ignore[arg-type]
    assert put_if(dynamodb, PUT)  # type: ignore[arg-type]
    assert not put_if(dynamodb, {**PUT, "Item": {**KEY, "n": {"N": "2"}}})  # type: ignore[arg-type]
