"""compact: the same rows in fewer files, in the folders that they were in, and no column lost."""

import pytest
from flights_data import content_of

from spark_jobs.compact import MAX_FOLDERS, MIB, files_wanted
from spark_jobs.object_store import EPOCH, StoredFile


@pytest.fixture
def many_files(platform):
    """Writes the rows of a query as many Parquet files below a key, and returns its URI."""

    def write(key, query, files=7, partition_by=()):
        uri = platform.uri(key)
        platform.spark.sql(query).repartition(files).write.mode("append").partitionBy(*partition_by).parquet(uri)
        return uri

    return write


def compact(platform, uri, **parameters):
    return platform.run("compact", {"table": uri}, parameters)


def test_many_small_files_become_one_with_the_same_rows(platform, many_files):
    uri = many_files("many", "SELECT id, concat('name ', id) AS name FROM range(1000)", files=40)

    attempt = compact(platform, uri)

    assert len(attempt.manifest["inputs"][0]["files"]) == 40
    assert attempt.manifest["totals"]["files"] == 1
    assert attempt.counts == {"rowsRead": 1000, "rowsWritten": 1000, "rowsRejected": 0}
    assert platform.tuples(attempt) == sorted(((n, f"name {n}") for n in range(1000)), key=repr)


def test_each_folder_keeps_its_rows_and_its_very_name(platform, many_files):
    query = "SELECT id, concat('0', id % 3) AS code, if(id % 2 = 0, 'a b', NULL) AS kind FROM range(60)"
    uri = many_files("many", query, files=5, partition_by=("code", "kind"))

    attempt = compact(platform, uri)

    before = {file["uri"].split("/many/")[1].rsplit("/", 1)[0] for file in attempt.manifest["inputs"][0]["files"]}
    assert [file["path"].split("data/")[1].rsplit("/", 1)[0] for file in attempt.manifest["files"]] == sorted(before)
    assert len(before) == 6
    expected = [(n, f"0{n % 3}", "a b" if n % 2 == 0 else None) for n in range(60)]
    assert platform.tuples(attempt) == sorted(expected, key=repr)


def test_the_output_of_a_job_keeps_its_types_and_folders(platform):
    uri = platform.put("weather.csv", content_of("weather"))
    parted = platform.run("csv-to-parquet", {"w": uri}, {"nullValue": "NA", "partitionBy": ["origin", "month"]})

    attempt = compact(platform, parted.uri)

    assert attempt.manifest["schema"] == parted.manifest["schema"]
    assert attempt.counts == {"rowsRead": 26_115, "rowsWritten": 26_115, "rowsRejected": 0}
    assert len(attempt.manifest["files"]) == 36
    assert platform.rows(attempt).exceptAll(platform.rows(parted)).count() == 0


def test_no_column_is_lost_where_files_differ(platform, many_files):
    many_files("many", "SELECT 1 AS id, 'x' AS first", files=1)
    uri = many_files("many", "SELECT 2 AS id, 'y' AS second", files=1)

    attempt = compact(platform, uri)

    rows = platform.rows(attempt).select("id", "first", "second").orderBy("id").collect()
    assert [tuple(row) for row in rows] == [(1, "x", None), (2, None, "y")]


def test_a_table_without_rows_keeps_its_schema(platform, many_files):
    attempt = compact(platform, many_files("none", "SELECT id, 'x' AS name FROM range(0)", files=1))

    assert platform.rows(attempt).schema.simpleString() == "struct<id:bigint,name:string>"
    assert attempt.counts == {"rowsRead": 0, "rowsWritten": 0, "rowsRejected": 0}


SIZES = [([1], 1), ([100 * MIB], 1), ([100 * MIB, 1], 2), ([30 * MIB] * 10, 3), ([0], 1)]


@pytest.mark.parametrize(("sizes", "wanted"), SIZES)
def test_as_many_files_are_wanted_as_the_target_needs(sizes, wanted):
    files = [StoredFile(f"s3://b/{place}", size, EPOCH) for place, size in enumerate(sizes)]

    assert files_wanted(files, target_mib=100) == wanted


def test_a_column_of_two_types_is_invalid_input(platform, many_files):
    many_files("many", "SELECT 1 AS id", files=1)
    uri = many_files("many", "SELECT 'one' AS id", files=1)

    attempt = compact(platform, uri)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "id" in attempt.failure["message"]
    assert attempt.manifest is None


REFUSED = {
    "CSV": ("t.csv", b"id\n1\n", "t.csv is not Parquet, and compact reads nothing else."),
    "no Parquet": ("t.parquet", b"id\n1\n", "is not a Parquet file"),
}


@pytest.mark.parametrize(("key", "content", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_parquet_is_invalid_input(platform, key, content, words):
    attempt = compact(platform, platform.put(key, content))

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]


def test_more_folders_than_the_driver_can_plan_are_refused(platform, many_files, monkeypatch):
    monkeypatch.setattr("spark_jobs.compact.MAX_FOLDERS", 2)
    uri = many_files("many", "SELECT id, id AS code FROM range(3)", files=1, partition_by=("code",))

    attempt = compact(platform, uri)

    assert MAX_FOLDERS == 500
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "has 3 folders with files, and 2 are possible" in attempt.failure["message"]
