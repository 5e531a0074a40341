"""Whether one version of a contract may follow another: semantic versions, by what each change means for rows.

| step | from, to | what may differ |
|---|---|---|
| patch | 1.2.3, 1.2.4 | nothing that is checked |
| minor | 1.2.3, 1.3.0 | what leaves every row valid that was valid, and every file with a header |
| major | 1.2.3, 2.0.0 | anything |

Of major version 0 anything may differ (semver.org, 4): it is for drafts.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.contracts.contracts import BITS, COLUMNS, Bound, Contract, ContractColumn, Version, decimal_of
from shared.errors import FieldProblem
from shared.schema_problems import shown

# By the dataclass's fields, the fields of the document that state them, below the column.
PLACES = {
    "name": "name",
    "type": "logicalType",
    "required": "required",
    "unique": "unique",
    "in_key": "primaryKey",
    "lowest": "logicalTypeOptions",
    "highest": "logicalTypeOptions",
    "min_length": "logicalTypeOptions/minLength",
    "max_length": "logicalTypeOptions/maxLength",
    "pattern": "logicalTypeOptions/pattern",
    "classification": "classification",
}


@dataclass(frozen=True)
class Change:
    """A difference that a step does not allow: of which column (None for the table), in which field, and why."""

    column: str | None
    field: str
    why: str


Changes = Iterator[Change]


def neighbours(version: Version, others: Collection[Version]) -> tuple[Version | None, Version | None]:
    """The nearest lower and the nearest higher of a version's own major."""
    same = [other for other in others if other[0] == version[0]]
    lower = max((other for other in same if other < version), default=None)
    higher = min((other for other in same if other > version), default=None)
    return lower, higher


def forbidden_changes(older: Contract, newer: Contract, from_: Version, to: Version) -> list[Change]:
    """What keeps `newer` from following `older`, within one major version; the order of the columns included."""
    if from_[0] == 0:
        return []
    if from_[:2] == to[:2]:
        return [*_changed_columns(older, newer), *_changed_order(older, newer)]
    return list(_tightened(older, newer))


def change_problems(stated: Contract, changes: list[Change], against: str) -> list[FieldProblem]:
    """Changes as problems of the document whose contract is `stated`; `against` says what it was compared with."""
    places = {column.name.lower(): number for number, column in enumerate(stated.columns)}

    def pointer(change: Change) -> str:
        number = places.get((change.column or "").lower())
        return COLUMNS if number is None else f"{COLUMNS}/{number}/{PLACES[change.field]}"

    return [FieldProblem(pointer(change), f"Against {against}: {change.why}") for change in changes]


def _changed_columns(older: Contract, newer: Contract) -> Changes:
    """Every difference in what is checked."""
    before, after = older.by_name, newer.by_name
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Change(before[name].name, "name", f"The column {before[name].name!r} is gone.")
        elif name not in before:
            yield Change(after[name].name, "name", f"The column {after[name].name!r} is new.")
        else:
            yield from _changed_fields(before[name], after[name])


def _changed_fields(before: ContractColumn, after: ContractColumn) -> Changes:
    for each in fields(ContractColumn):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if old != new:
            why = f"A patch changes nothing that is checked, but it was {_shown(old)} and is {_shown(new)}."
            yield Change(after.name, each.name, why)


def _tightened(older: Contract, newer: Contract) -> Changes:
    """Every difference by which a row that was valid may not be."""
    before, after = older.by_name, newer.by_name
    for name, old in before.items():
        if name not in after:
            yield Change(old.name, "name", f"The column {old.name!r} is gone, so files that have it are not valid.")
        else:
            yield from _tightened_column(old, after[name])
    for name, new in after.items():
        if name not in before and new.required:
            yield Change(new.name, "required", "A new column must not be required: older files do not have it.")
    yield from _changed_order(older, newer)
    for key in sorted(map(sorted, newer.keys)):
        if not any(old_key <= set(key) for old_key in older.keys):
            column = newer.by_name[key[0]]
            field = "in_key" if column.in_key else "unique"
            yield Change(column.name, field, f"Rows with the same {', '.join(key)} were valid.")


def _changed_order(older: Contract, newer: Contract) -> Changes:
    """The columns that both have must stand in one order."""
    before = [name for name in older.by_name if name in newer.by_name]
    after = [name for name in newer.by_name if name in older.by_name]
    if before != after:
        yield Change(None, "name", f"The columns stood in the order {', '.join(before)}.")


def _tightened_column(old: ContractColumn, new: ContractColumn) -> Changes:
    if new.name != old.name:
        yield Change(new.name, "name", f"It was written {old.name!r}, and outputs are read by that name.")
    if not _takes_all_of(old.type, new.type):
        yield Change(new.name, "type", f"It was {old.type}, of which not every value is one of {new.type}.")
        return  # ranges of two types cannot be compared
    if new.required and not old.required:
        yield Change(new.name, "required", "Rows without a value were valid.")
    if _is_tighter(old.lowest, new.lowest, inwards=1):
        yield Change(new.name, "lowest", f"The least value was {_shown(old.lowest)} and is {_shown(new.lowest)}.")
    if _is_tighter(old.highest, new.highest, inwards=-1):
        yield Change(new.name, "highest", f"The greatest value was {_shown(old.highest)} and is {_shown(new.highest)}.")
    if new.min_length > old.min_length:
        yield Change(new.name, "min_length", f"Texts of {old.min_length} characters were valid.")
    if new.max_length is not None and (old.max_length is None or new.max_length < old.max_length):
        yield Change(new.name, "max_length", f"Longer texts were valid: {_shown(old.max_length)}.")
    if new.pattern is not None and new.pattern != old.pattern:
        yield Change(new.name, "pattern", f"It was {_shown(old.pattern)}; whether this matches the same is not known.")


def _takes_all_of(old: str, new: str) -> bool:
    """Whether each text that is a value of the one type is the same value of the other.

    Floats and decimals are rounded to what they hold, so another size or scale makes other values of them.
    """
    if old == new:
        return True
    if old in BITS and new in BITS:
        return BITS[old] <= BITS[new]
    if old.startswith("decimal") and new.startswith("decimal"):
        (old_digits, old_scale), (new_digits, new_scale) = decimal_of(old), decimal_of(new)
        return old_scale == new_scale and old_digits <= new_digits
    return False


def _is_tighter(old: Bound | None, new: Bound | None, inwards: int) -> bool:
    """Whether an end of a range moved; `inwards` is 1 where greater is nearer to the middle, else -1."""
    if new is None or old is None:
        return new is not None
    if old.value == new.value:
        return new.is_exclusive and not old.is_exclusive
    is_greater: bool = new.value > old.value  # type: ignore[operator]
    return is_greater == (inwards > 0)


def _shown(value: Any) -> str:
    """What a column said, as a sentence has it."""
    if value is None:
        return "nothing"
    if isinstance(value, Bound):
        return f"{_shown(value.value)}{' (excluded)' if value.is_exclusive else ''}"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else shown(value)
