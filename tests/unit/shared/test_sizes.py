"""Which workers there can be, and what one job may have of them."""

import json
from typing import Any

import pytest

from shared.sizes import (
    MEMORY_OF,
    SIZES,
    Size,
    Worker,
    next_size,
    size_from_json,
    size_problems,
    size_to_json,
    workers_of,
)

LEAST = {"vcpu": 1, "memoryGb": 2}


def custom(**changes: Any) -> dict[str, Any]:
    """The least size of one's own, changed."""
    return {"driver": LEAST, "executor": LEAST, "maxExecutors": 1, **changes}


# The table of EMR Serverless's user guide, by hand: vCPU, and memory on both sides of each limit.
@pytest.mark.parametrize(
    ("vcpu", "right", "wrong"),
    [
        (1, (2, 3, 8), (9,)),
        (2, (4, 15, 16), (3, 17)),
        (4, (8, 9, 30), (7, 31)),
        (8, (16, 20, 60), (15, 18, 64)),
        (16, (32, 40, 120), (24, 33, 119)),
    ],
)
def test_each_vcpu_count_has_its_range_of_memory(vcpu: int, right: tuple[int, ...], wrong: tuple[int, ...]):
    found = {
        memory: [problem.pointer for problem in size_problems(custom(executor={"vcpu": vcpu, "memoryGb": memory}))]
        for memory in (*right, *wrong)
    }

    assert found == {**{memory: [] for memory in right}, **{memory: ["/executor/memoryGb"] for memory in wrong}}


@pytest.mark.parametrize(
    ("size", "pointer", "sentence"),
    [
        (
            "huge",
            "",
            '"huge" must be one of small, medium, large, or an object with driver, executor and maxExecutors.',
        ),
        (None, "", "null must be one of small,"),
        (custom(driver={"vcpu": 3, "memoryGb": 8}), "/driver/vcpu", "3 must be one of 1, 2, 4, 8, 16."),
        (
            custom(driver={"vcpu": 8, "memoryGb": 17}),
            "/driver/memoryGb",
            "A worker of 8 vCPU has 16 to 60 GB in steps of 4",
        ),
        (custom(executor={**LEAST, "diskGb": 19}), "/executor/diskGb", "19 must be 20 or more."),
        (custom(executor={**LEAST, "diskGb": 201}), "/executor/diskGb", "201 must be 200 or less."),
        (custom(maxExecutors=0), "/maxExecutors", "0 must be 1 or more."),
        (custom(maxExecutors=True), "/maxExecutors", "true must be a whole number."),
        (custom(executors=2), "/executors", 'There is no "executors"; there are driver, executor, maxExecutors.'),
        ({}, "/driver", "'driver' is required: The driver of a run."),
    ],
)
def test_a_wrong_size_is_told_where_it_is_wrong_and_what_would_be_right(size: Any, pointer: str, sentence: str):
    problem = size_problems(size)[0]

    assert problem.pointer == pointer
    assert problem.message.startswith(sentence)


@pytest.mark.parametrize("size", [*SIZES, custom(), custom(executor={**LEAST, "diskGb": 200}, maxExecutors=1000)])
def test_a_right_size_survives_its_json(size: Any):
    read = size_from_json(size)

    assert size_problems(size) == []
    assert size_from_json(json.loads(json.dumps(size_to_json(read)))) == read


@pytest.mark.parametrize("vcpu", MEMORY_OF)
def test_heap_and_overhead_are_all_of_a_workers_memory(vcpu: int):
    for memory_gb in (MEMORY_OF[vcpu].least, MEMORY_OF[vcpu].most):
        worker = Worker(vcpu, memory_gb)

        assert worker.heap_mib + worker.overhead_mib == memory_gb * 1024
        # What Spark would take by itself fits, so EMR finds no reason to make the worker larger.
        assert worker.overhead_mib >= max(384, worker.heap_mib // 10)


@pytest.mark.parametrize("name", SIZES)
def test_the_sizes_with_names_are_workers_that_emr_has(name: str):
    assert size_problems(size_to_json(workers_of(name))) == []
    assert MEMORY_OF[workers_of(name).executor.vcpu].has(workers_of(name).executor.memory_gb)


def test_a_larger_size_has_never_less_memory_for_each_worker():
    memory = [size.executor.memory_gb for size in SIZES.values()]

    assert memory == sorted(set(memory))


@pytest.mark.parametrize(("size", "following"), [("small", "medium"), ("medium", "large"), ("large", None)])
def test_the_next_size_of_a_name_has_more_memory(size: str, following: str | None):
    assert next_size(size) == following
    if following is not None:
        smaller, larger = SIZES[size], SIZES[following]
        assert larger.driver.memory_gb > smaller.driver.memory_gb
        assert larger.executor.memory_gb > smaller.executor.memory_gb


@pytest.mark.parametrize(
    ("worker", "twice"),
    [
        (Worker(1, 4), Worker(1, 8)),
        (Worker(1, 5), Worker(2, 10)),
        (Worker(4, 16), Worker(8, 32)),
        (Worker(4, 15), Worker(4, 30)),
        (Worker(4, 29), None),  # 58 GB: 8 vCPU come in steps of 4, 16 in steps of 8
        (Worker(16, 56, 100), Worker(16, 112, 100)),
        (Worker(16, 64), None),
    ],
)
def test_the_next_size_of_workers_in_full_has_twice_their_memory_where_emr_has_it(worker: Worker, twice: Worker | None):
    least = Worker(1, 2)

    assert next_size(Size(worker, worker, 3)) == (Size(twice, twice, 3) if twice else None)
    assert next_size(Size(worker, least, 3)) == Size(twice or worker, Worker(1, 4), 3)
