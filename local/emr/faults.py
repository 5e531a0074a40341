"""Faults on demand: what goes wrong next, as a document that tests and people can set while the service runs.

    {"seed": 7,
     "throttle":   {"StartJobRun": {"next": 3}},           refused with ThrottlingException
     "error":      {"GetJobRun": {"probability": 0.1}},    answered with InternalServerException, nothing done
     "answerLost": {"StartJobRun": {"next": 1}},           done, but the connection closes without an answer
     "capacity":   {"next": 2},                            accepted, then FAILED for want of vCPUs
     "failRuns":   {"next": 1, "point": "running", "text": "..."},   point: start (never RUNNING) or running
     "events":     {"lost": {"next": 1}, "lateSeconds": 5, "copies": 2},
     "slowStartSeconds": 3,                                longer in SCHEDULED
     "simulateSeconds": 2}                                 every new run is simulated and lasts this long

A chance is {"next": N} (the next N times) or {"probability": P}. What the document leaves out does not happen.
"""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.emr.wire import OPERATIONS

POINTS = ("start", "running")
DEFAULT_SEED = 1


class BadFaults(Exception):
    """The document is none; the text says where and why."""


@dataclass
class Chance:
    """Whether something happens this time: for the next few times, or by probability."""

    next: int = 0
    probability: float = 0.0

    def draw(self, random_source: random.Random) -> bool:
        """Whether it happens now; one of the next times is used up."""
        if self.next > 0:
            self.next -= 1
            return True
        return self.probability > 0 and random_source.random() < self.probability


@dataclass(frozen=True)
class Faults:
    """A document of faults, read."""

    seed: int = DEFAULT_SEED
    throttle: Mapping[str, Chance] = field(default_factory=dict)
    error: Mapping[str, Chance] = field(default_factory=dict)
    answer_lost: Mapping[str, Chance] = field(default_factory=dict)
    capacity: Chance = field(default_factory=Chance)
    fail_runs: Chance = field(default_factory=Chance)
    fail_point: str = "running"
    fail_text: str = "Job failed on demand"
    events_lost: Chance = field(default_factory=Chance)
    events_late_seconds: float = 0.0
    event_copies: int = 1
    slow_start_seconds: float = 0.0
    simulate_seconds: float | None = None


class FaultBox:
    """The faults in force, shared by all parts of the service."""

    def __init__(self, faults: Faults) -> None:
        self._lock = threading.Lock()
        self.replace(faults)

    def replace(self, faults: Faults) -> None:
        """Put other faults in force, with a fresh random source."""
        with self._lock:
            self.faults = faults
            self._random = random.Random(faults.seed)  # repeatable on purpose

    def happens(self, chance: Chance | None) -> bool:
        """Whether this chance comes true now."""
        with self._lock:
            return chance is not None and chance.draw(self._random)


def read_faults(document: Any) -> Faults:
    """The faults that a JSON document describes.

    Raises: BadFaults.
    """
    top = _object(document, "the document", set(READERS))
    values: dict[str, Any] = {}
    for name, value in top.items():
        values.update(READERS[name](value, name))
    return Faults(**values)


def write_faults(faults: Faults) -> dict[str, Any]:
    """The document of the faults in force; chances show what is left of them."""
    fail = {**_written(faults.fail_runs), "point": faults.fail_point, "text": faults.fail_text}
    return {
        "seed": faults.seed,
        "throttle": {name: _written(chance) for name, chance in faults.throttle.items()},
        "error": {name: _written(chance) for name, chance in faults.error.items()},
        "answerLost": {name: _written(chance) for name, chance in faults.answer_lost.items()},
        "capacity": _written(faults.capacity),
        "failRuns": fail,
        "events": {
            "lost": _written(faults.events_lost),
            "lateSeconds": faults.events_late_seconds,
            "copies": faults.event_copies,
        },
        "slowStartSeconds": faults.slow_start_seconds,
        "simulateSeconds": faults.simulate_seconds,
    }


def _written(chance: Chance) -> dict[str, float]:
    return {"probability": chance.probability} if chance.probability else {"next": chance.next}


def _object(value: Any, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFaults(f"{where} must be an object")
    unknown = sorted(set(value) - known)
    if unknown:
        raise BadFaults(f"{where} has unknown members: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return value


def _number(value: Any, where: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadFaults(f"{where} must be a number from {least:g} to {most:g}")
    return float(value)


def _whole(value: Any, where: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadFaults(f"{where} must be a whole number from {least} to {most}")
    return value


def _chance(value: Any, where: str, others: frozenset[str] = frozenset()) -> Chance:
    given = _object(value, where, {"next", "probability", *others})
    if ("next" in given) == ("probability" in given):
        raise BadFaults(f"{where} needs either next or probability")
    if "next" in given:
        return Chance(next=_whole(given["next"], f"{where}.next", 0, 1_000_000))
    return Chance(probability=_number(given["probability"], f"{where}.probability", 0, 1))


def _chances(value: Any, where: str) -> dict[str, Chance]:
    given = _object(value, where, set(OPERATIONS))
    return {operation: _chance(chance, f"{where}.{operation}") for operation, chance in given.items()}


def _fail_runs(value: Any, where: str) -> dict[str, Any]:
    chance = _chance(value, where, frozenset({"point", "text"}))
    read: dict[str, Any] = {"fail_runs": chance}
    if "point" in value:
        if value["point"] not in POINTS:
            raise BadFaults(f"{where}.point must be one of {', '.join(POINTS)}")
        read["fail_point"] = value["point"]
    if "text" in value:
        if not isinstance(value["text"], str) or not value["text"].strip():
            raise BadFaults(f"{where}.text must be a sentence")
        read["fail_text"] = value["text"]
    return read


def _events(value: Any, where: str) -> dict[str, Any]:
    given = _object(value, where, {"lost", "lateSeconds", "copies"})
    read: dict[str, Any] = {}
    if "lost" in given:
        read["events_lost"] = _chance(given["lost"], f"{where}.lost")
    if "lateSeconds" in given:
        read["events_late_seconds"] = _number(given["lateSeconds"], f"{where}.lateSeconds", 0, 86_400)
    if "copies" in given:
        read["event_copies"] = _whole(given["copies"], f"{where}.copies", 1, 100)
    return read


def _simulate(value: Any, where: str) -> dict[str, Any]:
    return {"simulate_seconds": None if value is None else _number(value, where, 0, 86_400)}


READERS: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "seed": lambda value, where: {"seed": _whole(value, where, 0, 2**63)},
    "throttle": lambda value, where: {"throttle": _chances(value, where)},
    "error": lambda value, where: {"error": _chances(value, where)},
    "answerLost": lambda value, where: {"answer_lost": _chances(value, where)},
    "capacity": lambda value, where: {"capacity": _chance(value, where)},
    "failRuns": _fail_runs,
    "events": _events,
    "slowStartSeconds": lambda value, where: {"slow_start_seconds": _number(value, where, 0, 86_400)},
    "simulateSeconds": _simulate,
}
