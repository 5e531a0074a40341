"""What is known of the personal data in a dataset: kinds by column and a decision, and never a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.models import Item
from shared.moments import epoch_ms, from_epoch_ms

# A table may have thousands of columns, and an item holds 400 KB.
MOST_COLUMNS = 100
NAME_CHARACTERS = 200
# From here on `pii-scan` itself calls a kind found.
SURE = 0.5


class Pii(StrEnum):
    """Whether a dataset holds personal data."""

    NONE = "none"
    FOUND = "found"
    UNKNOWN = "unknown"
    PENDING = "pending"


@dataclass(frozen=True)
class ColumnWithPii:
    """A column that holds personal data, or may. `name` is None where the names themselves may be personal data."""

    position: int
    name: str | None
    pii: Pii
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Scan:
    """What a scan came to. `reason` says why nothing is known, where that is so; `job_id` is None if nothing was run.

    `columns` has those that are not `none`, the found ones first; `columns_left_out` counts those that are too many.
    """

    pii: Pii
    at: datetime
    job_id: str | None = None
    reason: str | None = None
    columns: tuple[ColumnWithPii, ...] = ()
    columns_left_out: int = 0


def no_scan(at: datetime, reason: str, job_id: str | None = None) -> Scan:
    """Nothing is known, for this reason."""
    return Scan(Pii.UNKNOWN, at, job_id, reason)


def scan_of_report(report: Any, at: datetime, job_id: str) -> Scan:
    """What the report of a `pii-scan` says. Raises: KeyError, TypeError, ValueError if it is none."""
    columns = [_column(each) for each in report["columns"]]
    telling = sorted((each for each in columns if each.pii is not Pii.NONE), key=lambda each: each.pii is not Pii.FOUND)
    pii = Pii(report["pii"])
    return Scan(
        pii,
        at,
        job_id,
        "The scan cannot rule personal data out; its report says why for each column." if pii is Pii.UNKNOWN else None,
        tuple(telling[:MOST_COLUMNS]),
        max(0, len(telling) - MOST_COLUMNS),
    )


def _column(told: Mapping[str, Any]) -> ColumnWithPii:
    name = told["name"]
    pii = Pii(told["pii"])
    kinds = [str(each["kind"]) for each in told["kinds"] if each["confidence"] >= SURE]
    return ColumnWithPii(int(told["position"]), None if name is None else _shown(name), pii, tuple(kinds))


def _shown(name: str) -> str:
    """A column's name as an item can hold it: JSON may have what UTF-8 cannot."""
    return name[:NAME_CHARACTERS].encode(errors="replace").decode()


def scan_to_item(scan: Scan) -> Item:
    """The attributes of a dataset's item that hold a scan."""
    told = {
        "pii": str(scan.pii),
        "jobId": scan.job_id,
        "reason": scan.reason,
        "columns": [_column_to_item(each) for each in scan.columns] or None,
        "columnsLeftOut": scan.columns_left_out or None,
    }
    # `scan` would be one of DynamoDB's reserved words.
    return {
        "scannedAt": epoch_ms(scan.at),
        "scanResult": {name: value for name, value in told.items() if value is not None},
    }


def scan_from_item(item: Mapping[str, Any]) -> Scan | None:
    """The scan that a dataset's item holds."""
    if "scanResult" not in item:
        return None
    told = item["scanResult"]
    return Scan(
        Pii(told["pii"]),
        from_epoch_ms(item["scannedAt"]),
        told.get("jobId"),
        told.get("reason"),
        tuple(_column_from_item(each) for each in told.get("columns", ())),
        told.get("columnsLeftOut", 0),
    )


def _column_to_item(column: ColumnWithPii) -> Item:
    named = {} if column.name is None else {"name": column.name}
    return {"position": column.position, "pii": str(column.pii), "kinds": [*column.kinds], **named}


def _column_from_item(item: Mapping[str, Any]) -> ColumnWithPii:
    return ColumnWithPii(item["position"], item.get("name"), Pii(item["pii"]), tuple(item["kinds"]))
