"""What is changed when a failed job is replayed: `size=medium`, `parameters.delimiter=;`, or the same as an object."""

import copy
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.errors import FieldProblem, ValidationFailed
from shared.models import OnOutOfMemory
from shared.schema_problems import pointer_to, shown
from shared.sizes import SIZE_RULE, Size, size_from_json, size_problems
from shared.submission import (
    LARGEST_LIMIT_USD,
    LEAST_LIMIT_USD,
    LONGEST_TIMEOUT_SECONDS,
    MOST_ATTEMPTS,
    SHORTEST_TIMEOUT_SECONDS,
    Submission,
    canonical_json,
)

# Ours alone. Changing it makes new jobs of everything that was replayed before.
REPLAYED_JOBS = uuid.UUID("0d9f6c1e-7f0a-5a53-9d0e-3c1f1c7a2b64")
PARAMETERS = "parameters."


@dataclass(frozen=True)
class Edits:
    """New values by path; None takes a parameter away."""

    values: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        """The same text for the same edits, in whatever order they were given."""
        return canonical_json(self.values)

    def apply(self, asked: Submission) -> Submission:
        """What is asked for instead. Raises: ValidationFailed for a path that leads through something else."""
        fields = {FIELDS[path].name: FIELDS[path].read(value) for path, value in self.values.items() if path in FIELDS}
        parameters = copy.deepcopy(dict(asked.parameters))
        for path, value in self.values.items():
            if path.startswith(PARAMETERS):
                _put(parameters, path, value)
        return replace(asked, parameters=parameters, **fields)


NO_EDITS = Edits({})


@dataclass(frozen=True)
class Field:
    """A field that may be edited: what it is called in a submission, what it may be, how it is read, what is wrong."""

    name: str
    is_right: Callable[[Any], bool]
    rule: str
    read: Callable[[Any], Any] = lambda value: value
    more: Callable[[Any], str] = lambda _value: ""


def _is_size(value: Any) -> bool:
    return isinstance(value, Size) or not size_problems(value)


def _wrong_in_size(value: Any) -> str:
    return "".join(f" {problem.pointer}: {problem.message}" for problem in size_problems(value) if problem.pointer)


def _whole_number(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_limit(value: Any) -> bool:
    if value is None:
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and LEAST_LIMIT_USD <= value <= LARGEST_LIMIT_USD


FIELDS: Mapping[str, Field] = {
    "size": Field("size", _is_size, SIZE_RULE, size_from_json, _wrong_in_size),
    "timeoutSeconds": Field(
        "timeout_seconds",
        _whole_number(SHORTEST_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS),
        f"a whole number from {SHORTEST_TIMEOUT_SECONDS} to {LONGEST_TIMEOUT_SECONDS}",
    ),
    "maxAttempts": Field("max_attempts", _whole_number(1, MOST_ATTEMPTS), f"a whole number from 1 to {MOST_ATTEMPTS}"),
    "onOutOfMemory": Field(
        "on_out_of_memory", lambda value: value in [*OnOutOfMemory], f"one of {', '.join(OnOutOfMemory)}", OnOutOfMemory
    ),
    "maxCostUsd": Field(
        "max_cost_usd",
        _is_limit,
        f"a number from {LEAST_LIMIT_USD} to {LARGEST_LIMIT_USD}, or null for no limit",
        lambda value: None if value is None else float(value),
    ),
}


def read_edits(assignments: Sequence[str]) -> Edits:
    """The edits of `path=value` texts; a value is JSON where it can be, else the text itself.

    Raises: ValidationFailed with all that is wrong. What a parameter may be, its job's type says later.
    """
    pairs = [assignment.partition("=") for assignment in assignments]
    values = {path: _value_of(text) for path, _, text in pairs}
    paths = [path for path, _, _ in pairs]
    problems = [FieldProblem(path, text) for path, equals, _ in pairs for text in _problems(path, equals, values[path])]
    problems += [FieldProblem(path, f"{path} is set twice.") for path in sorted(set(paths)) if paths.count(path) > 1]
    if problems:
        raise ValidationFailed(" ".join(problem.message for problem in problems), problems)
    return Edits({path: _as_in_json_of_the_api(path, value) for path, value in values.items()})


def _as_in_json_of_the_api(path: str, value: Any) -> Any:
    """The value as the API reads it: 5 and 5.0 are one amount, and must make one job."""
    return FIELDS[path].read(value) if path == "maxCostUsd" else value


def edits_of(overrides: Mapping[str, Any]) -> Edits:
    """The edits of an object such as `{"size": "medium", "parameters": {"delimiter": ";"}}`, merged as RFC 7396 says.

    Raises: ValidationFailed with all that is wrong with its names, as JSON pointers into it. What a parameter may be,
    its job's type says later.
    """
    values = {path: overrides[path] for path in FIELDS if path in overrides}
    pairs = list(_leaves((PARAMETERS.rstrip("."),), overrides.get("parameters", {})))
    problems = [
        FieldProblem(pointer_to(names), text) for names, value in pairs for text in _name_problems(names, value)
    ]
    if problems:
        raise ValidationFailed(" ".join(problem.message for problem in problems), problems)
    return Edits({**values, **{".".join(names): value for names, value in pairs}})


def overrides_of(edits: Edits) -> dict[str, Any]:
    """The same edits as an object, which `edits_of` reads."""
    overrides: dict[str, Any] = {}
    for path, value in edits.values.items():
        *folders, last = path.split(".")
        inner = overrides
        for name in folders:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return overrides


def _leaves(names: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is no object, and every empty object, by the names that lead to it."""
    if not isinstance(value, Mapping) or (not value and len(names) > 1):
        yield names, value
        return
    for name, inner in value.items():
        yield from _leaves((*names, name), inner)


def _name_problems(names: tuple[str, ...], value: Any) -> list[str]:
    if value == {}:
        return [f"{'.'.join(names)} is an empty object, which changes nothing; null takes it away."]
    if any(not name or "." in name for name in names):
        return ["A parameter whose name is empty or has a dot cannot be set."]
    return []


def field_problems(asked: Submission) -> list[FieldProblem]:
    """What is wrong with the fields that may be edited, edited or not."""
    values = {path: getattr(asked, field.name) for path, field in FIELDS.items()}
    return [FieldProblem(f"/{path}", text) for path, value in values.items() for text in _field_problem(path, value)]


def _field_problem(path: str, value: Any) -> list[str]:
    field = FIELDS[path]
    return [] if field.is_right(value) else [f"{path} must be {field.rule}, not {shown(value)}.{field.more(value)}"]


def _value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _problems(path: str, equals: str, value: Any) -> list[str]:
    if not equals:
        return [f"{path!r} has no value: write {path}=VALUE."]
    if path in FIELDS:
        return _field_problem(path, value)
    if path.startswith(PARAMETERS) and all(path.split(".")):
        return []
    return [f"There is no {path!r} to set; there are {', '.join(FIELDS)} and {PARAMETERS}NAME."]


def _put(parameters: dict[str, Any], path: str, value: Any) -> None:
    *folders, last = path.split(".")[1:]
    inner: Any = parameters
    for name in folders:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            text = f"{path} cannot be set: {name} is {shown(inner)}."
            raise ValidationFailed(text, [FieldProblem(f"/{path.replace('.', '/')}", text)])
    if value is None:
        inner.pop(last, None)
    else:
        inner[last] = value


def replayed_job_id(failure_id: str, edits: Edits, salt: str) -> str:
    """The one id that this replay of this failure can have."""
    return str(uuid.uuid5(REPLAYED_JOBS, "\0".join((failure_id, edits.canonical, salt))))
