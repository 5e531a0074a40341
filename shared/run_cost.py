"""What a job's runs cost an hour. Pure; the prices are settings, since AWS changes them and regions differ.

EMR Serverless bills the vCPU, the memory and the disk beyond 20 GB of each worker by the second, for as long as the
worker is there.
"""

from dataclasses import dataclass
from decimal import Decimal

from shared.bills import Bill, Usage
from shared.settings import Settings
from shared.sizes import FREE_DISK_GB, Size, Worker

# A thousandth of a cent and less is noise beside what nobody knows: how many executors a run will have.
SHOWN = Decimal("0.0001")
# Of a bill: many small ones are added up.
KEPT = Decimal("0.000001")


@dataclass(frozen=True)
class Prices:
    """What a worker costs an hour; which list says so, and of when."""

    currency: str
    vcpu_hour: float
    memory_gb_hour: float
    storage_gb_hour: float
    source: str
    as_of: str


@dataclass(frozen=True)
class HourlyCost:
    """The least and the most that a run costs an hour: with the executors it begins with, and with all it may have."""

    at_least: Decimal
    at_most: Decimal


def prices_of(settings: Settings) -> Prices:
    """The prices that this platform was told."""
    return Prices(
        currency=settings.price_currency,
        vcpu_hour=settings.price_vcpu_hour,
        memory_gb_hour=settings.price_memory_gb_hour,
        storage_gb_hour=settings.price_storage_gb_hour,
        source=settings.price_source,
        as_of=settings.price_as_of,
    )


def cost_per_hour(size: Size, prices: Prices) -> HourlyCost:
    """What a run of this size costs an hour: one driver, and its executors."""
    least, most = (run_cost(size, count, prices) for count in (size.first_executors, size.max_executors))
    return HourlyCost(least.quantize(SHOWN), most.quantize(SHOWN))


def run_cost(size: Size, executors: int, prices: Prices) -> Decimal:
    """What a run costs an hour: its driver, and so many executors."""
    return worker_cost(size.driver, prices) + executors * worker_cost(size.executor, prices)


def worker_cost(worker: Worker, prices: Prices) -> Decimal:
    """What one worker costs an hour."""
    return (
        worker.vcpu * exact(prices.vcpu_hour)
        + worker.memory_gb * exact(prices.memory_gb_hour)
        + (worker.disk_gb - FREE_DISK_GB) * exact(prices.storage_gb_hour)
    )


def bill_of(usage: Usage, prices: Prices) -> Bill:
    """What EMR Serverless's figures come to by these prices."""
    amount = (
        usage.vcpu_hours * exact(prices.vcpu_hour)
        + usage.memory_gb_hours * exact(prices.memory_gb_hour)
        + usage.storage_gb_hours * exact(prices.storage_gb_hour)
    )
    return Bill(usage, amount.quantize(KEPT), prices.currency, prices.source, prices.as_of)


def exact(number: float) -> Decimal:
    """The number as it was written."""
    return Decimal(str(number))
