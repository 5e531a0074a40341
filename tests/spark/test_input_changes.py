"""Inputs that change while a job runs: the attempt fails, says which file it was, and gives no result."""

from dataclasses import replace

import pytest

from spark_jobs import csv_to_parquet, runner
from spark_jobs.input_changes import difference_of
from spark_jobs.object_store import EPOCH, StoredFile

ROWS = "id,name\n1,ant\n2,bee\n"


@pytest.fixture
def change_after_writing(monkeypatch):
    """Have something happen between the writing of the data and that of the manifest."""

    def arrange(change):
        def run(spark, inputs, parameters):
            result = csv_to_parquet.run(spark, inputs, parameters)
            # `counts` is called once the data is written.
            return replace(result, rows_read=lambda: (result.rows_read(), change())[0])

        monkeypatch.setitem(runner.JOB_TYPES, "csv-to-parquet", run)

    return arrange


def path_of(platform, key):
    return platform.buckets_folder / "raw" / platform.prefix / key


CHANGES = {
    "written again, as long as before": ("a.csv", "was written again", lambda p: p.put("in/a.csv", ROWS[::-1])),
    "gone": ("b.csv", "is gone or empty", lambda p: path_of(p, "in/b.csv").unlink()),
    "added": ("c.csv", "was added", lambda p: p.put("in/c.csv", ROWS)),
}


@pytest.mark.parametrize(("name", "words", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_below_a_prefix_fails_the_attempt_and_names_the_file(
    platform, change_after_writing, name, words, change
):
    platform.put("in/a.csv", ROWS)
    platform.put("in/b.csv", ROWS)
    change_after_writing(lambda: change(platform))

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in/")})

    assert attempt.status == 1
    assert attempt.manifest is None
    assert attempt.files_on_disk("data") != []
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    uri = platform.uri(f"in/{name}")
    assert attempt.failure["message"].startswith(f"Input 'table' changed while the job ran: {uri} {words}. ")
    assert "Submit the job again once nothing writes there" in attempt.failure["message"]


def test_what_hidden_and_empty_files_do_is_no_change(platform, change_after_writing):
    platform.put("in/a.csv", ROWS)
    change_after_writing(lambda: (platform.put("in/_SUCCESS", "done"), platform.put("in/marker.csv", "")))

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in/")})

    assert attempt.counts == {"rowsRead": 2, "rowsWritten": 2, "rowsRejected": 0}


def test_an_object_that_is_gone_at_the_end_fails_the_attempt(platform, change_after_writing):
    change_after_writing(lambda: path_of(platform, "table.csv").unlink())

    attempt = platform.convert(ROWS)

    assert attempt.manifest is None
    assert attempt.failure["message"].startswith(
        "Input 'table' changed while the job ran. Now it is: "
        f"Input 'table': there is no object or folder {platform.uri('table.csv')}. "
    )


def test_the_output_of_a_job_that_is_changed_meanwhile_fails_the_attempt(platform, monkeypatch):
    first = platform.convert(ROWS)
    (data,) = first.folder.glob("data/*.parquet")

    def grow(spark, inputs, parameters):
        result = runner.sql.run(spark, inputs, parameters)
        return replace(result, rows_read=lambda: (result.rows_read(), data.write_bytes(b"longer" * 1000))[0])

    monkeypatch.setitem(runner.JOB_TYPES, "sql", grow)

    attempt = platform.query("SELECT * FROM t", {"t": first.uri})

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert f"{data.name} is not as its manifest says" in attempt.failure["message"]


def test_a_run_that_breaks_because_a_file_went_away_says_that_it_went(platform, monkeypatch):
    uri = platform.put("in/a.csv", ROWS)
    platform.put("in/b.csv", ROWS)

    def run_without(spark, inputs, parameters):
        result = csv_to_parquet.run(spark, inputs, parameters)
        path_of(platform, "in/a.csv").unlink()
        return result

    monkeypatch.setitem(runner.JOB_TYPES, "csv-to-parquet", run_without)

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in/")})

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert f"changed while the job ran: {uri} is gone or empty." in attempt.failure["message"]


def test_a_store_that_no_longer_answers_does_not_hide_why_an_attempt_failed(platform, spark, monkeypatch):
    def run_and_fail(*_):
        raise ArithmeticError("the program's own reason")

    def refuse(*_):
        spark._jvm.java.lang.Integer.parseInt("no number")

    monkeypatch.setitem(runner.JOB_TYPES, "csv-to-parquet", run_and_fail)
    monkeypatch.setattr("spark_jobs.input_changes.find_input", refuse)

    attempt = platform.convert(ROWS)

    assert attempt.failure["message"] == "ArithmeticError: the program's own reason"


def stored(size=1, seconds=0, etag=None, uri="s3://raw/a"):
    return StoredFile(uri, size, EPOCH.replace(second=seconds), etag)


SAME_OR_NOT = {
    "nothing": (stored(), stored(), None),
    "an ETag decides alone": (stored(etag="x"), stored(etag="x", seconds=9), None),
    "another ETag": (stored(etag="x"), stored(etag="y"), "s3://raw/a was written again"),
    "another time": (stored(), stored(seconds=9), "s3://raw/a was written again"),
    "another size": (stored(), stored(size=2), "s3://raw/a was written again"),
}


@pytest.mark.parametrize(("before", "now", "difference"), SAME_OR_NOT.values(), ids=SAME_OR_NOT.keys())
def test_a_file_is_the_same_by_its_etag_or_else_by_size_and_time(before, now, difference):
    assert difference_of([before], [now]) == difference
