"""An attempt: its manifest is what is on disk, a failed one has none, and it is written once."""

import hashlib
import json
import re
import zipfile
from dataclasses import replace

import pytest
from conftest import ROOT, own_lines
from words_of_spark import in_words_of

from spark_jobs import csv_to_parquet, runner


def as_on_disk(files):
    """Files of a manifest without what a disk does not tell."""
    return [{key: value for key, value in file.items() if key not in ("rows", "etag")} for file in files]


@pytest.mark.parametrize("parameters", [{}, {"partitionBy": ["name"]}], ids=["plain", "partitioned"])
def test_the_manifest_says_what_is_on_disk(platform, parameters):
    uri = platform.put("table.csv", "id,name\n1,ant\n2,bee\n3\n")

    attempt = platform.run("csv-to-parquet", {"table": uri}, parameters, job_id=f"job-{platform.prefix}", attempt=3)

    manifest = attempt.manifest
    assert as_on_disk(manifest["files"]) == attempt.files_on_disk("data")
    assert as_on_disk(manifest["rejectedFiles"]) == attempt.files_on_disk("rejected")
    for file in manifest["files"]:
        assert platform.spark.read.parquet(attempt.uri + file["path"]).count() == file["rows"]
    assert manifest["totals"] == {
        "files": len(manifest["files"]),
        "rows": 2,
        "sizeBytes": sum(file["sizeBytes"] for file in manifest["files"]),
    }
    assert manifest["counts"] == {"rowsRead": 3, "rowsWritten": 2, "rowsRejected": 1}
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(moment, manifest["createdAt"])
    (read,) = manifest["inputs"]
    assert re.fullmatch(moment, read["files"][0].pop("modifiedAt"))
    file = {"uri": uri, "sizeBytes": 22, "etag": None, "versionId": None}
    assert read == {"name": "table", "uri": uri, "files": [file], "rows": 3}
    assert manifest["code"] == {"sha256": None, "sparkVersion": platform.spark.version}
    names = ("manifestVersion", "jobId", "attempt", "jobType", "jobTypeVersion")
    assert [manifest[name] for name in names] == [1, f"job-{platform.prefix}", 3, "csv-to-parquet", "1.0.0"]


def test_nothing_but_the_folder_of_the_attempt_is_written(platform):
    attempt = platform.convert("id,name\n1,ant\n2\n")

    assert [path.name for path in attempt.folder.parent.iterdir()] == ["attempt-1"]
    assert sorted(path.name for path in attempt.folder.iterdir()) == ["_manifest.json", "data", "rejected"]
    listed = [file["path"] for file in attempt.manifest["files"] + attempt.manifest["rejectedFiles"]]
    on_disk = [file["path"] for file in attempt.files_on_disk("data") + attempt.files_on_disk("rejected")]
    assert listed == on_disk


def test_an_attempt_is_written_once(platform):
    uri = platform.put("table.csv", "id\n1\n")
    job_id = f"job-{platform.prefix}"
    first = platform.run("csv-to-parquet", {"table": uri}, job_id=job_id)
    before = (first.folder / "_manifest.json").read_bytes(), first.files_on_disk("data")

    second = platform.run("csv-to-parquet", {"table": uri}, job_id=job_id)

    assert (first.status, second.status) == (0, 1)
    assert second.failure is None
    assert ((first.folder / "_manifest.json").read_bytes(), first.files_on_disk("data")) == before


def test_an_attempt_does_not_add_to_the_data_of_a_run_that_died(platform):
    uri = platform.put("table.csv", "id\n1\n")
    job_id = f"job-{platform.prefix}"
    died = platform.run("csv-to-parquet", {"table": uri}, job_id=job_id)
    (died.folder / "_manifest.json").unlink()

    again = platform.run("csv-to-parquet", {"table": uri}, job_id=job_id)
    next_attempt = platform.run("csv-to-parquet", {"table": uri}, job_id=job_id, attempt=2)

    assert again.manifest is None
    assert again.failure["failureReason"] == "RUN_FAILED"
    assert again.failure["message"].startswith("AnalysisException: [PATH_ALREADY_EXISTS]")
    assert next_attempt.status == 0


def test_a_failure_while_rows_are_read_leaves_no_manifest(platform, capfd):
    attempt = platform.query("SELECT CAST(word AS INT) AS i FROM numbers")

    assert attempt.status == 1
    assert attempt.manifest is None
    assert attempt.failure["exception"] == "SparkNumberFormatException"
    first, last = attempt.failure["causes"][0], attempt.failure["causes"][-1]
    wrapper = in_words_of("SparkException", "SparkNumberFormatException")  # Spark 4 hands the error on as it is
    assert first.startswith(f"org.apache.spark.{wrapper}: ")
    assert last == f"org.apache.spark.{attempt.failure['exception']}: {attempt.failure['message']}"
    assert capfd.readouterr().err.splitlines()[-1] == attempt.failure["message"]


@pytest.mark.parametrize(
    ("content", "parameters", "counts"),
    [
        ("id,name\n1,ant\n2,bee\n3\n", {"maxRejectedRows": 1}, "3 rows were read, but 1 written and 1 set aside"),
        ("id,name\n1,ant\n2,bee\n", {}, "2 rows were read, but 1 written and 0 set aside"),
    ],
    ids=["where malformed rows are expected", "where none is"],
)
def test_rows_lost_on_the_way_fail_the_run_as_our_defect(platform, monkeypatch, content, parameters, counts):
    def run_and_lose_a_row(spark, inputs, parameters):
        result = csv_to_parquet.run(spark, inputs, parameters)
        return replace(result, data=result.data.where("id > 1"))

    monkeypatch.setitem(runner.JOB_TYPES, "csv-to-parquet", run_and_lose_a_row)

    attempt = platform.convert(content, parameters)

    assert attempt.manifest is None
    assert attempt.failure == {
        "failureReason": "RUN_FAILED",
        "message": f"RowsLost: {counts}.",
        "exception": "RowsLost",
        "causes": [f"RowsLost: {counts}."],
    }


def test_a_reason_that_cannot_be_written_does_not_hide_the_error(platform, monkeypatch, capfd):
    def broken(*_):
        raise OSError("the store is gone")

    monkeypatch.setattr("spark_jobs.object_store.ObjectStore.write_text", broken)

    attempt = platform.convert("")

    assert attempt.status == 1
    assert capfd.readouterr().err.splitlines()[-1].endswith("is empty; there is nothing to read.")


@pytest.mark.parametrize(
    ("job", "exception"),
    [("{not json", "JSONDecodeError"), ('{"jobId": "j"}', "KeyError")],
)
def test_a_job_that_cannot_be_read_is_no_fault_of_the_user(platform, spark, job, exception):
    from spark_jobs.main import main

    output = f"s3://processed/jobs/{platform.prefix}"
    status = main(["--job", job, "--output", output, "--attempt", "1"], spark)

    failure = platform.buckets_folder / "processed" / "jobs" / platform.prefix / "attempt-1" / "_failure.json"
    assert status == 1
    assert json.loads(failure.read_text())["failureReason"] == "RUN_FAILED"
    assert json.loads(failure.read_text())["exception"] == exception


def test_an_unknown_job_type_names_those_there_are(platform):
    attempt = platform.run("guess", {})

    assert attempt.failure["failureReason"] == "RUN_FAILED"
    assert attempt.failure["message"] == (
        "LookupError: This code has no job type 'guess'; "
        "it has compact, csv-to-parquet, deduplicate, json-to-parquet, mask, pii-scan, profile, quality, sql."
    )


def test_the_program_runs_from_a_file_and_a_zip_alone(platform, submit, tmp_path):
    package = ROOT / "spark_jobs"
    (tmp_path / "main.py").write_bytes((package / "main.py").read_bytes())
    with zipfile.ZipFile(tmp_path / "spark_jobs.zip", "w") as archive:
        for path in sorted(package.glob("*.py")):
            archive.write(path, f"spark_jobs/{path.name}")
    uri = platform.put("table.csv", "id\n1\n2\n")
    arguments = platform.arguments("csv-to-parquet", {"table": uri}, {}, platform.prefix, 1)

    process = submit(tmp_path, "--py-files", "spark_jobs.zip", "main.py", *arguments)

    folder = platform.buckets_folder / "processed" / "jobs" / platform.prefix / "attempt-1"
    assert process.returncode == 0, process.stderr
    manifest = json.loads((folder / "_manifest.json").read_text())
    assert manifest["totals"]["rows"] == 2
    assert manifest["code"]["sha256"] == hashlib.sha256((tmp_path / "spark_jobs.zip").read_bytes()).hexdigest()
    began, succeeded = own_lines(process.stdout)
    assert (began["event"], began["job_type"]) == ("program_began", "csv-to-parquet")
    assert (began["job_id"], began["attempt"], began["correlation_id"]) == (platform.prefix, 1, "tests-of-spark")
    written = (folder / "_manifest.json").read_bytes()
    assert (succeeded["event"], succeeded["manifest_sha256"]) == (
        "program_succeeded",
        hashlib.sha256(written).hexdigest(),
    )


def test_the_program_runs_from_the_checkout_and_exits_with_1_when_it_fails(platform, submit, tmp_path):
    arguments = platform.arguments("csv-to-parquet", {"table": "s3://raw/nothing.csv"}, {}, platform.prefix, 1)

    process = submit(tmp_path, str(ROOT / "spark_jobs" / "main.py"), *arguments)

    folder = platform.buckets_folder / "processed" / "jobs" / platform.prefix / "attempt-1"
    sentence = "Input 'table': there is no object or folder s3://raw/nothing.csv."
    assert process.returncode == 1
    assert json.loads((folder / "_failure.json").read_text())["message"] == sentence
    # spark-submit hands on what Python writes to stderr as its own stdout, and keeps stderr for Spark's log.
    assert process.stdout.splitlines()[-1] == sentence
    assert [(line["event"], line.get("reason")) for line in own_lines(process.stdout)] == [
        ("program_began", None),
        ("program_failed", "INVALID_INPUT"),
    ]
