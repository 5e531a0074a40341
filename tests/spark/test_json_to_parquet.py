"""json-to-parquet: every line is read as the schema says or set aside with the reason; none is lost, nor a part."""

import datetime
import gzip
import json
from decimal import Decimal

import pytest
from flights_data import rows_of
from words_of_spark import BROKEN_PATTERN

from spark_jobs.json_files import MAX_LEVELS, NO_OBJECT, NOT_UTF8

COLUMNS = [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}, {"name": "at", "type": "struct<x:int>"}]


def convert(platform, content, parameters=None, key="table.jsonl"):
    return platform.run("json-to-parquet", {"table": platform.put(key, content)}, parameters)


def counts(read, written, rejected):
    return {"rowsRead": read, "rowsWritten": written, "rowsRejected": rejected}


def types_of(attempt):
    return {field["name"]: field["type"] for field in attempt.manifest["schema"]["fields"]}


MALFORMED = {
    "half an object": ('{"id": 2, "name":', NO_OBJECT),
    "two objects": ('{"id": 2} {"id": 3}', NO_OBJECT),
    "something behind the object": ('{"id": 2}, "and": "more"', NO_OBJECT),
    "a bracket too many": ('{"id": 2}}', NO_OBJECT),
    "a list": ('[{"id": 2}]', NO_OBJECT),
    "a number": ("2", NO_OBJECT),
    "null": ("null", NO_OBJECT),
    "single quotes": ("{'id': 2}", NO_OBJECT),
    "a leading zero": ('{"id": 02}', NO_OBJECT),
    "NaN": ('{"id": NaN}', NO_OBJECT),
    "too many levels": ('{"deep": ' * MAX_LEVELS + "{}" + "}" * MAX_LEVELS, NO_OBJECT),
    "levels that would overflow a stack": ('{"deep": ' * 5000 + "1" + "}" * 5000, NO_OBJECT),
    "a text for a number": ('{"id": "two"}', "id: 'two' does not fit the type int"),
    "a number with a point for a whole one": ('{"id": 2.5}', "id: '2.5' does not fit the type int"),
    "a number that is too large": ('{"id": 2147483648}', "id: '2147483648' does not fit the type int"),
    "a misfit inside": ('{"at": {"x": "y"}}', """at: '{"x":"y"}' does not fit the type struct<x:int>"""),
    "two misfits": (
        '{"id": true, "at": 7}', "id: 'true' does not fit the type int; at: '7' does not fit the type struct<x:int>",
    ),
}  # fmt: skip


def test_malformed_lines_are_set_aside_with_the_reason(platform):
    good = ['{"id": 1, "name": "ant", "at": {"x": 1}}', "", '{"name": "bee", "more": true}', "  \t"]
    lines = [*good, *(line for line, _ in MALFORMED.values())]

    attempt = convert(platform, "\n".join(lines), {"columns": COLUMNS})

    assert platform.tuples(attempt) == [(1, "ant", (1,)), (None, "bee", None)]
    assert attempt.rejected == sorted(MALFORMED.values())
    assert attempt.counts == counts(read=2 + len(MALFORMED), written=2, rejected=len(MALFORMED))


def test_bytes_that_are_not_utf8_are_set_aside_and_not_guessed_at(platform):
    attempt = convert(platform, '{"name": "Zoë"}\n'.encode() + '{"name": "Zoë"}\n'.encode("latin-1"))

    assert platform.tuples(attempt) == [("Zoë",)]
    assert [reason for _, reason in attempt.rejected] == [NOT_UTF8]


def test_types_are_inferred_from_all_lines_that_are_objects(platform):
    lines = [
        '{"i": 1, "l": 3000000000, "d": 1.5, "mixed": 1, "nested": {"a": [1, 2], "b": null}, "day": "2013-01-01"}',
        '{"i": 2, "d": 2, "mixed": "x", "nested": {"c": {"deep": true}}, "late": 1}',
        '{"i": "broken"',
        '[{"never": 1}]',
    ]

    attempt = convert(platform, "\n".join(lines))

    assert platform.rows(attempt).schema.simpleString() == (
        "struct<d:double,day:string,i:bigint,l:bigint,late:bigint,mixed:string,"
        "nested:struct<a:array<bigint>,b:string,c:struct<deep:boolean>>>"
    )
    assert [row["mixed"] for row in platform.rows(attempt).orderBy("i").collect()] == ["1", "x"]
    assert attempt.counts == counts(read=4, written=2, rejected=2)


def test_types_that_are_asked_for_are_read_as_such(platform):
    columns = {
        "n": "decimal(10,2)", "day": "date", "at": "timestamp", "list": "array<struct<k:string>>",
        "map": "map<string,int>", "raw": "string",
    }  # fmt: skip
    line = {"n": 12.345, "day": "31/12/2013", "at": "2013-12-31T10:00:00Z", "list": [{"k": "a"}], "map": {"x": 1}}

    attempt = convert(
        platform,
        json.dumps({**line, "raw": {"any": [1]}}),
        {"columns": [{"name": name, "type": kind} for name, kind in columns.items()], "dateFormat": "dd/MM/yyyy"},
    )

    (row,) = platform.rows(attempt).collect()
    assert tuple(row) == (
        Decimal("12.35"), datetime.date(2013, 12, 31), datetime.datetime(2013, 12, 31, 10), [("a",)], {"x": 1},
        '{"any":[1]}',
    )  # fmt: skip


def test_an_object_of_ten_levels_keeps_them(platform):
    levels = "abcdefghij"
    document = 1
    for name in reversed(levels):
        document = {name: document}

    attempt = convert(platform, json.dumps(document))

    assert platform.rows(attempt).select(".".join(levels)).first()[0] == 1


def test_the_most_levels_are_read_and_one_more_is_set_aside(platform):
    def line(levels):
        return '{"a":' * levels + "1" + "}" * levels

    attempt = convert(platform, f"{line(MAX_LEVELS)}\n{line(MAX_LEVELS + 1)}\n")

    assert attempt.counts == counts(read=2, written=1, rejected=1)


def test_a_folder_is_read_with_its_partitions_and_written_by_others(platform):
    platform.put("in/year=2012/a.jsonl", '{"id": 1, "kind": "x"}\n{"id":\n')
    platform.put("in/year=2013/b.jsonl.gz", gzip.compress(b'{"id": 2, "kind": "y"}\r\n'))

    attempt = platform.run("json-to-parquet", {"table": platform.uri("in")}, {"partitionBy": ["kind"]})

    assert platform.tuples(attempt) == [(1, 2012, "x"), (2, 2013, "y")]
    assert {file["path"].split("/")[1] for file in attempt.manifest["files"]} == {"kind=x", "kind=y"}
    assert attempt.counts == counts(read=3, written=2, rejected=1)


REFUSED = {
    "an empty file": ("", {}, "is empty"),
    "only blank lines": ("\n \n", {}, "no line of"),
    "no object": ("1\n[2]\n", {}, "no line of"),
    "only empty objects": ("{}\n{}\n", {}, "no line of"),
    "an indented document": ('{\n  "id": 1\n}\n', {"columns": COLUMNS}, "is one JSON document over several lines"),
    "a list over lines": ('[\n{"id": 1},\n{"id": 2}\n]\n', {}, "is one JSON document over several lines"),
    "names that differ by capitals": ('{"id": 1, "ID": 2}\n', {}, "there are two columns 'id'"),
    "columns that differ by capitals": (
        "{}", {"columns": [*COLUMNS, {"name": "ID", "type": "int"}]}, "there are two columns 'ID'",
    ),
    "a comma that would add a column": ('{"id": 1}', {"columns": [{"name": "id", "type": "int, x int"}]}, "[PARSE_"),
    "an unknown type": ('{"id": 1}', {"columns": [{"name": "id", "type": "money"}]}, "MONEY"),
    "a broken type": ('{"id": 1}', {"columns": [{"name": "id", "type": "struct<a:int"}]}, "[PARSE_SYNTAX_ERROR]"),
    "a broken date pattern": ('{"id": 1}', {"dateFormat": "QQQQQQ"}, BROKEN_PATTERN),
    "an unknown partition column": ('{"id": 1}', {"partitionBy": ["city"]}, "no column 'city' to partition by;"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_user_can_put_right_is_invalid_input(platform, content, parameters, words):
    attempt = convert(platform, content, parameters)

    assert attempt.status == 1
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]
    assert attempt.manifest is None


def test_a_column_that_a_folder_has_too_is_invalid_input(platform):
    platform.put("in/year=2012/a.jsonl", '{"year": 2013}')

    attempt = platform.run("json-to-parquet", {"table": platform.uri("in")})

    assert "there are two columns 'year'" in attempt.failure["message"]


DAMAGED = {
    "a truncated gzip file": (
        "t.jsonl.gz", gzip.compress(b"".join(b'{"id": %d}\n' % n**5 for n in range(50_000)))[:-2000], "ends too early",
    ),
    "CSV": ("t.csv", b"id\n1\n", "t.csv is not JSON"),
    "an archive": ("t.json.zip", b"PK", "t.json.zip is not JSON; an archive must be unpacked"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "content", "words"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_invalid_input(platform, key, content, words):
    attempt = convert(platform, content, key=key)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]


def test_one_broken_line_in_a_hundred_of_the_weather_is_set_aside_and_no_other(platform):
    weather = rows_of("weather")
    lines = [json.dumps({**row, "temp": float(row["temp"]) if row["temp"] != "NA" else None}) for row in weather]
    broken = set(range(0, len(lines), 100))
    content = "\n".join(line[:-9] if place in broken else line for place, line in enumerate(lines))

    attempt = convert(platform, content)

    kept = [row for place, row in enumerate(weather) if place not in broken]
    assert attempt.counts == counts(read=26_115, written=len(kept), rejected=len(broken))
    mean = platform.rows(attempt).selectExpr("avg(temp)").first()[0]
    known = [float(row["temp"]) for row in kept if row["temp"] != "NA"]
    assert mean == pytest.approx(sum(known) / len(known))
