"""What a run costs an hour, by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.run_cost import Prices, cost_per_hour, prices_of, worker_memory_gb
from shared.settings import Settings
from shared.submission import SIZES, Size

PRICES = prices_of(Settings())
ROUND = Prices("EUR", vcpu_hour=1.0, memory_gb_hour=0.1, source="made up", as_of="2026-11-01")


@pytest.mark.parametrize(
    ("memory_gib", "with_overhead"),
    # 384 MiB up to 3.75 GiB, then a tenth; in whole GB.
    [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (9, 10), (10, 11), (11, 13), (16, 18), (27, 30)],
)
def test_a_worker_has_its_heap_and_sparks_overhead_in_whole_gigabytes(memory_gib: int, with_overhead: int):
    assert worker_memory_gb(Size(vcpu=4, memory_gib=memory_gib, most_executors=1)) == with_overhead


@pytest.mark.parametrize(
    ("size", "at_least", "at_most"),
    [
        # A worker of 1 vCPU and 2 + 1 GB: 1.3. One executor is the least there is.
        (Size(vcpu=1, memory_gib=2, most_executors=1), "2.6", "2.6"),
        # EMR begins with three executors at most.
        (Size(vcpu=1, memory_gib=2, most_executors=3), "5.2", "5.2"),
        (Size(vcpu=1, memory_gib=2, most_executors=4), "5.2", "6.5"),
    ],
)
def test_the_least_has_the_first_executors_and_the_most_has_all(size: Size, at_least: str, at_most: str):
    cost = cost_per_hour(size, ROUND)

    assert (cost.at_least, cost.at_most) == (Decimal(at_least), Decimal(at_most))


@pytest.mark.parametrize(
    ("size", "at_least", "at_most"),
    # small: 2 vCPU and 5 GB a worker; medium and large: 4 vCPU and 18 GB.
    [("small", "0.4024", "0.4024"), ("medium", "1.2580", "2.8306"), ("large", "1.2580", "7.8627")],
)
def test_the_sizes_cost_what_the_price_list_says(size: str, at_least: str, at_most: str):
    cost = cost_per_hour(SIZES[size], PRICES)

    assert (str(cost.at_least), str(cost.at_most)) == (at_least, at_most)


def test_other_prices_are_a_matter_of_settings():
    settings = replace(Settings(), price_vcpu_hour=0.0, price_memory_gb_hour=2.0, price_currency="EUR")

    cost = cost_per_hour(Size(vcpu=8, memory_gib=1, most_executors=1), prices_of(settings))

    assert cost.at_most == Decimal(8)
    assert prices_of(settings).currency == "EUR"
