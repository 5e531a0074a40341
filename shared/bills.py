"""What an attempt used and cost, as it is kept with the attempt. Plain frozen data, and its form in the job's item.

A bill holds its own prices' source and day, so it says the same for ever, whatever prices are set later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Usage:
    """What EMR Serverless bills of a run: hours of one vCPU, of one GB of memory, of one GB of disk beyond the free."""

    vcpu_hours: Decimal
    memory_gb_hours: Decimal
    storage_gb_hours: Decimal


NO_USAGE = Usage(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True)
class Bill:
    """What was used, and what it cost by the price list of a certain day."""

    usage: Usage
    amount: Decimal
    currency: str
    source: str
    as_of: str


def bill_to_item(bill: Bill) -> dict[str, Any]:
    """A bill as an attempt's record holds it. Numbers are texts: an item's own are whole."""
    return {
        "vcpuHours": str(bill.usage.vcpu_hours),
        "memoryGbHours": str(bill.usage.memory_gb_hours),
        "storageGbHours": str(bill.usage.storage_gb_hours),
        "amount": str(bill.amount),
        "currency": bill.currency,
        "source": bill.source,
        "asOf": bill.as_of,
    }


def bill_from_item(item: Mapping[str, Any]) -> Bill:
    """The bill of a record's entry. Raises what reading a wrong one raises."""
    hours = (Decimal(item[name]) for name in ("vcpuHours", "memoryGbHours", "storageGbHours"))
    return Bill(Usage(*hours), Decimal(item["amount"]), item["currency"], item["source"], item["asOf"])
