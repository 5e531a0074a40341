"""The buckets that all processes share, in the control table.

A request that is let through costs one write: the write says which state of the bucket it goes with, and the guess is
right nearly always. A caller who is refused is refused from memory until its next request may pass, so that a flood
costs no writes. When the table is away, each process counts by itself: a limit must not be what stops the platform.
"""

from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import ClientError

from shared.dynamodb import CONDITION_FAILED, from_dynamodb, store_errors, to_dynamodb
from shared.errors import AppError
from shared.limits.rate_limiter import LocalLimiter, bucket_key
from shared.limits.rate_limits import SECOND, Rate, Spent, spend
from shared.models import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = structlog.get_logger()

# The first guess, what a lost race says is right, and once more for a race that is lost again.
TRIES = 3
# How long the table is left alone after it gave no answer, so that requests do not all wait for it.
AWAY_SECONDS = 5
# An item says nothing once its bucket is full; clocks may differ by this much.
KEPT_SECONDS = 60
BOTH_IMAGES: Item = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class SharedLimiter:
    """The buckets of all processes, in the control table."""

    def __init__(self, client: "DynamoDBClient", control_table: str) -> None:
        self._client = client
        self._table = control_table
        self._seen = LocalLimiter()
        self._away_until = 0

    def spend(self, rate: Rate, owner_id: str, now: int) -> Spent:
        """As `Limiter.spend`, for all processes together. Raises nothing: without the table this process counts."""
        known = spend(rate, self._seen.full_at(rate, owner_id), now)
        if not known.is_allowed:
            return known
        if now < self._away_until:
            return self._seen.spend(rate, owner_id, now)
        try:
            spent = self._spend(known, owner_id)
        except AppError as error:
            self._away_until = now + AWAY_SECONDS * SECOND
            log.warning("rate_limit_not_shared", limit=str(rate.route_class), reason=error.detail)
            return self._seen.spend(rate, owner_id, now)
        self._seen.learn(rate, owner_id, spent.full_at)
        return spent

    def _spend(self, guess: Spent, owner_id: str) -> Spent:
        rate, now = guess.rate, guess.now
        seen = guess.full_at - rate.interval
        for _ in range(TRIES):
            full_at, stored = self._take(rate, owner_id, now, is_busy=seen > now)
            if full_at is not None:
                return Spent(rate, True, full_at, now)
            current = spend(rate, stored, now)
            if not current.is_allowed:
                return current
            seen = stored
        log.warning("rate_limit_races_lost", limit=str(rate.route_class), tries=TRIES)
        return guess

    def _take(self, rate: Rate, owner_id: str, now: int, is_busy: bool) -> tuple[int | None, int]:
        """When the bucket is full after this request; or None, and when it is as it stands."""
        request = _busy(rate, now) if is_busy else _idle(rate, now)
        with store_errors():
            try:
                answer = self._client.update_item(
                    TableName=self._table, Key={"key": {"S": bucket_key(rate, owner_id)}}, **request
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != CONDITION_FAILED:
                    raise
                return None, _full_at(error.response.get("Item"))
        return _full_at(answer["Attributes"]), 0


def _busy(rate: Rate, now: int) -> Item:
    """The write that goes with a bucket from which something is missing, and which has one request left."""
    return {
        "UpdateExpression": "SET fullAt = fullAt + :interval, expiresAt = :expiresAt",
        "ConditionExpression": "fullAt > :now AND fullAt <= :latest",
        "ExpressionAttributeValues": to_dynamodb(
            {
                ":now": now,
                ":interval": rate.interval,
                ":latest": now + (rate.burst - 1) * rate.interval,
                ":expiresAt": _expires_at(rate, now),
            }
        ),
        **BOTH_IMAGES,
    }


def _idle(rate: Rate, now: int) -> Item:
    """The write that goes with a full bucket."""
    return {
        "UpdateExpression": "SET fullAt = :fullAt, expiresAt = :expiresAt",
        "ConditionExpression": "attribute_not_exists(fullAt) OR fullAt <= :now",
        "ExpressionAttributeValues": to_dynamodb(
            {":now": now, ":fullAt": now + rate.interval, ":expiresAt": _expires_at(rate, now)}
        ),
        **BOTH_IMAGES,
    }


def _expires_at(rate: Rate, now: int) -> int:
    """When DynamoDB may delete the item, in seconds since 1970."""
    return now // SECOND + rate.window_seconds + KEPT_SECONDS


def _full_at(item: Any) -> int:
    return int(from_dynamodb(item)["fullAt"]) if item else 0
