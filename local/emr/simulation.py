"""Simulated runs: no Spark and no process, only a length, an end, and an empty manifest when it succeeds.

The entry point `simulated` asks for one. Its arguments are those of every job of the platform: `--job JSON`,
whose `parameters` may hold `seconds`, `fail` (a sentence) and `failAttempts`, `--attempt N` and `--output URI`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

DEFAULT_SECONDS = 1.0
MANIFEST = "_manifest.json"


@dataclass(frozen=True)
class Fate:
    """How a simulated run ends: after how many seconds, and with which failure, if any."""

    seconds: float
    failure: str | None


def is_simulated(request: Mapping[str, Any]) -> bool:
    """Whether a StartJobRun request asks for a simulated run."""
    entry_point: str = request.get("jobDriver", {}).get("sparkSubmit", {}).get("entryPoint", "")
    return entry_point == "simulated" or (entry_point.startswith("s3://") and entry_point.endswith("/simulated"))


def arguments_of(request: Mapping[str, Any]) -> list[str]:
    """The arguments of the entry point."""
    arguments: list[str] = request.get("jobDriver", {}).get("sparkSubmit", {}).get("entryPointArguments", [])
    return arguments


def option(arguments: Sequence[str], name: str) -> str | None:
    """The value that follows `name`; the last one, since a program's own arguments come before the platform's."""
    following = [value for flag, value in pairwise(arguments) if flag == name]
    return following[-1] if following else None


def fate_of(arguments: Sequence[str]) -> Fate:
    """How a simulated run with these arguments ends; one that cannot be read fails at once and says so."""
    try:
        parameters = _job(arguments).get("parameters", {})
        seconds = max(0.0, float(parameters.get("seconds", DEFAULT_SECONDS)))
        failure, last_failing = parameters.get("fail"), parameters.get("failAttempts")
        fails = failure is not None and (last_failing is None or _attempt(arguments) <= int(last_failing))
    except (ValueError, TypeError, AttributeError) as error:
        return Fate(0.0, f"ValueError: the arguments of a simulated run cannot be read: {error}")
    return Fate(seconds, str(failure) if fails else None)


def manifest_of(arguments: Sequence[str], now: datetime) -> tuple[str, bytes] | None:
    """Where a simulated run's manifest goes and what it says; none when the run names no output."""
    output = option(arguments, "--output")
    if output is None:
        return None
    job, attempt = _job(arguments), _attempt(arguments)
    manifest: dict[str, Any] = {
        "manifestVersion": 1,
        "jobId": job.get("jobId"),
        "attempt": attempt,
        "jobType": "simulated",
        "jobTypeVersion": job.get("jobTypeVersion"),
        "createdAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "files": [],
        "totals": {"files": 0, "rows": 0, "sizeBytes": 0},
        "schema": None,
        "inputs": [],
        "counts": {"rowsRead": 0, "rowsWritten": 0, "rowsRejected": 0},
    }
    return f"{output}attempt-{attempt}/{MANIFEST}", json.dumps(manifest).encode()


def _job(arguments: Sequence[str]) -> Mapping[str, Any]:
    """What `--job` says; nothing when it is no JSON object (runs simulated by a fault may run any program)."""
    try:
        job = json.loads(option(arguments, "--job") or "{}")
    except ValueError:
        return {}
    return job if isinstance(job, dict) else {}


def _attempt(arguments: Sequence[str]) -> int:
    text = option(arguments, "--attempt") or "1"
    return int(text) if text.isdigit() else 1
