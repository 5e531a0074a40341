"""quality: CSV, JSON lines and Parquet are held to a contract; rules are counted, and rows kept or set aside."""

import json

import pytest

from tests.spark.test_contracts import KEY, REQUIRED, UNIQUE, column

PEOPLE = [
    column("id", "integer", KEY, minimum=1),
    column("code", "string", REQUIRED, pattern="^[A-Z]{2}$"),
    column("born", "date", maximum="2020-01-01"),
    column("height", "number", {"physicalType": "decimal(6,2)"}),
]
# Three good rows; then an id twice, no code and born too late, a misfit, and another number of fields.
CSV = """id,code,born,height
1,AA,2000-01-01,1.5
2,BB,,
3,CC,2000-01-03,
7,DD,,
7,EE,,
8,,2021-01-01,
9,FF,never,
10
"""
JSON = """
{"id": 1, "code": "AA", "born": "2000-01-01", "height": 1.5}
{"id": 2, "code": "BB"}
{"id": 3, "code": "CC", "born": "2000-01-03"}
{"id": 7, "code": "DD"}
{"id": 7, "code": "EE"}
{"id": 8, "born": "2021-01-01"}
{"id": 9, "code": "FF", "born": "never"}
{"id": 10, "code": "GG", "Born": "2000-01-01"}
"""
BROKEN = {("born", "maximum"): 1, ("born", "type"): 1, ("code", "required"): 1, ("id", "primaryKey"): 2}
COUNTS = {"rowsRead": 8, "rowsWritten": 3, "rowsRejected": 5}
INPUTS = {"csv": CSV, "jsonl": JSON}
QUARANTINE = {"onViolation": "quarantine"}


@pytest.fixture
def check(platform):
    """Holds an input to a contract of columns."""

    def run(columns, uri, **parameters):
        return platform.run("quality", {"people": uri}, parameters, contract=platform.put_contract(columns))

    return run


def report(attempt):
    return json.loads((attempt.folder / "reports" / "quality.json").read_text())


def page(attempt):
    return (attempt.folder / "reports" / "quality.html").read_text()


def checks(attempt):
    return {(each["column"], each["rule"]): each for each in report(attempt)["checks"]}


@pytest.mark.parametrize("suffix", INPUTS)
def test_every_row_is_kept_or_set_aside_and_every_rule_counted(platform, check, suffix):
    attempt = check(PEOPLE, platform.put(f"people.{suffix}", INPUTS[suffix]), **QUARANTINE)

    assert (attempt.counts, [row[0] for row in platform.tuples(attempt)]) == (COUNTS, [1, 2, 3])
    assert attempt.violations == {**BROKEN, (None, "fields"): 1}
    told = {rule: each["rows"] for rule, each in checks(attempt).items() if each["rows"]}
    assert told == attempt.violations
    assert checks(attempt)["code", "pattern"] == {
        "column": "code", "rule": "pattern", "demands": "^[A-Z]{2}$", "rows": 0, "samples": [],
    }  # fmt: skip
    assert (report(attempt)["rows"], report(attempt)["rowsRejected"], report(attempt)["isAccepted"]) == (8, 5, True)
    assert [path["path"] for path in attempt.manifest["reportFiles"]] == [
        "reports/quality.html",
        "reports/quality.json",
    ]


def test_samples_show_where_and_what_and_are_few(platform, check):
    attempt = check(PEOPLE, platform.put("people.csv", CSV), samples=1, **QUARANTINE)

    file = platform.uri("people.csv")
    assert {rule: each["samples"] for rule, each in checks(attempt).items() if each["rows"]} == {
        ("id", "primaryKey"): [{"file": file, "value": "7"}],
        ("code", "required"): [{"file": file, "value": None}],
        ("born", "maximum"): [{"file": file, "value": "2021-01-01"}],
        ("born", "type"): [{"file": file, "value": "9,FF,never,"}],
        (None, "fields"): [{"file": file, "value": "10"}],
    }
    assert report(attempt)["checks"][0]["rule"] == "primaryKey"  # the worst first
    assert "8 rows, 5 of them broken (62.5 %): accepted" in page(attempt)


def test_no_value_of_a_table_with_a_classified_column_is_in_a_report(platform, check):
    classified = [*PEOPLE[:3], column("height", "number", {"classification": "pii"})]

    attempt = check(classified, platform.put("people.csv", CSV.replace("10\n", "Bo <bo@example.com>\n")), **QUARANTINE)

    told = json.dumps(report(attempt)) + page(attempt)
    assert [each["value"] for each in checks(attempt)[None, "fields"]["samples"]] == ["a <a@a.a>"]
    assert checks(attempt)["id", "primaryKey"]["samples"][0]["value"] == "9"
    assert [each for each in ("bo@example", "2021-01-01", "never") if each in told] == []
    assert "samples show the form of values alone" in page(attempt)


def test_public_is_no_class_to_be_careful_with(platform, check):
    public = [column("id", "integer", {"classification": "Public"}, minimum=5)]

    attempt = check(public, platform.put("i.csv", "id\n3\n"), **QUARANTINE)

    assert [each["value"] for each in checks(attempt)["id", "minimum"]["samples"]] == ["3"]


def test_one_broken_row_fails_the_job_with_counts_and_leaves_rows_and_report(platform, check):
    attempt = check(PEOPLE, platform.put("people.csv", CSV), maxRejectedRows=100)

    assert attempt.manifest is None
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert attempt.failure["message"] == (
        "5 of 8 rows (62.5 %) would be set aside, and at most 0 may be. Most often broken: primaryKey of id (2 rows), "
        "fields of the whole row (1 row), maximum of born (1 row), type of born (1 row), required of code (1 row). "
        f"The rows are in {attempt.uri}rejected/ with the reasons."
    )
    assert len(attempt.rejected_rows) == 5
    assert report(attempt)["isAccepted"] is False
    assert "not accepted" in page(attempt)


def test_a_good_table_is_accepted_and_kept(platform, check):
    attempt = check(PEOPLE, platform.put("people.csv", "id,code\n1,AA\n"))

    assert attempt.counts == {"rowsRead": 1, "rowsWritten": 1, "rowsRejected": 0}
    assert report(attempt)["isAccepted"] is True
    assert {each["rows"] for each in report(attempt)["checks"]} == {0}


def test_a_table_without_rows_is_accepted(platform, check):
    attempt = check(PEOPLE, platform.put("people.csv", "id,code\n"))

    assert attempt.counts == {"rowsRead": 0, "rowsWritten": 0, "rowsRejected": 0}
    assert "0 rows, 0 of them broken (0 %): accepted" in page(attempt)


PARQUET = """SELECT * FROM VALUES
  (1L, 'AA', DATE '2000-01-01', 1.5000BD, TIMESTAMP_NTZ '2020-01-01 10:00:00'),
  (3000000000L, 'BB', NULL, 123456.7BD, NULL),
  (7L, NULL, DATE '2021-01-01', NULL, NULL)
  AS t(ID, code, born, height, at)"""


def test_parquet_is_read_by_names_and_what_does_not_fit_is_broken(platform, check):
    platform.spark.sql(PARQUET).select("code", "ID", "born", "height", "at").write.parquet(platform.uri("people"))

    attempt = check([*PEOPLE, column("at", "timestamp"), column("more")], platform.uri("people"), **QUARANTINE)

    assert attempt.counts == {"rowsRead": 3, "rowsWritten": 1, "rowsRejected": 2}
    assert attempt.violations == {
        ("born", "maximum"): 1, ("code", "required"): 1, ("height", "type"): 1, ("id", "type"): 1,
    }  # fmt: skip
    assert platform.rows(attempt).schema.simpleString() == (
        "struct<id:int,code:string,born:date,height:decimal(6,2),at:timestamp,more:int>"
    )
    assert str(platform.rows(attempt).first()["at"]) == "2020-01-01 10:00:00"
    assert {row["reason"] for row in attempt.rejected_rows} == {
        "code: a value is required; born: '2021-01-01' is more than the maximum 2020-01-01",
        "id: '3000000000' does not fit the type int; height: '123456.7' does not fit the type decimal(6,2)",
    }


def test_the_output_of_another_job_is_checked_as_it_is(platform, check):
    converted = platform.convert("id,code\n1,AA\n2,b\n")

    attempt = check(PEOPLE[:2], converted.uri, **QUARANTINE)

    assert attempt.violations == {("code", "pattern"): 1}
    assert platform.tuples(attempt) == [(1, "AA")]


REFUSED = {
    "a type that is not read as the contract's": ("SELECT '1' AS id, 'AA' AS code", "id is string, not int"),
    "a larger float": ("SELECT 1 AS id, 'AA' AS code, 1D AS height", "height is double, not decimal(6,2)"),
    "a column too many": ("SELECT 1 AS id, 'AA' AS code, 1 AS city", "These are not in the contract: city."),
    "a required column missing": ("SELECT 1 AS id", "These are missing: code."),
}


@pytest.mark.parametrize(("query", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_parquet_with_another_schema_is_invalid_input(platform, check, query, words):
    platform.spark.sql(query).write.parquet(platform.uri("people"))

    attempt = check(PEOPLE, platform.uri("people"), **QUARANTINE)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]


def test_without_a_contract_there_is_nothing_to_check(platform):
    attempt = platform.run("quality", {"people": platform.put("people.csv", CSV)})

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "holds its input to a contract: name one" in attempt.failure["message"]


def test_a_key_of_several_columns_shows_all_its_values_and_markup_does_nothing(platform, check):
    key = [column("a", "string", KEY), column("b", "string", KEY)]

    attempt = check(key, platform.put("t.csv", "a,b\n<b>,x\n<b>,x\n"), **QUARANTINE)

    assert checks(attempt)["a, b", "primaryKey"]["samples"][0]["value"] == "<b>, x"
    assert "&lt;b&gt;, x" in page(attempt)
    assert "<b>" not in page(attempt)


def test_a_unique_column_of_json_is_counted(platform, check):
    attempt = check(
        [column("id", "integer", UNIQUE)], platform.put("t.jsonl", '{"id": 1}\n{"id": 1}\n{}\n'), **QUARANTINE
    )

    assert attempt.violations == {("id", "unique"): 2}
    assert platform.tuples(attempt) == [(None,)]
