"""Who works on the dead-letter queue: one at a time, since reading a queue hides its messages from all others.

The lease is an item of the control table. It only keeps people from getting into each other's way: what makes a
replay happen once is the conditional create of its job.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from shared.dynamodb import from_dynamodb, put_if, store_errors, to_dynamodb
from shared.errors import AppError
from shared.models import Item
from shared.moments import epoch_ms, from_epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEASE_KEY = "REPLAY"
RENEWAL = 1 / 3


class LeaseHeld(AppError):
    """Somebody else has the lease; the text says who, since when and until when."""

    code = "replay_lease_held"
    title = "Somebody else works on the dead-letter queue"


class LeaseLost(AppError):
    """The lease ended while its holder was held up, and somebody else took it."""

    code = "replay_lease_lost"
    title = "Somebody else took the lease over"


class ReplayLease:
    """The lease of one holder. Use it in a `with` statement; `renew` it from time to time."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        holder: str,
        keep_seconds: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._table = table
        self._holder = holder
        self._keep = timedelta(seconds=keep_seconds)
        self._clock = clock
        self._rev: str | None = None
        self._since_ms = 0
        self._renewed_at = clock()

    def __enter__(self) -> "ReplayLease":
        """Raises: LeaseHeld, StoreUnavailable."""
        now = self._clock()
        seen = self._read()
        if seen is not None and seen["until"] > epoch_ms(now):
            raise _held(seen)
        self._rev = None if seen is None else seen["rev"]
        self._since_ms = epoch_ms(now)
        if not self._write(now + self._keep):
            winner = self._read()
            raise LeaseHeld("Somebody else took the lease at this moment.") if winner is None else _held(winner)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others have it at once; if that cannot be written, they wait until it ends."""
        try:
            self._write(self._clock())
        except AppError:
            return

    def renew(self) -> None:
        """Keep the lease for longer, once a part of it has passed. Raises: LeaseLost, StoreUnavailable."""
        now = self._clock()
        if now < self._renewed_at + self._keep * RENEWAL:
            return
        if not self._write(now + self._keep):
            seen = self._read()
            raise LeaseLost(_held(seen).detail if seen else "The lease was deleted.")

    def _read(self) -> Item | None:
        with store_errors():
            answer = self._client.get_item(TableName=self._table, Key={"key": {"S": LEASE_KEY}}, ConsistentRead=True)
        return from_dynamodb(answer["Item"]) if "Item" in answer else None

    def _write(self, until: datetime) -> bool:
        """Whether the lease now ends at `until`: nobody wrote it since it was read or written here."""
        item: Item = {
            "key": LEASE_KEY,
            "holder": self._holder,
            "since": self._since_ms,
            "until": epoch_ms(until),
            "expiresAt": epoch_ms(until) // 1000,
            "rev": str(uuid.uuid4()),
        }
        request: Item = {
            "TableName": self._table,
            "Item": to_dynamodb(item),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if self._rev is None:
            request |= {
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": "key"},
            }
        else:
            values = to_dynamodb({":seen": self._rev})
            request |= {"ConditionExpression": "rev = :seen", "ExpressionAttributeValues": values}
        if not put_if(self._client, request):
            return False
        self._rev, self._renewed_at = item["rev"], self._clock()
        return True


def _held(seen: Item) -> LeaseHeld:
    since, until = (from_epoch_ms(seen[name]).isoformat(timespec="seconds") for name in ("since", "until"))
    return LeaseHeld(
        f"{seen['holder']} works on the dead-letter queue since {since}; the lease ends at {until} unless renewed. "
        "Reading the queue hides its messages from others, so one does it at a time."
    )
