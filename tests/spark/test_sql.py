"""sql: one query over the job's inputs, which can neither change anything nor read anything else."""

import json

import pytest
from words_of_spark import in_words_of

from spark_jobs.inputs import find_input
from spark_jobs.job import Input
from spark_jobs.object_store import ObjectStore


def refusal(attempt):
    """The sentence of a job that the user can put right."""
    assert attempt.status == 1
    assert attempt.manifest is None
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    return attempt.failure["message"]


def test_a_query_joins_inputs_of_different_formats(platform):
    csv = platform.put("numbers.csv", "n,word\n1,one\n2,two\n")
    lines = platform.put("colours.jsonl", '{"n": 1, "colour": "red"}\n{"n": 2, "colour": "blue"}\n')
    parquet = platform.convert("n,size\n1,9\n2,8\n").uri

    attempt = platform.query(
        "WITH c AS (SELECT * FROM colours) "
        "SELECT n, word, colour, size FROM numbers JOIN c USING (n) JOIN sizes USING (n);",
        {"numbers": csv, "colours": lines, "sizes": parquet},
    )

    assert platform.tuples(attempt) == [(1, "one", "red", 9), (2, "two", "blue", 8)]
    assert {each["name"]: each["rows"] for each in attempt.manifest["inputs"]} == {
        "numbers": 2,
        "colours": 2,
        "sizes": 2,
    }
    assert attempt.counts == {"rowsRead": 6, "rowsWritten": 2, "rowsRejected": 0}


def test_a_format_may_be_named_where_the_file_does_not_tell_it(platform):
    table = platform.put("table.txt", "n\n1\n2\n")

    attempt = platform.query("SELECT sum(n) AS total FROM t", {"t": table}, formats={"t": "csv"})

    assert platform.tuples(attempt) == [(3,)]


@pytest.mark.parametrize("place", ["", "data/", "data"])
def test_the_output_of_a_job_is_read_by_its_manifest_alone(platform, place):
    first = platform.convert("n\n1\n2\n")
    stray = platform.convert("n\n1000\n")
    for path in stray.folder.glob("data/*.parquet"):
        (first.folder / "data" / "stray.parquet").write_bytes(path.read_bytes())

    attempt = platform.query("SELECT sum(n) AS total FROM t", {"t": first.uri + place})

    assert platform.tuples(attempt) == [(3,)]
    (read,) = attempt.manifest["inputs"]
    assert [file["uri"] for file in read["files"]] == [first.uri + file["path"] for file in first.manifest["files"]]


def test_nothing_outside_of_an_input_is_looked_at(platform, monkeypatch):
    looked_at = []
    monkeypatch.setattr(ObjectStore, "exists", lambda _, uri: looked_at.append(uri))
    platform.put("in/data/a.csv", "id\n1\n")
    store = ObjectStore(platform.spark)

    for key in ("in", "in/data", "in/data/a.csv"):
        find_input(store, Input("t", platform.uri(key)))

    assert looked_at == []


def test_partition_columns_of_a_job_keep_type_and_place(platform):
    columns = [{"name": "code", "type": "string"}, {"name": "n", "type": "int"}]
    first = platform.convert("code,n\n01,1\n02,2\n", {"columns": columns, "partitionBy": ["code"]})

    attempt = platform.query("SELECT * FROM t WHERE code = '01'", {"t": first.uri})

    assert platform.tuples(attempt) == [("01", 1)]
    assert [field["name"] for field in attempt.manifest["schema"]["fields"]] == ["code", "n"]


def test_csv_output_holds_spaces_quotes_line_breaks_and_nulls_and_can_be_read_by_a_job(platform):
    rows = "SELECT * FROM VALUES (1, ' a '), (2, 'b\"c,d'), (3, 'e\nf'), (4, CAST(NULL AS STRING)) AS t(n, text)"

    first = platform.query(rows, outputFormat="csv")
    again = platform.query("SELECT * FROM t", {"t": first.uri})

    assert first.manifest["totals"]["rows"] == 4
    assert platform.tuples(again) == [(1, " a "), (2, 'b"c,d'), (3, "e\nf"), (4, None)]


def test_a_csv_row_whose_only_field_is_null_is_not_lost(platform):
    attempt = platform.query("SELECT CAST(NULL AS STRING) AS nothing FROM numbers", outputFormat="csv")

    assert attempt.manifest["totals"]["rows"] == 3


@pytest.mark.parametrize("output_format", ["parquet", "csv"])
def test_a_query_without_result_still_writes_its_schema(platform, output_format):
    attempt = platform.query("SELECT n, word FROM numbers WHERE n > 5", outputFormat=output_format)

    assert attempt.manifest["totals"]["files"] == 1
    assert attempt.manifest["totals"]["rows"] == 0
    assert [field["name"] for field in attempt.manifest["schema"]["fields"]] == ["n", "word"]


NOT_A_QUERY = {
    "two statements": ("SELECT 1; SELECT 2", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELECT'"),
    "a query and a command": ("SELECT 1; DROP TABLE numbers", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'DROP'"),
    "no statement": ("-- nothing", "[PARSE_SYNTAX_ERROR] Syntax error at or near end of input"),
    "a typo": ("SELEC n FROM numbers", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'"),
    "an insert": ("INSERT INTO numbers SELECT 1, 'x'", "this is InsertIntoStatement"),
    "an insert behind WITH": ("WITH x AS (SELECT 1) INSERT INTO numbers SELECT * FROM x", "SELECT or WITH statement"),
    "an insert behind FROM": ("FROM numbers INSERT INTO a SELECT * INSERT INTO b SELECT *", "SELECT or WITH statement"),
    "an insert into a folder": (
        "INSERT OVERWRITE DIRECTORY 's3://processed/x' USING csv SELECT 1", "this is InsertIntoDir",
    ),
    "a drop": ("DROP VIEW numbers", "SELECT or WITH statement"),
    "a drop by a computed name": ("DROP VIEW IDENTIFIER('num' || 'bers')", "SELECT or WITH statement"),
    "a cache": ("CACHE TABLE numbers", "this is CacheTable"),
    "a new table": ("CREATE TABLE t AS SELECT 1", "SELECT or WITH statement"),
    "a setting": ("SET spark.sql.runSQLOnFiles=true", "this is SetCommand"),
    "a jar": ("ADD JAR 's3://raw/evil.jar'", "this is AddJarsCommand"),
    "an explanation": ("EXPLAIN SELECT 1", "this is ExplainCommand"),
    "a program": ("SELECT TRANSFORM(n) USING 'cat' FROM numbers", "must not use TRANSFORM"),
    "a program inside": (
        "WITH c AS (SELECT 1) SELECT * FROM c WHERE EXISTS (SELECT * FROM (FROM numbers MAP n USING 'cat' AS (z)))",
        "must not use TRANSFORM",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "words"), NOT_A_QUERY.values(), ids=NOT_A_QUERY.keys())
def test_what_is_not_one_query_is_refused(platform, query, words):
    attempt = platform.query(query)

    assert words in refusal(attempt)
    assert not (attempt.folder / "data").exists()


NOT_FOUND = "[TABLE_OR_VIEW_NOT_FOUND] The table or view"
OUTSIDE = {
    "a file of the bucket": ("SELECT * FROM csv.`s3://raw/secret.csv`", NOT_FOUND),
    "a file of the driver": ("SELECT * FROM text.`file:///etc/hostname`", NOT_FOUND),
    "a view of nobody": ("SELECT * FROM others", NOT_FOUND),
    "a method of Java": ("SELECT reflect('java.lang.System', 'getenv', 'HOME')", "[UNRESOLVED_ROUTINE]"),
    "a method by its other name": ("SELECT java_method('java.lang.System', 'getenv', 'HOME')", "[UNRESOLVED_ROUTINE]"),
    "a method by its full name": (
        "SELECT system.builtin.reflect('java.lang.System', 'getenv', 'HOME')", "[REQUIRES_SINGLE_PART_NAMESPACE]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "words"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_a_query_reaches_nothing_but_its_inputs(platform, query, words):
    (platform.buckets_folder / "raw" / "secret.csv").write_text("secret\n1\n")

    assert words in refusal(platform.query(query))


def test_variables_of_the_driver_are_not_put_into_a_query(platform):
    attempt = platform.query("SELECT '${env:JAVA_HOME} ${spark.master}' AS text")

    assert platform.tuples(attempt) == [("${env:JAVA_HOME} ${spark.master}",)]


WRONG_QUERIES = {
    "an unknown column": (
        "SELECT wrd FROM (SELECT word FROM numbers)",
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] "
        + in_words_of("A column or function parameter", "A column, variable, or function parameter")
        + " with name `wrd` cannot be resolved. "
        "Did you mean one of the following? [`word`].; line 1 pos 7",
    ),
    "a cast that cannot be": (
        "SELECT CAST(word AS INT) AS i FROM numbers",
        "[CAST_INVALID_INPUT] The value 'one' of the type \"STRING\" cannot be cast to \"INT\" because it is "
        "malformed. Correct the value as per the syntax, or change its target type. "
        "Use `try_cast` to tolerate malformed input and return NULL instead.",
    ),
    "a division by zero": (
        "SELECT n / (n - 1) AS i FROM numbers",
        "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
    ),
    "two columns of one name": (
        "SELECT n, n FROM numbers",
        "[COLUMN_ALREADY_EXISTS] The column `n` already exists. "
        + in_words_of("Consider to choose", "Choose")
        + " another name or rename the existing column.",
    ),
    "a subquery of many rows": (
        "SELECT (SELECT n FROM numbers) AS i",
        "[SCALAR_SUBQUERY_TOO_MANY_ROWS] More than one row returned by a subquery used as an expression.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "message"), WRONG_QUERIES.values(), ids=WRONG_QUERIES.keys())
def test_an_error_in_the_query_is_told_in_the_sentence_of_spark(platform, query, message):
    assert refusal(platform.query(query)) == message


WRONG_INPUTS = {
    "a malformed CSV row": ("t.csv", "a,b\n1,2\n3\n", "Input 't' has a malformed row, '3'; convert it with csv-"),
    "malformed JSON": ("t.json", '{"a": 1}\n{"a":\n', "a malformed row, '{\"a\":'; convert it with json-to-"),
    "two JSON objects in a line": ("t.json", '{"a": 1} {"a": 2}\n', "convert it with json-to-parquet"),
    "no Parquet": ("t", "a,b\n1,2\n", "is not a Parquet file"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "content", "words"), WRONG_INPUTS.values(), ids=WRONG_INPUTS.keys())
def test_an_input_that_is_not_of_its_format_is_refused(platform, key, content, words):
    attempt = platform.query("SELECT count(*) AS n FROM t", {"t": platform.put(key, content)})

    assert words in refusal(attempt)


def test_names_of_inputs_must_be_names_of_views(platform):
    uri = platform.put("t.csv", "a\n1\n")

    assert "'a-b' cannot be a view" in refusal(platform.query("SELECT 1 AS x", {"a-b": uri}))
    assert "Two inputs are named 'T'" in refusal(platform.query("SELECT 1 AS x", {"t": uri, "T": uri}))
    assert "speaks of 'u', but the inputs are t" in refusal(
        platform.query("SELECT 1 AS x", {"t": uri}, formats={"u": "csv"})
    )


def test_the_output_of_an_attempt_that_did_not_succeed_is_refused(platform):
    failed = platform.convert("id\n1\n", {"partitionBy": ["nothing"]})
    (failed.folder / "data").mkdir()
    (failed.folder / "data" / "part.csv").write_text("id\n1\n")

    for place in ("", "data/"):
        attempt = platform.query("SELECT * FROM t", {"t": failed.uri + place})
        assert "has no _manifest.json, so that attempt did not succeed" in refusal(attempt)


def test_a_folder_of_several_attempts_is_refused(platform):
    first = platform.convert("id\n1\n")

    attempt = platform.query("SELECT * FROM t", {"t": first.uri[: -len("attempt-1/")]})

    assert f"holds attempts of a job; name one, such as {first.uri}" in refusal(attempt)


def test_output_that_is_not_as_its_manifest_says_is_refused(platform):
    first = platform.convert("id\n1\n")
    (file,) = first.manifest["files"]
    with (first.folder / file["path"]).open("ab") as stream:
        stream.write(b"more")

    attempt = platform.query("SELECT * FROM t", {"t": first.uri})

    assert f"{file['path']} is not as its manifest says" in refusal(attempt)


def test_a_manifest_of_somebody_else_is_refused(platform):
    platform.put("in/a.csv", "id\n1\n")
    platform.put("in/_manifest.json", json.dumps({"entries": []}))

    attempt = platform.query("SELECT * FROM t", {"t": platform.uri("in/")})

    assert "_manifest.json is not a manifest of this platform" in refusal(attempt)
