"""The control table: what the whole fleet shares besides the jobs. Start permits, and callbacks already seen."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from shared.dynamodb import from_dynamodb, put_if, store_errors, to_dynamodb
from shared.models import Item
from shared.moments import epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = structlog.get_logger()

START_BUCKET = "BUCKET#start"
# A permit is the fleet's most contended write; after these tries the caller does without, and asks again later.
TAKE_TRIES = 5
# A throttle means that somebody used the account's quota: nobody of ours starts anything for this long.
THROTTLE_PAUSE = timedelta(seconds=10)
MILLI = 1000


@dataclass(frozen=True)
class Bucket:
    """A token bucket as stored: thousandths of tokens, since items hold whole numbers."""

    milli_tokens: int
    at_ms: int
    rev: str | None


class ControlStore:
    """Start permits for the whole fleet from one token bucket, and a memory of callback messages."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        rate_per_second: float,
        burst: int,
        pause: Callable[[int], None],
    ) -> None:
        """`pause(n)` waits a little after the n-th lost race; the caller owns time and randomness."""
        self._client = client
        self._table = table
        self._rate_per_second = rate_per_second
        self._burst = burst
        self._pause = pause

    def take_start_permit(self, now: datetime) -> bool:
        """Whether one run may be started now. A permit may be lost, never invented. Raises: StoreUnavailable."""
        for tries in range(1, TAKE_TRIES + 1):
            bucket = self._read_bucket()
            filled = refilled(bucket, epoch_ms(now), self._rate_per_second, self._burst)
            if filled < MILLI:
                return False
            if self._write_bucket(bucket, filled - MILLI, max(bucket.at_ms, epoch_ms(now))):
                return True
            if tries < TAKE_TRIES:
                self._pause(tries)
        return False

    def empty_start_bucket(self, now: datetime) -> None:
        """EMR throttled a start: let nobody in the fleet start anything for a while. Raises: StoreUnavailable."""
        for tries in range(1, TAKE_TRIES + 1):
            bucket = self._read_bucket()
            if self._write_bucket(bucket, 0, max(bucket.at_ms, epoch_ms(now + THROTTLE_PAUSE))):
                return
            self._pause(tries)
        log.warning("start_bucket_not_emptied", tries=TAKE_TRIES)

    def _read_bucket(self) -> Bucket:
        with store_errors():
            answer = self._client.get_item(TableName=self._table, Key=_key(START_BUCKET), ConsistentRead=True)
        if "Item" not in answer:
            return Bucket(self._burst * MILLI, 0, None)
        item = from_dynamodb(answer["Item"])
        return Bucket(item["milliTokens"], item["at"], item["rev"])

    def _write_bucket(self, seen: Bucket, milli_tokens: int, at_ms: int) -> bool:
        item: Item = {"key": START_BUCKET, "milliTokens": milli_tokens, "at": at_ms, "rev": str(uuid.uuid4())}
        request: Item = {
            "TableName": self._table,
            "Item": to_dynamodb(item),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if seen.rev is None:
            request["ConditionExpression"] = "attribute_not_exists(#key)"
            request["ExpressionAttributeNames"] = {"#key": "key"}
        else:
            request["ConditionExpression"] = "rev = :seen"
            request["ExpressionAttributeValues"] = to_dynamodb({":seen": seen.rev})
        return put_if(self._client, request)

    def remember_message(self, message_id: str, now: datetime, keep: timedelta) -> bool:
        """Note a callback's message id; False if it was noted before. Raises: StoreUnavailable."""
        item: Item = {
            "key": f"CALLBACK#{message_id}",
            "expiresAt": epoch_ms(now + keep) // 1000,
            "nonce": str(uuid.uuid4()),
        }
        return put_if(
            self._client,
            {
                "TableName": self._table,
                "Item": to_dynamodb(item),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": "key"},
            },
        )


def refilled(bucket: Bucket, now_ms: int, rate_per_second: float, burst: int) -> int:
    """Thousandths of tokens in the bucket now. A clock that runs behind the last writer's adds nothing."""
    gained = max(0, now_ms - bucket.at_ms) * rate_per_second
    return min(burst * MILLI, int(bucket.milli_tokens + gained))


def _key(key: str) -> Any:
    return {"key": {"S": key}}
