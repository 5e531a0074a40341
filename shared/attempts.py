"""What is kept of each attempt of a job once it has ended. Plain frozen data, and its form in the job's item."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.bills import Bill, bill_from_item, bill_to_item
from shared.failure_cards import FailureCard, card_from_item, card_to_item
from shared.moments import epoch_ms, from_epoch_ms

# Runs that find no capacity are tried again without a bound on their number: the oldest records go.
ATTEMPT_RECORDS = 20


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class AttemptRecord:
    """An attempt that has ended, and why it failed if it did.

    `run_id` is None where EMR Serverless never took it or its run was not recorded; `bill` is None until EMR Serverless
    has said what it bills. `size` is what its size is called; None in records that were stored without one.
    `estimate` is what its run cost as far as was known at its end; kept only where a limit of the job's needs it.
    `run_began_at` is when its run had workers; None where it never had any or nobody saw when.
    """

    attempt: int
    outcome: Outcome
    started_at: datetime
    ended_at: datetime
    run_id: str | None = None
    failure: FailureCard | None = None
    bill: Bill | None = None
    size: str | None = None
    estimate: Decimal | None = None
    run_began_at: datetime | None = None

    @property
    def lacks_bill(self) -> bool:
        """Whether EMR Serverless could still say what it bills."""
        return self.run_id is not None and self.bill is None


def with_record(records: tuple[AttemptRecord, ...], record: AttemptRecord) -> tuple[AttemptRecord, ...]:
    """The records and one more, without the oldest where they would be too many."""
    return (*records, record)[-ATTEMPT_RECORDS:]


def attempt_to_item(record: AttemptRecord) -> dict[str, Any]:
    """A record as the job's item holds it."""
    item = {
        "attempt": record.attempt,
        "outcome": str(record.outcome),
        "startedAt": epoch_ms(record.started_at),
        "endedAt": epoch_ms(record.ended_at),
        "runId": record.run_id,
        "failure": card_to_item(record.failure) if record.failure else None,
        "bill": bill_to_item(record.bill) if record.bill else None,
        "size": record.size,
        "estimate": None if record.estimate is None else str(record.estimate),
        "runBeganAt": None if record.run_began_at is None else epoch_ms(record.run_began_at),
    }
    return {name: value for name, value in item.items() if value is not None}


def attempt_from_item(item: Mapping[str, Any]) -> AttemptRecord:
    """The record of an item's entry. Raises what reading a wrong one raises."""
    return AttemptRecord(
        attempt=item["attempt"],
        outcome=Outcome(item["outcome"]),
        started_at=from_epoch_ms(item["startedAt"]),
        ended_at=from_epoch_ms(item["endedAt"]),
        run_id=item.get("runId"),
        failure=card_from_item(item["failure"]) if "failure" in item else None,
        bill=bill_from_item(item["bill"]) if "bill" in item else None,
        size=item.get("size"),
        estimate=Decimal(item["estimate"]) if "estimate" in item else None,
        run_began_at=from_epoch_ms(item["runBeganAt"]) if "runBeganAt" in item else None,
    )
