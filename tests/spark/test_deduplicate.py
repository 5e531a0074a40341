"""deduplicate: one row for each key, the same one whatever the files and their order, and the others set aside."""

import json

import pytest

from spark_jobs.deduplicate import Parameters, with_places


def deduplicate(platform, content, parameters, key="table.csv"):
    return platform.run("deduplicate", {"table": platform.put(key, content)}, parameters)


def rejected_rows(attempt):
    return sorted(
        (json.loads(line) for path in attempt.folder.glob("rejected/*.json") for line in path.read_text().splitlines()),
        key=json.dumps,
    )


KEPT = {
    "the first by a column": ({"keys": ["id"], "orderBy": "at"}, [(1, 10, "b"), (2, 7, "c"), (3, None, "d")]),
    "the last by a column": (
        {"keys": ["id"], "orderBy": "at", "keep": "last"}, [(1, 30, "a"), (2, 7, "c"), (3, None, "d")],
    ),
    "the least of all columns": ({"keys": ["id"]}, [(1, 10, "b"), (2, 7, "c"), (3, None, "d")]),
    "several keys": (
        {"keys": ["id", "name"], "orderBy": "at", "keep": "last"},
        [(1, 10, "b"), (1, 30, "a"), (2, 7, "c"), (2, None, "z"), (3, None, "d")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("parameters", "kept"), KEPT.values(), ids=KEPT.keys())
def test_of_the_rows_with_the_same_keys_one_is_kept(platform, parameters, kept):
    attempt = deduplicate(platform, "id,at,name\n1,30,a\n1,10,b\n1,20,a\n2,7,c\n2,,z\n3,,d\n", parameters)

    assert platform.tuples(attempt) == sorted(kept, key=repr)
    assert attempt.counts == {"rowsRead": 6, "rowsWritten": len(kept), "rowsRejected": 6 - len(kept)}


def test_the_other_rows_are_set_aside_whole(platform):
    attempt = deduplicate(platform, "id,name\n1,a\n1,b\n2,c\n", {"keys": ["id"]})

    reason = "Another row with the same id was kept"
    assert rejected_rows(attempt) == [{"row": {"id": 1, "name": "b"}, "reason": reason}]


def test_a_missing_key_is_a_value_like_any_other(platform):
    attempt = deduplicate(platform, "id,name\n,a\n,b\n1,c\n", {"keys": ["id"]})

    assert platform.tuples(attempt) == [(1, "c"), (None, "a")]


def test_the_row_that_is_kept_does_not_hang_on_files_or_their_order(platform):
    lines = ["1,5,y", "1,5,x", "1,5,z"]
    kept = set()
    for number, order in enumerate((lines, lines[::-1])):
        for place, line in enumerate(order):
            platform.put(f"in-{number}/{place}.csv", f"id,at,name\n{line}\n")
        attempt = platform.run(
            "deduplicate", {"t": platform.uri(f"in-{number}")}, {"keys": ["id"], "orderBy": "at", "keep": "last"}
        )
        kept |= set(platform.tuples(attempt))

    assert kept == {(1, 5, "x")}


TIES = {
    "zeros of both signs": ("-0.0D", "0.0D"),
    "zeros inside": ("array(-0.0D)", "array(0.0D)"),
    "maps": ("map('a', 1)", "map('b', 2)"),
    "moments inside": (
        "array(TIMESTAMP '2013-01-01 00:00:00.000001')", "array(TIMESTAMP '2013-01-01 00:00:00.000002')",
    ),
    "missing values": ("CAST(NULL AS STRING)", "''"),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), TIES.values(), ids=TIES.keys())
def test_values_that_can_be_told_apart_are_never_a_tie(spark, one, other):
    def kept_of(*values):
        rows = spark.sql(" UNION ALL ".join(f"SELECT 1 AS id, {value} AS v" for value in values)).coalesce(1)
        return repr(with_places(rows, Parameters(keys=["id"])).where("__place__ = 1").collect())

    assert kept_of(one, other) == kept_of(other, one)


REFUSED = {
    "an unknown key": ({"keys": ["idd"]}, "There is no column 'idd' to deduplicate by; the columns are id, name."),
    "an unknown order": ({"keys": ["id"], "orderBy": "at"}, "There is no column 'at' to order by;"),
    "a key twice": ({"keys": ["id", "id"]}, "`keys` names 'id' twice."),
    "an unknown format": ({"keys": ["id"], "format": "orc"}, "There is no format 'orc'"),
}  # fmt: skip


@pytest.mark.parametrize(("parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_user_can_put_right_is_invalid_input(platform, parameters, words):
    attempt = deduplicate(platform, "id,name\n1,a\n", parameters)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]


@pytest.mark.parametrize("parameters", [{"keys": ["at"]}, {"keys": ["id"], "orderBy": "at"}], ids=["key", "order"])
def test_a_column_that_holds_other_values_gives_neither_key_nor_order(platform, parameters):
    attempt = deduplicate(platform, '{"id": 1, "at": {"x": 1}}\n', parameters, key="t.jsonl")

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "The column 'at' holds other values" in attempt.failure["message"]
