"""Which version of a contract may follow which: both sides of each rule."""

from typing import Any

import pytest

from shared.contracts.contract_changes import change_problems, forbidden_changes, neighbours
from shared.contracts.contracts import Contract, read_contract, version_of
from tests.unit.contracts.documents import COLUMNS, column, document

NUMBER = column("n", "number", physicalType="decimal(6,2)")


def contract(columns: list[dict[str, Any]]) -> Contract:
    return read_contract(document(*columns))


def changes(step: str, older: list[dict[str, Any]], newer: list[dict[str, Any]]) -> list[tuple[str | None, str]]:
    """What a step forbids: columns, and fields of theirs."""
    to = {"patch": "1.2.4", "minor": "1.3.0"}[step]
    found = forbidden_changes(contract(older), contract(newer), version_of("1.2.3"), version_of(to))
    return [(change.column, change.field) for change in found]


def of_column(older: dict[str, Any], newer: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    return [older], [newer]


KEPT_VALID = {
    "nothing": of_column(column(), column()),
    "a new column at the end": ([column("a")], [column("a"), column("b")]),
    "a new column in the middle": ([column("a"), column("c")], [column("a"), column("b"), column("c")]),
    "no longer required": of_column(column(required=True), column()),
    "no longer unique": of_column(column(unique=True), column()),
    "no longer the key": of_column(column(primaryKey=True), column()),
    "a key of one column is a unique one": of_column(column(primaryKey=True), column(unique=True)),
    "a unique column is a key": of_column(column(unique=True, required=True), column(primaryKey=True)),
    "a wider key": (
        [column("a", primaryKey=True), column("b", required=True)],
        [column("a", primaryKey=True), column("b", primaryKey=True)],
    ),
    "a larger integer": of_column(column(format="i8"), column(format="i64")),
    "more digits before the point": of_column(NUMBER, NUMBER | {"physicalType": "decimal(8,2)"}),
    "a lower minimum": of_column(column(minimum=1), column(minimum=0)),
    "a higher maximum": of_column(column(maximum=1), column(maximum=2)),
    "no minimum": of_column(column(minimum=1), column()),
    "no maximum": of_column(column(maximum=1), column()),
    "a minimum in other words": of_column(column(minimum=5), column(exclusiveMinimum=4)),
    "a minimum that counts itself": of_column(
        column("n", "number", exclusiveMinimum=1), column("n", "number", minimum=1)
    ),
    "an earlier day": of_column(
        column("d", "date", minimum="2020-01-02"), column("d", "date", minimum="2020-01-01")
    ),
    "a shorter text": of_column(column("t", "string", minLength=2), column("t", "string", minLength=1)),
    "a longer text": of_column(column("t", "string", maxLength=2), column("t", "string", maxLength=3)),
    "a text of any length": of_column(column("t", "string", maxLength=2), column("t", "string")),
    "no pattern": of_column(column("t", "string", pattern="a"), column("t", "string")),
    "another class": of_column(column(classification="public"), column(classification="pii")),
}  # fmt: skip


SAYS_THE_SAME = ("nothing", "a minimum in other words")


@pytest.mark.parametrize(("older", "newer"), KEPT_VALID.values(), ids=KEPT_VALID.keys())
def test_a_minor_version_may_take_more_rows(older, newer):
    assert changes("minor", older, newer) == []


MADE_INVALID = {
    "a column less": ([column("a"), column("b")], [column("a")], ("b", "name")),
    "a column in other letters": (*of_column(column("id"), column("ID")), ("ID", "name")),
    "a new required column": ([column("a")], [column("a"), column("b", required=True)], ("b", "required")),
    "another order": ([column("a"), column("b")], [column("b"), column("a")], (None, "name")),
    "required now": (*of_column(column(), column(required=True)), ("id", "required")),
    "unique now": (*of_column(column(), column(unique=True)), ("id", "unique")),
    "a key now": (*of_column(column(required=True), column(primaryKey=True)), ("id", "in_key")),
    "a narrower key": (
        [column("a", primaryKey=True), column("b", primaryKey=True)],
        [column("a", primaryKey=True), column("b", required=True)],
        ("a", "in_key"),
    ),
    "another key": (
        [column("a", primaryKey=True), column("b", required=True)],
        [column("a", required=True), column("b", primaryKey=True)],
        ("b", "in_key"),
    ),
    "a smaller integer": (*of_column(column(format="i32"), column(format="i16")), ("id", "type")),
    "another type": (*of_column(column(minimum=1), column("id", "date", minimum="2020-01-01")), ("id", "type")),
    "a time for a day": (
        *of_column(column("d", "date", minimum="2020-01-01"), column("d", "timestamp", minimum="2020-01-01T00:00:00Z")),
        ("d", "type"),
    ),
    "a text for a number": (*of_column(column(), column("id", "string")), ("id", "type")),
    "a larger float": (*of_column(column("n", "number", format="f32"), column("n", "number")), ("n", "type")),
    "fewer digits": (*of_column(NUMBER, NUMBER | {"physicalType": "decimal(5,2)"}), ("n", "type")),
    "more digits after the point": (*of_column(NUMBER, NUMBER | {"physicalType": "decimal(8,3)"}), ("n", "type")),
    "a higher minimum": (*of_column(column(minimum=1), column(minimum=2)), ("id", "lowest")),
    "a lower maximum": (*of_column(column(maximum=2), column(maximum=1)), ("id", "highest")),
    "a minimum": (*of_column(column(), column(minimum=1)), ("id", "lowest")),
    "a maximum": (*of_column(column(), column(maximum=1)), ("id", "highest")),
    "a minimum that excludes itself": (
        *of_column(column("n", "number", minimum=1), column("n", "number", exclusiveMinimum=1)),
        ("n", "lowest"),
    ),
    "a maximum that excludes itself": (
        *of_column(column("n", "number", maximum=1), column("n", "number", exclusiveMaximum=1)),
        ("n", "highest"),
    ),
    "a later day": (
        *of_column(column("d", "date", minimum="2020-01-01"), column("d", "date", minimum="2020-01-02")),
        ("d", "lowest"),
    ),
    "a longest text": (*of_column(column("t", "string"), column("t", "string", maxLength=9)), ("t", "max_length")),
    "a shorter longest text": (
        *of_column(column("t", "string", maxLength=2), column("t", "string", maxLength=1)),
        ("t", "max_length"),
    ),
    "a longer shortest text": (
        *of_column(column("t", "string", minLength=1), column("t", "string", minLength=2)),
        ("t", "min_length"),
    ),
    "a pattern": (*of_column(column("t", "string"), column("t", "string", pattern="a")), ("t", "pattern")),
    "another pattern": (
        *of_column(column("t", "string", pattern="a"), column("t", "string", pattern="a|b")),
        ("t", "pattern"),
    ),
}


@pytest.mark.parametrize(("older", "newer", "change"), MADE_INVALID.values(), ids=MADE_INVALID.keys())
def test_a_minor_version_may_take_no_row_less(older, newer, change):
    assert changes("minor", older, newer) == [change]


@pytest.mark.parametrize(
    ("older", "newer"),
    [found[:2] for name, found in {**KEPT_VALID, **MADE_INVALID}.items() if name not in SAYS_THE_SAME],
)
def test_a_patch_changes_nothing_that_is_checked(older, newer):
    assert changes("patch", older, newer) != []


@pytest.mark.parametrize("step", ["patch", "minor"])
def test_what_describes_may_change_at_any_time(step):
    told = [column() | {"description": "More.", "businessName": "Id", "tags": ["a"], "primaryKeyPosition": 1}]

    assert changes(step, [column()], told) == []


@pytest.mark.parametrize("to", ["0.1.1", "0.2.0"])
def test_a_draft_may_change_as_it_likes(to):
    found = forbidden_changes(
        contract([column("a")]), contract([column("b")]), version_of("0.1.0"), version_of(to)
    )  # fmt: skip

    assert found == []


@pytest.mark.parametrize(
    ("version", "others", "lower", "higher"),
    [
        ("1.1.0", [], None, None),
        ("1.1.0", ["0.9.0", "2.0.0"], None, None),
        ("1.1.0", ["1.0.0", "1.0.9"], "1.0.9", None),
        ("1.1.0", ["1.1.1", "1.2.0"], None, "1.1.1"),
        ("1.10.0", ["1.9.0", "1.11.0", "1.2.0"], "1.9.0", "1.11.0"),
    ],
)
def test_a_version_is_held_against_its_neighbours_in_its_major(version, others, lower, higher):
    wanted = tuple(version_of(each) if each else None for each in (lower, higher))

    assert neighbours(version_of(version), {version_of(other) for other in others}) == wanted


def test_changes_are_told_at_their_places_in_the_document():
    older = contract([column("a"), column("gone"), column("t", "string")])
    newer = contract([column("t", "string", maxLength=2), column("a", minimum=1)])
    found = forbidden_changes(older, newer, (1, 0, 0), (1, 1, 0))

    told = {problem.pointer: problem.message for problem in change_problems(newer, found, "1.0.0")}

    assert list(told) == [
        f"{COLUMNS}/1/logicalTypeOptions",
        COLUMNS,
        f"{COLUMNS}/0/logicalTypeOptions/maxLength",
    ]
    assert told[f"{COLUMNS}/1/logicalTypeOptions"] == "Against 1.0.0: The least value was nothing and is 1."
