"""What IAM would say of a right: the part of its logic that our policies use, and no more.

What is not known here raises, so that no policy is judged by half (IAM User Guide, Policy evaluation logic and
Condition operators).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

KNOWN_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
# Where a condition's key is not there, these hold; all others do not.
NEGATED = ("StringNotEquals",)
OPERATORS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool", "ForAnyValue:StringEquals", *NEGATED)


class NotUnderstood(Exception):
    """A policy says something that this evaluator does not know."""


@dataclass(frozen=True)
class Need:
    """A right: one action on one resource, and what IAM would know of the request (key, value).

    The resource may be a pattern that ends with `*`: then all that it matches is meant.
    """

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        known = "".join(f", {key} {value}" for key, value in self.context)
        return f"{self.action} on {self.resource}{known}"


@dataclass(frozen=True)
class Condition:
    """One line of a condition: it holds if the request's value of the key is like one of the values."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, need: Need) -> bool:
        """Whether it holds for what is known of the request; an unknown key fulfils only what is negated."""
        known = dict(need.context).get(self.key)
        if self.operator in NEGATED:
            return known not in self.values
        if known is None:
            return False
        if self.operator in ("StringLike", "ArnLike"):
            return any(pattern_of(value).fullmatch(known) for value in self.values)
        return known in self.values


@dataclass(frozen=True)
class Statement:
    """A statement of a policy. Without a Sid it is named by its place."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()

    def speaks_of(self, need: Need) -> bool:
        """Whether the need is one that this statement allows or denies."""
        return (
            any(pattern_of(each.lower()).fullmatch(need.action.lower()) for each in self.actions)
            and any(pattern_of(each).fullmatch(need.resource) for each in self.resources)
            and all(condition.holds(need) for condition in self.conditions)
        )


def statements_from(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a resolved policy document. Raises: NotUnderstood."""
    return [_statement_from(each, f"statement {place}") for place, each in enumerate(document["Statement"])]


def _statement_from(node: Mapping[str, Any], name: str) -> Statement:
    unknown = set(node) - KNOWN_KEYS
    if unknown or node["Effect"] not in ("Allow", "Deny"):
        raise NotUnderstood(f"{name} has {sorted(unknown) or node['Effect']}")
    conditions = [
        Condition(operator, key, tuple(listed(values)))
        for operator, lines in node.get("Condition", {}).items()
        for key, values in lines.items()
    ]
    for condition in conditions:
        if condition.operator not in OPERATORS:
            raise NotUnderstood(f"{name} has a condition by {condition.operator}")
    return Statement(
        node.get("Sid", name),
        node["Effect"] == "Allow",
        tuple(listed(node["Action"])),
        tuple(listed(node["Resource"])),
        tuple(conditions),
    )


def is_allowed(statements: Iterable[Statement], need: Need) -> bool:
    """Whether a statement allows it and none denies it."""
    speaking = [each for each in statements if each.speaks_of(need)]
    return bool(speaking) and all(each.allows for each in speaking)


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    """IAM's wildcards as a regular expression: `*`, `?`, and `${*}`, `${?}`, `${$}` for the characters themselves."""
    parts = re.split(r"(\$\{[*?$]\}|\*|\?)", text)
    forms = {"*": ".*", "?": "."}
    return re.compile(
        "".join(forms.get(part) or re.escape(part[2] if part[:2] == "${" else part) for part in parts), re.S
    )


def listed(value: Any) -> Sequence[str]:
    """One or many, as many; a number or a truth as the text that IAM reads."""
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
