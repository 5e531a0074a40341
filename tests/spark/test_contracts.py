"""csv-to-parquet under a contract: what breaks a rule is set aside with every reason, and counted by rule."""

import datetime
from decimal import Decimal

import pytest

from spark_jobs.contract_rules import java_pattern
from tests.unit.contracts.patterns import POSSIBLE


def column(name, logical_type="integer", stated=None, **options):
    return {"name": name, "logicalType": logical_type, **(stated or {}), "logicalTypeOptions": options}


REQUIRED, KEY, UNIQUE = {"required": True}, {"primaryKey": True}, {"unique": True}
DECIMAL = {"physicalType": "decimal(6,2)"}

# ruff: noqa: E501  a table of rules is read row by row
# For each rule: the column, values on the right side of its edge, and one on the wrong side with what is said of it.
RULES = [
    (column("n", minimum=1), ["1", "2", ""], "0", "minimum", "n: '0' is less than the minimum 1"),
    (column("n", maximum=5), ["5", "4"], "6", "maximum", "n: '6' is more than the maximum 5"),
    (column("n", exclusiveMinimum=1), ["2"], "1", "exclusiveMinimum", "n: '1' is not greater than 1"),
    (column("n", exclusiveMaximum=5), ["4"], "5", "exclusiveMaximum", "n: '5' is not less than 5"),
    (column("n", "number", minimum=0.5), ["0.5"], "0.49", "minimum", "n: '0.49' is less than the minimum 0.5"),
    (column("n", "number", minimum=0.5), ["1e300"], "NaN", "minimum", "n: 'NaN' is less than the minimum 0.5"),
    (column("n", "number", format="f32", maximum=0.1), ["0.1"], "0.2", "maximum", "n: '0.2' is more than the maximum 0.1"),
    (column("n", "number", DECIMAL, maximum=0.07), ["0.07"], "0.08", "maximum", "n: '0.08' is more than the maximum 0.07"),
    (column("n", "integer", format="i64", minimum=2**62), [str(2**62)], str(2**62 - 1), "minimum", f"n: '{2**62 - 1}' is less than the minimum {2**62}"),
    (column("d", "date", minimum="2020-02-29"), ["2020-02-29"], "2020-02-28", "minimum", "d: '2020-02-28' is less than the minimum 2020-02-29"),
    (column("t", "timestamp", exclusiveMaximum="2020-01-01T00:00:00Z"), ["2019-12-31T23:59:59Z"], "2020-01-01T00:00:00Z", "exclusiveMaximum", "t: '2020-01-01 00:00:00' is not less than 2020-01-01T00:00:00Z"),
    (column("s", "string", minLength=2), ["ab", ""], "a", "minLength", "s: 'a' is shorter than the least length 2"),
    (column("s", "string", maxLength=2), ["éé"], "éée", "maxLength", "s: 'éée' is longer than the greatest length 2"),
    (column("s", "string", pattern="^[A-Z]{2}$"), ["AB"], "ABC", "pattern", "s: 'ABC' does not match the pattern ^[A-Z]{2}$"),
    (column("s", "string", pattern="b"), ["abc"], "ac", "pattern", "s: 'ac' does not match the pattern b"),
    (column("s", "string", REQUIRED), ["a"], "", "required", "s: a value is required"),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "good", "bad", "rule", "reason"), RULES, ids=[f"{r[3]}-{r[2]}" for r in RULES])
def test_a_value_on_the_wrong_side_of_a_rule_sets_its_row_aside(platform, stated, good, bad, rule, reason):
    name = stated["name"]
    rows = "\n".join(f"{number},{value}" for number, value in enumerate([*good, bad]))

    attempt = platform.check([column("id"), stated], f"id,{name}\n{rows}\n")

    assert attempt.counts == {"rowsRead": len(good) + 1, "rowsWritten": len(good), "rowsRejected": 1}
    (rejected,) = attempt.rejected_rows
    assert (rejected["reason"], rejected["violations"]) == (reason, [{"column": name, "rule": rule}])
    assert rejected["row"]["id"] == len(good)
    assert attempt.violations == {(name, rule): 1}


PEOPLE = [
    column("id", "integer", KEY, minimum=1),
    column("email", "string", {"unique": True, "classification": "pii", "description": "Where to write."}),
    column("born", "date"),
    column("height", "number", DECIMAL),
]


def test_a_row_is_set_aside_with_all_that_is_wrong_with_it_and_the_values_it_has(platform):
    attempt = platform.check(
        [column("id", "integer", REQUIRED, minimum=1), column("code", "string", minLength=2, pattern="^[A-Z]*$")],
        "id,code\n0,a\n,AB\n1,AB\n",
    )

    assert platform.tuples(attempt) == [(1, "AB")]
    assert attempt.rejected_rows == [
        {
            "file": platform.uri("table.csv"),
            "row": {"id": 0, "code": "a"},
            "reason": "id: '0' is less than the minimum 1; code: 'a' is shorter than the least length 2; "
            "code: 'a' does not match the pattern ^[A-Z]*$",
            "violations": [
                {"column": "id", "rule": "minimum"},
                {"column": "code", "rule": "minLength"},
                {"column": "code", "rule": "pattern"},
            ],
        },
        {
            "file": platform.uri("table.csv"),
            "row": {"code": "AB"},
            "reason": "id: a value is required",
            "violations": [{"column": "id", "rule": "required"}],
        },
    ]


def test_malformed_rows_are_violations_too_and_keep_their_line(platform):
    attempt = platform.check(PEOPLE, "id,email,born,height\n1,a,2000-02-30,1.5\n2,b\nx,c,,\n3,d,2000-01-01,1.805\n")

    assert platform.tuples(attempt) == [(3, "d", datetime.date(2000, 1, 1), Decimal("1.81"))]
    assert [(row["line"], row["violations"], "row" in row) for row in attempt.rejected_rows] == [
        ("2,b", [{"rule": "fields"}], False),
        ("1,a,2000-02-30,1.5", [{"column": "born", "rule": "type"}], False),
        ("x,c,,", [{"column": "id", "rule": "type"}], False),
    ]
    assert attempt.violations == {(None, "fields"): 1, ("born", "type"): 1, ("id", "type"): 1}


def test_rows_that_share_a_key_are_all_set_aside_whichever_came_first(platform):
    attempt = platform.check(PEOPLE, "id,email,born,height\n1,a,,\n1,b,,\n2,c,,\n3,c,,\n4,,,\n5,,,\n6,d,,\n")

    assert [row[0] for row in platform.tuples(attempt)] == [4, 5, 6]
    assert [row["reason"] for row in attempt.rejected_rows] == [
        "email: other rows have 'c' too",
        "email: other rows have 'c' too",
        "id: other rows have '1' too",
        "id: other rows have '1' too",
    ]
    assert attempt.violations == {("email", "unique"): 2, ("id", "primaryKey"): 2}


def test_a_key_of_several_columns_is_shared_only_by_rows_that_are_alike_in_all(platform):
    key = [column("a", "integer", KEY), column("b", "string", KEY)]

    attempt = platform.check(key, "a,b\n1,x\n1,y\n2,x\n2,x\n3,\n3,\n")

    assert platform.tuples(attempt) == [(1, "x"), (1, "y")]
    assert attempt.violations == {("a, b", "primaryKey"): 2, ("b", "required"): 2}


def test_a_malformed_row_shares_no_key(platform):
    attempt = platform.check(PEOPLE, "id,email,born,height\n1,a,,\n1,a,never,\n")

    assert [row[0] for row in platform.tuples(attempt)] == [1]


def test_rows_of_several_files_share_keys_and_are_set_aside_with_their_files(platform):
    platform.put("in/a.csv", "id\n1\n2\n")
    platform.put("in/b.csv", "id\n2\n3\n")
    contract = platform.put_contract([column("id", "integer", UNIQUE)])

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in/")}, contract=contract)

    assert platform.tuples(attempt) == [(1,), (3,)]
    assert sorted(row["file"].rsplit("/", 1)[-1] for row in attempt.rejected_rows) == ["a.csv", "b.csv"]


def test_the_manifest_names_the_contract_and_the_schema_its_classes(platform):
    attempt = platform.check(PEOPLE, "id,email,born,height\n1,a,2000-01-01,1.5\n")

    contract = attempt.manifest["contract"]
    assert (contract["name"], contract["version"], contract["violations"]) == ("table", "1.0.0", [])
    assert len(contract["sha256"]) == 64
    fields = {field["name"]: field for field in attempt.manifest["schema"]["fields"]}
    assert fields["email"]["metadata"] == {"classification": "pii", "comment": "Where to write."}
    assert fields["height"]["type"] == "decimal(6,2)"
    assert not (attempt.folder / "rejected").exists()


def test_a_manifest_without_a_contract_names_none(platform):
    assert "contract" not in platform.convert("id\n1\n").manifest


def test_a_column_that_is_not_required_may_be_missing_and_is_null(platform):
    attempt = platform.check(PEOPLE, "ID,Height\n1,1.5\n")

    assert platform.tuples(attempt) == [(1, None, None, Decimal("1.50"))]
    assert [field["name"] for field in attempt.manifest["schema"]["fields"]] == ["id", "email", "born", "height"]


def test_without_a_header_the_fields_are_the_columns_that_the_job_names_or_all(platform):
    rows = "1,1.5\n"
    named = {"header": False, "columns": [{"name": "id", "type": "int"}, {"name": "height", "type": "decimal(6,2)"}]}

    assert platform.tuples(platform.check(PEOPLE, rows, named)) == [(1, None, None, Decimal("1.50"))]
    assert platform.check(PEOPLE, rows, {"header": False}).violations == {(None, "fields"): 1}


def test_output_is_partitioned_as_ever(platform):
    attempt = platform.check(PEOPLE, "id,email\n1,a\n0,b\n", {"partitionBy": ["email"]})

    assert [file["path"].split("/")[1] for file in attempt.manifest["files"]] == ["email=a"]


REFUSED = {
    "a required column missing": ("email\na\n", {}, "These are missing: id."),
    "a column too many": ("id,city\n1,a\n", {}, "These are not in the contract: city."),
    "another order": ("email,id\na,1\n", {}, "The order must be: id, email, born, height."),
    "a column twice": ("id,id\n1,1\n", {}, "The order must be"),
    "no header and no row": ("", {}, "is empty"),
    "an unknown partition column": ("id\n1\n", {"partitionBy": ["city"]}, "no column 'city' to partition by"),
}


@pytest.mark.parametrize(("content", "parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_with_other_columns_is_invalid_input(platform, content, parameters, words):
    attempt = platform.check(PEOPLE, content, parameters)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]
    assert attempt.manifest is None


def test_columns_of_an_inputs_folders_are_invalid_input(platform):
    platform.put("in/year=2012/a.csv", "id\n1\n")

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in")}, contract=platform.put_contract(PEOPLE))

    assert "folders add the column 'year'" in attempt.failure["message"]


def test_a_document_that_was_written_over_ends_the_run_as_no_fault_of_the_input(platform):
    contract = platform.put_contract(PEOPLE)
    platform.put("contract.json", '{"schema": [{"properties": []}]}')

    attempt = platform.run("csv-to-parquet", {"table": platform.put("t.csv", "id\n1\n")}, contract=contract)

    assert attempt.failure["failureReason"] == "RUN_FAILED"
    assert "is not the document of contract table/1.0.0" in attempt.failure["message"]


def test_a_job_type_that_takes_no_contract_does_not_ignore_one(platform):
    attempt = platform.run(
        "sql",
        {"numbers": platform.put("n.csv", "n\n1\n")},
        {"query": "SELECT 1"},
        contract=platform.put_contract(PEOPLE),
    )

    assert "Job type 'sql' takes no contract" in attempt.failure["message"]


def test_the_end_of_a_pattern_is_the_end_of_the_text_also_before_a_line_break(platform):
    stated = [column("s", "string", pattern="^ab$")]

    attempt = platform.check(stated, 's\n"ab"\n"ab\n"\n', {"multiLine": True})

    assert platform.tuples(attempt) == [("ab",)]
    assert attempt.violations == {("s", "pattern"): 1}


@pytest.mark.parametrize(
    ("pattern", "for_java"),
    [("a$", r"a\z"), (r"a\$", r"a\$"), (r"a\\$", r"a\\\z"), (r"a\\\$", r"a\\\$"), ("$", r"\z"), ("a", "a")],
)
def test_only_a_dollar_that_is_none_is_the_end(pattern, for_java):
    assert java_pattern(pattern) == for_java


def test_java_takes_every_pattern_that_a_contract_may_demand(platform):
    for pattern in POSSIBLE:
        platform.spark._jvm.java.util.regex.Pattern.compile(java_pattern(pattern))


def test_a_contract_of_many_columns_is_checked_whole(platform):
    names = [f"c{number}" for number in range(200)]
    stated = [column(name, "integer", REQUIRED, minimum=0, maximum=9) for name in names]
    good, bad = ",".join("5" * 200), ",".join(["5"] * 199 + ["10"])

    attempt = platform.check(stated, "\n".join([",".join(names), good, bad]) + "\n")

    assert attempt.counts == {"rowsRead": 2, "rowsWritten": 1, "rowsRejected": 1}
    assert attempt.violations == {("c199", "maximum"): 1}
