"""How large the workers of a run are: what spark-submit's parameters ask for, with EMR's own defaults."""

import math
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# EMR Serverless's defaults for Spark (its user guide, Spark job properties).
DEFAULT_CORES = 4
DEFAULT_MEMORY_GIB = 14.0
DEFAULT_EXECUTORS = 3
DISK_GB = 20
# What Spark adds to a heap, unless told how much: a tenth, and this at least.
LEAST_OVERHEAD_GIB = 384 / 1024
MEMORY_UNITS_GIB = {"": 1 / 1024**3, "k": 1 / 1024**2, "m": 1 / 1024, "g": 1.0, "t": 1024.0}


@dataclass(frozen=True)
class Workers:
    """The workers of one run, the driver included; memory as it is billed, Spark's overhead and whole GB."""

    vcpu: int
    memory_gb: int
    count: int
    disk_gb: int


def spark_conf(request: Mapping[str, Any]) -> dict[str, str]:
    """Every Spark property that a StartJobRun request sets; the parameters win over the overrides."""
    conf: dict[str, str] = {}
    for entry in request.get("configurationOverrides", {}).get("applicationConfiguration", []):
        if entry.get("classification") == "spark-defaults":
            conf.update(entry.get("properties", {}))
    words = words_of(request.get("jobDriver", {}).get("sparkSubmit", {}).get("sparkSubmitParameters", ""))
    for flag, value in pairwise(words):
        if flag in ("--conf", "-c"):
            name, _, setting = value.partition("=")
            conf[name] = setting
        elif flag in FLAGS:
            conf[FLAGS[flag]] = value
    return conf


FLAGS = {
    "--driver-cores": "spark.driver.cores",
    "--driver-memory": "spark.driver.memory",
    "--executor-cores": "spark.executor.cores",
    "--executor-memory": "spark.executor.memory",
    "--num-executors": "spark.executor.instances",
}


def words_of(parameters: str) -> list[str]:
    """spark-submit's parameters as separate words, quotes honoured; `--name=value` is two words."""
    return list(_split_flags(shlex.split(parameters)))


def _split_flags(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        flag, equals, value = word.partition("=")
        yield from (flag, value) if flag.startswith("--") and equals else (word,)


def workers_of(request: Mapping[str, Any]) -> Workers:
    """The workers that a request asks for: one driver and its executors."""
    conf = spark_conf(request)
    executors = whole(conf.get("spark.executor.instances"), DEFAULT_EXECUTORS)
    parts = ("driver", *("executor",) * executors)
    return Workers(
        vcpu=sum(whole(conf.get(f"spark.{part}.cores"), DEFAULT_CORES) for part in parts),
        memory_gb=sum(memory_gb(conf, part) for part in parts),
        count=len(parts),
        disk_gb=sum(round(gib(conf.get(f"spark.emr-serverless.{part}.disk", f"{DISK_GB}g"))) for part in parts),
    )


def memory_gb(conf: Mapping[str, str], part: str) -> int:
    """The memory of a driver or an executor: its heap and what Spark adds, in whole GB."""
    heap = gib(conf.get(f"spark.{part}.memory"))
    overhead = conf.get(f"spark.{part}.memoryOverhead")
    added = max(LEAST_OVERHEAD_GIB, heap / 10) if overhead is None else gib(overhead)
    return math.ceil(round(heap + added, 6))


def whole(text: str | None, default: int) -> int:
    """A whole number of a property, or the default when it is none."""
    return int(text) if text is not None and text.isdigit() else default


def gib(text: str | None) -> float:
    """A JVM memory size (`512m`, `4g`, `2048` for MiB as Spark reads it) in GiB."""
    match = re.fullmatch(r"\s*(\d+)\s*([kmgt]?)b?\s*", (text or "").lower())
    if match is None:
        return DEFAULT_MEMORY_GIB
    number, unit = match.groups()
    return int(number) * MEMORY_UNITS_GIB[unit or "m"]


def vcpu_of(text: str) -> int:
    """An application's `4 vCPU` as a number."""
    return int(re.match(r"\d+", text)[0])  # type: ignore[index]  # the wire format has checked the pattern
