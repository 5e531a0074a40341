"""DynamoDB's condition, filter and update expressions, as far as our stores write them; any other is refused.

An expression is parsed once into functions, since simulations evaluate the same ones a million times.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

TOKEN = re.compile(r"\s*([#:]?[A-Za-z_][\w]*|<>|<=|>=|[=<>(),.+-])")
ABSENT = object()
Names, Values, Plain = dict[str, str], dict[str, Any], dict[str, Any]
# What an expression comes to, given the item, the names and the values (as plain Python).
Meaning = Callable[[Plain, Names, Values], Any]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Change:
    """One part of an update: SET, REMOVE or ADD, the path, and what it is set to or longer by."""

    kind: str
    path: tuple[str, ...]
    value: Meaning | None
    placeholder: str | None


def path_of(path: tuple[str, ...], names: Names) -> list[str]:
    """The real names of a path."""
    return [names[part] if part.startswith("#") else part for part in path]


def found(item: Plain, path: list[str]) -> Any:
    """What lies at a path, or ABSENT."""
    inner: Any = item
    for name in path:
        if not isinstance(inner, dict) or name not in inner:
            return ABSENT
        inner = inner[name]
    return inner


class Parser:
    """Reads one expression, token by token."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at, text = 0, text.strip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise NotImplementedError(f"the fake does not know the expression {text!r}")
            self.tokens.append(match[1])
            at = match.end()
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.next
        if wanted and token not in wanted:
            raise NotImplementedError(f"the fake expects one of {wanted}, not {token!r} in {' '.join(self.tokens)}")
        self.at += 1
        return token

    def path(self) -> tuple[str, ...]:
        parts = [self.take()]
        while self.next == ".":
            self.take(".")
            parts.append(self.take())
        return tuple(parts)

    def call(self) -> list[Any]:
        """The arguments of a function: a path, then operands."""
        self.take("(")
        arguments: list[Any] = [self.path()]
        while self.take(",", ")") == ",":
            arguments.append(self.operand())
        return arguments

    def operand(self) -> Meaning:
        token = self.next
        if token.startswith(":"):
            self.take()
            return lambda item, names, values: values[token]
        if token == "size":
            self.take()
            (path,) = self.call()
            return lambda item, names, values: _size(found(item, path_of(path, names)))
        if token == "if_not_exists":
            self.take()
            path, other = self.call()
            return lambda item, names, values: _or_else(found(item, path_of(path, names)), other, item, names, values)
        path = self.path()
        return lambda item, names, values: found(item, path_of(path, names))

    def any_of(self) -> Meaning:
        parts = [self.all_of()]
        while self.next == "OR":
            self.take()
            parts.append(self.all_of())
        return lambda item, names, values: any(part(item, names, values) for part in parts)

    def all_of(self) -> Meaning:
        parts = [self.one()]
        while self.next == "AND":
            self.take()
            parts.append(self.one())
        if len(parts) == 1:
            return parts[0]
        return lambda item, names, values: all(part(item, names, values) for part in parts)

    def one(self) -> Meaning:
        if self.next == "(":
            self.take()
            inner = self.any_of()
            self.take(")")
            return inner
        if self.next == "NOT":
            self.take()
            refused = self.one()
            return lambda item, names, values: not refused(item, names, values)
        if self.next in ("attribute_exists", "attribute_not_exists"):
            wanted = self.take() == "attribute_exists"
            (path,) = self.call()
            return lambda item, names, values: (found(item, path_of(path, names)) is not ABSENT) is wanted
        if self.next in ("contains", "begins_with"):
            kind = self.take()
            path, operand = self.call()
            return lambda item, names, values: _holds(
                kind, found(item, path_of(path, names)), operand(item, names, values)
            )
        return self.comparison()

    def comparison(self) -> Meaning:
        left = self.operand()
        if self.next == "IN":
            self.take()
            self.take("(")
            allowed = [self.operand()]
            while self.take(",", ")") == ",":
                allowed.append(self.operand())
            return lambda item, names, values: (
                left(item, names, values) in [each(item, names, values) for each in allowed]
            )
        if self.next == "BETWEEN":
            self.take()
            least = self.operand()
            self.take("AND")
            most = self.operand()
            return lambda item, names, values: (
                _compares("<=", least(item, names, values), left(item, names, values))
                and _compares("<=", left(item, names, values), most(item, names, values))
            )
        sign, right = self.take(*COMPARE), self.operand()
        return lambda item, names, values: _compares(sign, left(item, names, values), right(item, names, values))

    def term(self) -> Meaning:
        value = self.operand()
        while self.next in ("+", "-"):
            sign, left, right = (1 if self.take() == "+" else -1), value, self.operand()
            value = _summing(left, sign, right)
        return value

    def update(self) -> list[Change]:
        changes: list[Change] = []
        while self.next:
            kind = self.take("SET", "REMOVE", "ADD")
            changes.append(self.change(kind))
            while self.next == ",":
                self.take()
                changes.append(self.change(kind))
        return changes

    def change(self, kind: str) -> Change:
        path = self.path()
        if kind == "REMOVE":
            return Change(kind, path, None, None)
        if kind == "SET":
            self.take("=")
        begun = self.at
        value = self.term()
        alone = self.at == begun + 1 and self.tokens[begun].startswith(":")
        return Change(kind, path, value, self.tokens[begun] if alone else None)


def _summing(left: Meaning, sign: int, right: Meaning) -> Meaning:
    def total(item: Plain, names: Names, values: Values) -> Any:
        first, second = left(item, names, values), right(item, names, values)
        if first is ABSENT or second is ABSENT:
            raise ValueError("The provided expression refers to an attribute that does not exist in the item")
        return first + sign * second

    return total


def _size(value: Any) -> Any:
    return ABSENT if value is ABSENT else len(value)


def _or_else(value: Any, other: Meaning, item: Plain, names: Names, values: Values) -> Any:
    return other(item, names, values) if value is ABSENT else value


def _compares(sign: str, left: Any, right: Any) -> bool:
    if left is ABSENT or right is ABSENT:
        return sign == "<>"
    return type(left) is type(right) and COMPARE[sign](left, right)


def _holds(kind: str, value: Any, wanted: Any) -> bool:
    if value is ABSENT:
        return False
    return wanted in value if kind == "contains" else str(value).startswith(wanted)


@cache
def condition(text: str) -> Meaning:
    """What a condition or a filter says of an item: true or false."""
    parser = Parser(text)
    meaning = parser.any_of()
    if parser.next:
        raise NotImplementedError(f"the fake does not know the end of {text!r}")
    return meaning


@cache
def changes(text: str) -> list[Change]:
    """The parts of an update expression, in their order."""
    return Parser(text).update()


def changed(item: Plain, text: str, names: Names, values: Values) -> Plain:
    """A copy of the item after an update. Raises: ValueError where DynamoDB answers ValidationException."""
    after = dict(item)
    for change in changes(text):
        path = path_of(change.path, names)
        value = None if change.value is None else change.value(item, names, values)
        _put(after, path, change.kind, value)
    return after


def _put(item: Plain, path: list[str], kind: str, value: Any) -> None:
    *folders, last = path
    inner = item
    for name in folders:
        if not isinstance(inner.get(name), dict):
            raise ValueError("The document path provided in the update expression is invalid for update")
        inner[name] = dict(inner[name])
        inner = inner[name]
    if kind == "REMOVE":
        inner.pop(last, None)
    elif kind == "ADD":
        inner[last] = inner.get(last, 0) + value
    else:
        inner[last] = value
