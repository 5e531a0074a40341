"""A job that allows no row to be set aside reads at Spark's own speed, and says of a malformed row what others say."""

import gzip
import json

import pytest

from spark_jobs import csv_to_parquet
from spark_jobs.inputs import find_input
from spark_jobs.job import Input
from spark_jobs.object_store import ObjectStore

COLUMNS = [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}]
NONE = {"columns": COLUMNS, "maxRejectedRows": 0}
HEADER = "id,name\n1,ant\n"


@pytest.fixture
def is_read_strictly(platform):
    """Whether Spark is to fail at a malformed row, and something stands in if it does."""

    def ask(parameters, key):
        source = find_input(ObjectStore(platform.spark), Input("table", platform.put(key, HEADER)))
        return csv_to_parquet.run(platform.spark, [source], parameters).otherwise is not None

    return ask


# Parameters, a file's name, and whether it is read strictly.
WAYS = {
    "no row may be set aside": ({"maxRejectedRows": 0}, "t.csv", True),
    "no share of the rows may be set aside": ({"maxRejectedFraction": 0.0}, "t.csv", True),
    "one row may be set aside": ({"maxRejectedRows": 1}, "t.csv", False),
    "any row may be set aside": ({}, "t.csv", False),
    "a task has to read the whole file": ({"maxRejectedRows": 0, "multiLine": True}, "t.csv", False),
}


@pytest.mark.parametrize(("parameters", "key", "is_strict"), WAYS.values(), ids=WAYS.keys())
def test_who_allows_no_row_to_be_set_aside_pays_for_none(is_read_strictly, parameters, key, is_strict):
    assert is_read_strictly({"columns": COLUMNS, **parameters}, key) is is_strict


def test_good_rows_are_written_and_counted_by_folder(platform):
    attempt = platform.convert(HEADER + "2,bee\n,\n", {**NONE, "partitionBy": ["name"]})

    assert platform.tuples(attempt) == [(1, "ant"), (2, "bee"), (None, None)]
    assert attempt.counts == {"rowsRead": 3, "rowsWritten": 3, "rowsRejected": 0}
    assert attempt.manifest["metrics"]["spark"]["failedTasks"] == 0


def test_types_are_inferred_too(platform):
    attempt = platform.convert(HEADER, {"maxRejectedFraction": 0})

    assert platform.tuples(attempt) == [(1, "ant")]
    assert [field["type"] for field in attempt.manifest["schema"]["fields"]] == ["integer", "string"]


# What follows a good row, what rows are data in the end, and how many are not.
MALFORMED = {
    "a field too many": (b"2,bee,\n3,cat\n", [1, 3], 1),
    "bytes that are not UTF-8": (b"2,b\xe9e\n3,cat\n", [1, 3], 1),
    "values of another type in later tasks": (b"2,bee\n" * 5 + b"q,cat\n" * 2, [1, 2, 2, 2, 2, 2], 2),
}


@pytest.mark.parametrize(("rows", "ids", "rejected"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_row_fails_the_job_with_the_words_of_every_other_way(platform, rows, ids, rejected):
    content = HEADER.encode() + rows
    platform.spark.conf.set("spark.sql.files.maxPartitionBytes", 32)

    strictly = platform.convert(content, NONE)
    whole = platform.convert(gzip.compress(content), NONE, key="table.csv.gz")

    assert strictly.failure == as_said_of(whole, strictly)
    assert f"{rejected} of {len(ids) + rejected} rows" in strictly.failure["message"]
    assert strictly.rejected == whole.rejected
    assert len(strictly.rejected) == rejected
    assert ids_in_data(platform, strictly) == ids
    assert strictly.manifest is None


def test_torn_rows_are_named_as_such(platform):
    attempt = platform.convert('name\n"two\nlines"\n', {"maxRejectedRows": 0})

    assert "say `multiLine: true`" in attempt.failure["message"]


def test_what_another_run_of_the_attempt_wrote_is_neither_deleted_nor_joined(platform):
    first = platform.run("csv-to-parquet", {"table": platform.put("t.csv", HEADER)}, NONE, job_id="written-twice")
    (first.folder / "_manifest.json").unlink()

    second = platform.run(
        "csv-to-parquet", {"table": platform.put("t.csv", "id,name\n2,bee\n")}, NONE, job_id="written-twice"
    )

    assert second.failure["failureReason"] == "RUN_FAILED"
    assert ids_in_data(platform, first) == [1]


def ids_in_data(platform, attempt):
    """The ids in the data files that an attempt left, which has no manifest."""
    return sorted(row["id"] for row in platform.spark.read.parquet(attempt.uri + "data").collect())


def as_said_of(other, attempt):
    """The failure of another attempt, with this one's folder in its text."""
    return json.loads(json.dumps(other.failure).replace(other.uri, attempt.uri))
