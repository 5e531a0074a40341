"""A data contract: what a table's rows must be, read from a document of the Open Data Contract Standard."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from shared.contracts.contract_patterns import pattern_problem
from shared.contracts.contract_schema import DECIMAL, DOCUMENT, NAME, VERSION
from shared.errors import FieldProblem, ValidationFailed
from shared.schema_problems import schema_problems, shown
from shared.submission import canonical_json

COLUMNS = "/schema/0/properties"
OPTIONS = "logicalTypeOptions"
INTEGERS = {"i8": "tinyint", "i16": "smallint", "i32": "int", "i64": "bigint"}
FLOATS = {"f32": "float", "f64": "double"}
BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

Version = tuple[int, int, int]
# What the ends of a range are; within one column always the same.
Value = Decimal | datetime


@dataclass(frozen=True)
class Bound:
    """One end of a range, and whether it is itself outside."""

    value: Value
    is_exclusive: bool


@dataclass(frozen=True)
class ContractColumn:
    """A column and what is checked of it. `type` is Spark SQL's name, such as `decimal(10,2)`."""

    name: str
    type: str
    required: bool = False
    unique: bool = False
    in_key: bool = False
    lowest: Bound | None = None
    highest: Bound | None = None
    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    classification: str | None = None


@dataclass(frozen=True)
class Contract:
    """The columns of a table, in their order."""

    columns: tuple[ContractColumn, ...]

    @property
    def by_name(self) -> dict[str, ContractColumn]:
        """The columns by their names in small letters: to Spark, capitals make no difference."""
        return {column.name.lower(): column for column in self.columns}

    @property
    def keys(self) -> frozenset[frozenset[str]]:
        """The sets of columns, in small letters, whose values no two rows may have in common."""
        key = frozenset(column.name.lower() for column in self.columns if column.in_key)
        unique = {frozenset({column.name.lower()}) for column in self.columns if column.unique}
        return frozenset({key} | unique) - {frozenset()}


def read_reference(text: str) -> tuple[str, str] | None:
    """Name and version of `name/version`; None if it is nothing of the kind."""
    name, _, version = text.partition("/")
    return (name, version) if re.search(NAME, name) and re.search(VERSION, version) else None


def version_of(text: str) -> Version:
    """The numbers of a version, which order it among others."""
    major, minor, patch = (int(number) for number in text.split("."))
    return major, minor, patch


def text_of(version: Version) -> str:
    """A version as it is written."""
    return ".".join(map(str, version))


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """A document as it is stored: the same bytes for equal documents."""
    return canonical_json(document).encode()


def digest_of_document(document: Mapping[str, Any]) -> str:
    """What tells one document from another."""
    return hashlib.sha256(document_bytes(document)).hexdigest()


def read_contract(document: Mapping[str, Any]) -> Contract:
    """The contract of a document. Raises: ValidationFailed with all that is not possible here."""
    problems = schema_problems(DOCUMENT, document) or list(_problems_of_columns(_properties(document)))
    if problems:
        first = f"{problems[0].pointer or 'The document'}: {problems[0].message}"
        raise ValidationFailed(first, problems)
    return Contract(tuple(map(column_of, _properties(document))))


def require_identity(document: Mapping[str, Any], name: str, version: str) -> None:
    """Return if the document says that it has this name and version. Raises: ValidationFailed."""
    wanted = {"name": name, "version": version}
    problems = [
        FieldProblem(f"/{field}", f"It is {shown(document[field])}, but the path says {shown(value)}.")
        for field, value in wanted.items()
        if document[field] != value
    ]
    if problems:
        raise ValidationFailed(problems[0].message, problems)


def _properties(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = document["schema"][0]["properties"]
    return found


def column_of(stated: Mapping[str, Any]) -> ContractColumn:
    """A column as the document states it; the document has passed the schema."""
    options, kind = stated.get(OPTIONS, {}), type_of(stated)
    in_key, most = stated.get("primaryKey", False), options.get("maxLength")
    return ContractColumn(
        name=stated["name"],
        type=kind,
        required=stated.get("required", False) or in_key,
        unique=stated.get("unique", False),
        in_key=in_key,
        lowest=_of_type(_bound(options, "minimum", "exclusiveMinimum"), kind, 1),
        highest=_of_type(_bound(options, "maximum", "exclusiveMaximum"), kind, -1),
        min_length=int(options.get("minLength", 0)),
        max_length=None if most is None else int(most),
        pattern=options.get("pattern"),
        classification=stated.get("classification"),
    )


def type_of(stated: Mapping[str, Any]) -> str:
    """Spark SQL's name for a column's type."""
    logical, size = stated["logicalType"], stated.get(OPTIONS, {}).get("format")
    if logical == "integer":
        return INTEGERS[size or "i32"]
    if logical == "number":
        exact: str | None = stated.get("physicalType")
        return exact or FLOATS[size or "f64"]
    return str(logical)


def _bound(options: Mapping[str, Any], inclusive: str, exclusive: str) -> Bound | None:
    for name, is_exclusive in ((inclusive, False), (exclusive, True)):
        if name in options:
            return Bound(_value(options[name]), is_exclusive)
    return None


def _of_type(bound: Bound | None, kind: str, inwards: int) -> Bound | None:
    """More than 4 is 5 or more, among whole numbers."""
    if bound is None or kind not in BITS or not bound.is_exclusive:
        return bound
    return Bound(bound.value + inwards, is_exclusive=False)  # type: ignore[operator]


def _value(stated: Any) -> Value:
    if isinstance(stated, str):
        return datetime.fromisoformat(stated)
    return Decimal(str(stated))


def _problems_of_columns(columns: Sequence[Mapping[str, Any]]) -> Iterator[FieldProblem]:
    """What the schema cannot say of the columns."""
    seen: set[str] = set()
    for number, stated in enumerate(columns):
        at = f"{COLUMNS}/{number}"
        if stated["name"].lower() in seen:
            yield FieldProblem(f"{at}/name", f"Another column is called {shown(stated['name'])} (case is the same).")
        seen.add(stated["name"].lower())
        yield from _problems_of_type(stated, at)
        yield from _problems_of_options(stated, stated.get(OPTIONS, {}), f"{at}/{OPTIONS}")


def _problems_of_type(stated: Mapping[str, Any], at: str) -> Iterator[FieldProblem]:
    exact = stated.get("physicalType")
    if exact is None:
        return
    if "format" in stated.get(OPTIONS, {}):
        yield FieldProblem(f"{at}/physicalType", "A number has a format or a physicalType, not both.")
    digits, scale = decimal_of(exact)
    if scale > digits:
        yield FieldProblem(f"{at}/physicalType", f"Of {digits} digits {scale} cannot follow the point.")


def decimal_of(type_name: str) -> tuple[int, int]:
    """How many digits a `decimal(p,s)` has, and how many of them follow the point."""
    match = re.search(DECIMAL, type_name)
    if match is None:
        raise ValueError(type_name)
    return int(match[1]), int(match[2])


def _problems_of_options(stated: Mapping[str, Any], options: Mapping[str, Any], at: str) -> Iterator[FieldProblem]:
    if "pattern" in options and (problem := pattern_problem(options["pattern"])):
        yield FieldProblem(f"{at}/pattern", problem)
    if options.get("minLength", 0) > options.get("maxLength", options.get("minLength", 0)):
        yield FieldProblem(f"{at}/minLength", "No text is as long as minLength and as short as maxLength.")
    misfits = [
        FieldProblem(f"{at}/{name}", f"{shown(options[name])} is no value that a column of type {type_of(stated)} has.")
        for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        if name in options and not _is_value(options[name], type_of(stated))
    ]
    yield from misfits or _problems_of_range(options, at)


def _is_value(stated: Any, type_name: str) -> bool:
    if isinstance(stated, str):
        return _is_moment(stated)
    if type_name in BITS:
        most = 2 ** (BITS[type_name] - 1)
        return int(stated) in range(-most, most)
    if type_name == "float":
        return bool(abs(stated) <= 3.4e38)
    if type_name == "double":
        return True
    digits, scale = decimal_of(type_name)
    value = Fraction(str(stated))  # Decimal would round at 28 digits
    return bool(abs(value) < 10 ** (digits - scale)) and (value * 10**scale).denominator == 1


def _is_moment(stated: str) -> bool:
    try:
        datetime.fromisoformat(stated)
    except ValueError:
        return False
    return True


def _problems_of_range(options: Mapping[str, Any], at: str) -> Iterator[FieldProblem]:
    for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if inclusive in options and exclusive in options:
            yield FieldProblem(f"{at}/{exclusive}", f"Give {inclusive} or {exclusive}, not both.")
    low, high = _bound(options, "minimum", "exclusiveMinimum"), _bound(options, "maximum", "exclusiveMaximum")
    if low is None or high is None:
        return
    is_empty = low.value > high.value or (low.value == high.value and (low.is_exclusive or high.is_exclusive))  # type: ignore[operator]
    if is_empty:
        yield FieldProblem(at, "No value is within this range.")
