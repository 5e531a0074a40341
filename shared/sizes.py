"""How large the workers of a job's runs are: the sizes that have names, sizes of one's own, and one job's share.

The worker's memory is all of it, as EMR Serverless bills it: Spark's heap, and what Spark needs beside the heap.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.errors import FieldProblem, ValidationFailed
from shared.schema_problems import schema_problems, shown
from shared.settings import Settings

CUSTOM = "custom"
MIB_PER_GB = 1024
# A worker has this much disk for nothing (EMR Serverless's price list).
FREE_DISK_GB = 20
MOST_DISK_GB = 200
MOST_EXECUTORS = 1000
# What Spark adds to a heap: a tenth of it, and this at least (spark.driver.memoryOverheadFactor).
LEAST_OVERHEAD_MIB = 384
# What EMR Serverless starts with unless told otherwise; more than a small job may have.
EMR_INITIAL_EXECUTORS = 3


@dataclass(frozen=True)
class Worker:
    """One driver or one executor."""

    vcpu: int
    memory_gb: int
    disk_gb: int = FREE_DISK_GB

    @property
    def overhead_mib(self) -> int:
        """The part of its memory that is not Spark's heap."""
        return max(LEAST_OVERHEAD_MIB, math.ceil(self.memory_gb * MIB_PER_GB / 11))

    @property
    def heap_mib(self) -> int:
        """Spark's heap: with the overhead it is exactly the worker's memory."""
        return self.memory_gb * MIB_PER_GB - self.overhead_mib


@dataclass(frozen=True)
class Size:
    """The workers of one run: a driver, and executors as Spark needs them, up to a most."""

    driver: Worker
    executor: Worker
    max_executors: int

    @property
    def first_executors(self) -> int:
        """How many executors a run begins with."""
        return min(EMR_INITIAL_EXECUTORS, self.max_executors)

    def vcpu_with(self, executors: int) -> int:
        """The vCPUs of a run with so many executors."""
        return self.driver.vcpu + executors * self.executor.vcpu


# A size as it is asked for: by its name, or in full.
JobSize = str | Size


def _alike(worker: Worker, max_executors: int) -> Size:
    return Size(worker, worker, max_executors)


SIZES: Mapping[str, Size] = {
    "small": _alike(Worker(vcpu=2, memory_gb=5), 2),
    "medium": _alike(Worker(vcpu=4, memory_gb=18), 8),
    "large": _alike(Worker(vcpu=4, memory_gb=30), 24),
}


@dataclass(frozen=True)
class MemoryRange:
    """What memory a worker may have, in GB."""

    least: int
    most: int
    step: int

    def has(self, memory_gb: int) -> bool:
        """Whether EMR Serverless has workers with this much."""
        return self.least <= memory_gb <= self.most and (memory_gb - self.least) % self.step == 0

    def __str__(self) -> str:
        steps = "" if self.step == 1 else f" in steps of {self.step}"
        return f"{self.least} to {self.most} GB{steps}"


# By vCPUs (EMR Serverless user guide, Supported worker configurations).
MEMORY_OF: Mapping[int, MemoryRange] = {
    1: MemoryRange(2, 8, 1),
    2: MemoryRange(4, 16, 1),
    4: MemoryRange(8, 30, 1),
    8: MemoryRange(16, 60, 4),
    16: MemoryRange(32, 120, 8),
}
WORKER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "vcpu": {"type": "integer", "enum": [*MEMORY_OF], "description": "Its vCPUs."},
        "memoryGb": {
            "type": "integer",
            "minimum": min(memory.least for memory in MEMORY_OF.values()),
            "maximum": max(memory.most for memory in MEMORY_OF.values()),
            "description": "All of its memory: "
            + "; ".join(f"with {vcpu} vCPU {memory}" for vcpu, memory in MEMORY_OF.items())
            + ".",
        },
        "diskGb": {
            "type": "integer",
            "minimum": FREE_DISK_GB,
            "maximum": MOST_DISK_GB,
            "default": FREE_DISK_GB,
            "description": f"Its disk; {FREE_DISK_GB} GB cost nothing.",
        },
    },
    "required": ["vcpu", "memoryGb"],
    "additionalProperties": False,
}
CUSTOM_SIZE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "driver": {**WORKER_SCHEMA, "description": "The driver of a run."},
        "executor": {**WORKER_SCHEMA, "description": "Each executor of a run."},
        "maxExecutors": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_EXECUTORS,
            "description": "How many executors a run may have, as far as one job's share of the account goes.",
        },
    },
    "required": ["driver", "executor", "maxExecutors"],
    "additionalProperties": False,
}
SIZE_SCHEMA: Mapping[str, Any] = {"oneOf": [{"type": "string", "enum": [*SIZES]}, CUSTOM_SIZE_SCHEMA]}
SIZE_RULE = f"one of {', '.join(SIZES)}, or an object with driver, executor and maxExecutors"


def size_problems(value: object) -> list[FieldProblem]:
    """What is wrong with a size as JSON has it: where in it, and what would be right."""
    if isinstance(value, str) and value in SIZES:
        return []
    if not isinstance(value, Mapping):
        return [FieldProblem("", f"{shown(value)} must be {SIZE_RULE}.")]
    return schema_problems(CUSTOM_SIZE_SCHEMA, value) or [
        FieldProblem(f"/{part}/memoryGb", f"A worker of {worker.vcpu} vCPU has {MEMORY_OF[worker.vcpu]} of memory.")
        for part, worker in (("driver", _worker_of(value["driver"])), ("executor", _worker_of(value["executor"])))
        if not MEMORY_OF[worker.vcpu].has(worker.memory_gb)
    ]


def size_from_json(value: Any) -> JobSize:
    """A size that `size_problems` finds right, as JSON or an item has it."""
    if isinstance(value, str):
        return value
    return Size(_worker_of(value["driver"]), _worker_of(value["executor"]), int(value["maxExecutors"]))


def size_to_json(size: JobSize) -> Any:
    """A size as `size_from_json` reads it."""
    if isinstance(size, str):
        return size
    return {
        "driver": _worker_json(size.driver),
        "executor": _worker_json(size.executor),
        "maxExecutors": size.max_executors,
    }


def name_of(size: JobSize) -> str:
    """What a size is called."""
    return size if isinstance(size, str) else CUSTOM


def workers_of(size: JobSize) -> Size:
    """The workers that a size stands for."""
    return SIZES[size] if isinstance(size, str) else size


def next_size(size: JobSize) -> JobSize | None:
    """The size to try when memory ran out with this one; None where there is none.

    After a name comes the next name. Workers in full come again with twice the memory each, as far as EMR Serverless
    has such workers.
    """
    if isinstance(size, str):
        names = [*SIZES]
        return next(iter(names[names.index(size) + 1 :]), None)
    larger = replace(size, driver=_with_twice_the_memory(size.driver), executor=_with_twice_the_memory(size.executor))
    return larger if larger != size else None


def _with_twice_the_memory(worker: Worker) -> Worker:
    """A worker of no fewer vCPUs with twice the memory; the same where there is none."""
    memory_gb = 2 * worker.memory_gb
    vcpus = [vcpu for vcpu, memory in MEMORY_OF.items() if vcpu >= worker.vcpu and memory.has(memory_gb)]
    return replace(worker, vcpu=min(vcpus), memory_gb=memory_gb) if vcpus else worker


def fits(size: Size, settings: Settings) -> bool:
    """Whether the account has vCPUs for a driver and one executor."""
    return size.vcpu_with(1) <= settings.emr_vcpu_quota


def within_share(size: JobSize, settings: Settings) -> Size:
    """The workers that one job gets: no more executors than leave vCPUs of the account to others, but one at least.

    Raises: ValidationFailed if the account has too few vCPUs for a driver and one executor.
    """
    wanted, quota = workers_of(size), settings.emr_vcpu_quota
    if not fits(wanted, settings):
        text = (
            f"A driver of {wanted.driver.vcpu} and one executor of {wanted.executor.vcpu} vCPU are more than the "
            f"{quota} vCPU that this account may have at a time."
        )
        raise ValidationFailed(text, [FieldProblem("/size", text)])
    room = (math.floor(quota * settings.job_vcpu_share) - wanted.driver.vcpu) // wanted.executor.vcpu
    return replace(wanted, max_executors=max(1, min(wanted.max_executors, room)))


def size_flags(size: Size) -> list[str]:
    """spark-submit's flags for a size."""
    conf = {
        **_worker_conf("driver", size.driver),
        **_worker_conf("executor", size.executor),
        "spark.executor.instances": size.first_executors,
        "spark.dynamicAllocation.initialExecutors": size.first_executors,
        "spark.dynamicAllocation.maxExecutors": size.max_executors,
    }
    return [f"--conf {name}={value}" for name, value in conf.items()]


def _worker_conf(part: str, worker: Worker) -> dict[str, object]:
    conf: dict[str, object] = {
        f"spark.{part}.cores": worker.vcpu,
        f"spark.{part}.memory": f"{worker.heap_mib}m",
        # Said outright, so that Spark's own rounding never makes the worker a GB larger than asked.
        f"spark.{part}.memoryOverhead": f"{worker.overhead_mib}m",
    }
    if worker.disk_gb != FREE_DISK_GB:
        conf[f"spark.emr-serverless.{part}.disk"] = f"{worker.disk_gb}g"
    return conf


def _worker_of(value: Mapping[str, Any]) -> Worker:
    return Worker(int(value["vcpu"]), int(value["memoryGb"]), int(value.get("diskGb", FREE_DISK_GB)))


def _worker_json(worker: Worker) -> dict[str, int]:
    return {"vcpu": worker.vcpu, "memoryGb": worker.memory_gb, "diskGb": worker.disk_gb}
