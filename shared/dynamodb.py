"""What every table has in common: DynamoDB's wire form, its errors, and conditional writes of one item and of many."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreRefused, StoreUnavailable
from shared.models import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION_FAILED = "ConditionalCheckFailedException"
# Another transaction has the item in hand; DynamoDB refuses at once instead of waiting, and the SDK does not try again.
CONFLICT = "TransactionConflictException"
TRANSACTION_REFUSED = "TransactionCanceledException"
CONFLICT_TRIES = 12
CONFLICT_PAUSE_SECONDS = (0.01, 0.4)
# BatchGetItem's own limit.
BATCH_GET_KEYS = 100
BATCH_GET_ROUNDS = 5

_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


@dataclass(frozen=True)
class Verdict:
    """What one write of a refused transaction met: whether its own condition failed, and which item was there."""

    is_refused: bool
    item: Item | None


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate DynamoDB's errors; refused conditions are handled before."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            raise StoreRefused(f"DynamoDB refuses the request: {error}") from error
        raise StoreUnavailable(f"DynamoDB did not answer: {error}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"DynamoDB did not answer: {error}") from error


def to_dynamodb(item: Item) -> dict[str, Any]:
    """An item in DynamoDB's wire form."""
    return {name: _serializer.serialize(value) for name, value in item.items()}


def from_dynamodb(item: dict[str, Any]) -> Item:
    """An item from DynamoDB's wire form; all our numbers are whole."""
    return {name: _whole(_deserializer.deserialize(value)) for name, value in item.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _whole(entry) for name, entry in value.items()}
    return value


def wait_a_little(tries: int) -> None:
    """Sleep after the n-th lost race: a random time below a bound that doubles."""
    shortest, longest = CONFLICT_PAUSE_SECONDS
    time.sleep(random.uniform(0, min(longest, shortest * 2**tries)))


def write_one(call: Callable[..., Any], request: Item, pause: Callable[[int], None] = wait_a_little) -> Verdict | None:
    """Make a conditional PutItem or UpdateItem that asks for ALL_OLD; None if it was made, else the item in the way.

    Raises: StoreUnavailable, StoreRefused.
    """
    for tries in range(1, CONFLICT_TRIES + 1):
        with store_errors():
            try:
                call(**request)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == CONDITION_FAILED:
                    return Verdict(True, _found(error.response))
                if code != CONFLICT or tries == CONFLICT_TRIES:
                    raise
            else:
                return None
        pause(tries)
    raise AssertionError("the last try returns or raises")


def write_all(
    client: "DynamoDBClient", writes: Sequence[Any], pause: Callable[[int], None] = wait_a_little
) -> tuple[Verdict, ...]:
    """Make all writes of a transaction, or none; empty if they were made, else a verdict for each.

    Each write is a member of TransactItems that asks for ALL_OLD. An answer that is lost on the way does no harm: the
    SDK sends the same token again. Raises: StoreUnavailable, StoreRefused.
    """
    for tries in range(1, CONFLICT_TRIES + 1):
        with store_errors():
            try:
                client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if error.response["Error"]["Code"] != TRANSACTION_REFUSED:
                    raise
                reasons: Any = error.response["CancellationReasons"]
                if any(reason["Code"] == "ConditionalCheckFailed" for reason in reasons):
                    return tuple(_verdict(reason) for reason in reasons)
                if not _may_pass(reasons) or tries == CONFLICT_TRIES:
                    raise
            else:
                return ()
        pause(tries)
    raise AssertionError("the last try returns or raises")


def read_batch(client: "DynamoDBClient", table: str, keys: Sequence[Any]) -> Iterator[Item]:
    """Those items of a table that exist among `keys`, read consistently, in no order. Raises: StoreUnavailable."""
    for start in range(0, len(keys), BATCH_GET_KEYS):
        yield from _read_batch(client, table, keys[start : start + BATCH_GET_KEYS])


def _read_batch(client: "DynamoDBClient", table: str, keys: Sequence[Any]) -> Iterator[Item]:
    wanted: Any = {table: {"Keys": keys, "ConsistentRead": True}}
    for _ in range(BATCH_GET_ROUNDS):
        with store_errors():
            answer = client.batch_get_item(RequestItems=wanted)
        yield from map(from_dynamodb, answer["Responses"].get(table, []))
        wanted = answer.get("UnprocessedKeys")
        if not wanted:
            return
    raise StoreUnavailable("DynamoDB left keys of a batch unread several times in a row.")


def put_if(client: "DynamoDBClient", request: Item) -> bool:
    """Whether a conditional PutItem that asks for ALL_OLD was made. Raises: StoreUnavailable, StoreRefused."""
    refused = write_one(client.put_item, request)
    # Our own write, whose answer was lost and which the SDK sent again, is no refusal.
    return refused is None or refused.item == from_dynamodb(request["Item"])


def _may_pass(reasons: Any) -> bool:
    return any(reason["Code"] == "TransactionConflict" for reason in reasons)


def _verdict(reason: Any) -> Verdict:
    return Verdict(reason["Code"] == "ConditionalCheckFailed", _found(reason))


def _found(holder: Any) -> Item | None:
    return from_dynamodb(holder["Item"]) if holder.get("Item") else None
