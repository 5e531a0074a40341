"""What a run costs an hour, by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.run_cost import Prices, cost_per_hour, prices_of
from shared.settings import Settings
from shared.sizes import SIZES, Size, Worker

PRICES = prices_of(Settings())
ROUND = Prices("EUR", vcpu_hour=1.0, memory_gb_hour=0.1, storage_gb_hour=0.01, source="made up", as_of="2026-11-01")
PLAIN = Worker(vcpu=1, memory_gb=3)


@pytest.mark.parametrize(
    ("size", "at_least", "at_most"),
    [
        # A worker of 1 vCPU and 3 GB: 1.3. One executor is the least there is.
        (Size(PLAIN, PLAIN, max_executors=1), "2.6", "2.6"),
        # EMR begins with three executors at most.
        (Size(PLAIN, PLAIN, max_executors=3), "5.2", "5.2"),
        (Size(PLAIN, PLAIN, max_executors=4), "5.2", "6.5"),
        # A driver unlike its executors: 2.4, and 20 GB of disk are free, so 30 at 0.01 cost 0.3.
        (Size(Worker(2, 4), Worker(1, 3, disk_gb=50), max_executors=2), "5.6", "5.6"),
    ],
)
def test_the_least_has_the_first_executors_and_the_most_has_all(size: Size, at_least: str, at_most: str):
    cost = cost_per_hour(size, ROUND)

    assert (cost.at_least, cost.at_most) == (Decimal(at_least), Decimal(at_most))


@pytest.mark.parametrize(
    ("size", "at_least", "at_most"),
    # small: 2 vCPU and 5 GB a worker; medium: 4 vCPU and 18 GB; large: 4 vCPU and 30 GB.
    [("small", "0.4024", "0.4024"), ("medium", "1.2580", "2.8306"), ("large", "1.5354", "9.5963")],
)
def test_the_sizes_cost_what_the_price_list_says(size: str, at_least: str, at_most: str):
    cost = cost_per_hour(SIZES[size], PRICES)

    assert (str(cost.at_least), str(cost.at_most)) == (at_least, at_most)


def test_other_prices_are_a_matter_of_settings():
    settings = replace(Settings(), price_vcpu_hour=0.0, price_memory_gb_hour=2.0, price_currency="EUR")
    worker = Worker(vcpu=1, memory_gb=2)

    cost = cost_per_hour(Size(worker, worker, max_executors=1), prices_of(settings))

    assert cost.at_most == Decimal(8)
    assert prices_of(settings).currency == "EUR"
