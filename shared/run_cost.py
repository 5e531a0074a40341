"""What a job's runs cost an hour. Pure; the prices are settings, since AWS changes them and regions differ.

EMR Serverless bills the vCPU and the memory of each worker by the second, for as long as the worker is there. Storage
is free up to 20 GB for each worker, and no job here asks for more.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from shared.settings import Settings
from shared.submission import Size, first_executors

# What Spark adds to a worker's memory for all that is not its heap (spark.driver.memoryOverheadFactor).
LEAST_OVERHEAD_GIB = 384 / 1024
OVERHEAD_FACTOR = 0.10
# A thousandth of a cent and less is noise beside what nobody knows: how many executors a run will have.
SHOWN = Decimal("0.0001")


@dataclass(frozen=True)
class Prices:
    """What a worker costs an hour; which list says so, and of when."""

    currency: str
    vcpu_hour: float
    memory_gb_hour: float
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
        source=settings.price_source,
        as_of=settings.price_as_of,
    )


def cost_per_hour(size: Size, prices: Prices) -> HourlyCost:
    """What a run of this size costs an hour: one driver, and executors like it."""
    worker = size.vcpu * Decimal(str(prices.vcpu_hour)) + worker_memory_gb(size) * Decimal(str(prices.memory_gb_hour))
    least, most = (1 + executors for executors in (first_executors(size), size.most_executors))
    return HourlyCost((least * worker).quantize(SHOWN), (most * worker).quantize(SHOWN))


def worker_memory_gb(size: Size) -> int:
    """The memory of one worker, overhead included. Workers of up to 4 vCPU come in steps of 1 GB."""
    return math.ceil(size.memory_gib + max(LEAST_OVERHEAD_GIB, OVERHEAD_FACTOR * size.memory_gib))
