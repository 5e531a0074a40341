"""The main job and its failures, from the HTTP request to the result, with real Spark."""

import csv
import io
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from cli.client import Problem
from cli.file_parts import read_parts
from cli.uploading import upload
from local.marked import wait_until
from tests.acceptance.conftest import PATIENCE_SECONDS, Platform
from tests.spark.flights_data import content_of, flights_of_new_year, rows_of

FLIGHTS, FLIGHTS_ROWS = flights_of_new_year("carrier", "flight", "arr_delay")
COLUMNS = [
    {"name": "carrier", "type": "string"},
    {"name": "flight", "type": "int"},
    {"name": "arr_delay", "type": "int"},
]
CONTRACT = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "acceptance",
    "name": "acceptance",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "flights",
            "properties": [
                {
                    "name": "carrier",
                    "logicalType": "string",
                    "primaryKey": True,
                    "logicalTypeOptions": {"pattern": "^[A-Z0-9]{2}$"},
                },
                {
                    "name": "flight",
                    "logicalType": "integer",
                    "primaryKey": True,
                    "logicalTypeOptions": {"minimum": 1},
                },
                {"name": "arr_delay", "logicalType": "integer"},
            ],
        }
    ],
}
QUERY = """SELECT name, count(*) AS flights, sum(arr_delay) AS delay
           FROM flights JOIN airlines USING (carrier) GROUP BY name ORDER BY name"""


@pytest.fixture(scope="module")
def inputs(platform: Platform) -> dict[str, str]:
    return {
        "flights": platform.upload("acceptance/flights.csv", FLIGHTS + b"broken\n"),
        "airlines": platform.upload("acceptance/airlines.csv", content_of("airlines")),
    }


def csv_job(uri: str, **parameters) -> dict:
    parameters = {"nullValue": "NA", "columns": COLUMNS, **parameters}
    return {"jobType": "csv-to-parquet", "inputs": [{"name": "flights", "uri": uri}], "parameters": parameters}


def sql_job(inputs: dict[str, str], query: str) -> dict:
    named = [{"name": name, "uri": uri} for name, uri in inputs.items()]
    return {"jobType": "sql", "inputs": named, "parameters": {"query": query, "outputFormat": "csv"}}


def read_rows(outputs: dict) -> list[list[str]]:
    rows = []
    for file in outputs["files"]:
        with urllib.request.urlopen(file["url"], timeout=10) as answer:
            rows += list(csv.reader(io.StringIO(answer.read().decode())))
    return rows


def delays_by_airline() -> list[list[str]]:
    """The answer to the query, as Python alone counts it."""
    names = {row["carrier"]: row["name"] for row in rows_of("airlines")}
    flights, delays = Counter[str](), Counter[str]()
    for row in FLIGHTS_ROWS:
        name = names[row["carrier"]]
        flights[name] += 1
        delays[name] += 0 if row["arr_delay"] == "NA" else int(row["arr_delay"])
    return [[name, str(flights[name]), str(delays[name])] for name in sorted(flights)]


def test_csv_becomes_parquet_and_parquet_an_answer(platform: Platform, inputs):
    submitted = platform.api.submit(csv_job(inputs["flights"]))
    assert (submitted["status"], submitted["attempt"]) == ("SUBMITTED", 0)
    parquet = platform.wait(submitted)
    assert parquet["status"] == "SUCCEEDED", parquet["statusMessage"]
    counts = platform.api.outputs(parquet["jobId"])["counts"]
    assert counts == {"rowsRead": 843, "rowsWritten": 842, "rowsRejected": 1}

    answer = platform.wait(
        platform.api.submit(sql_job({"flights": parquet["outputUri"], "airlines": inputs["airlines"]}, QUERY))
    )

    assert answer["status"] == "SUCCEEDED", answer["statusMessage"]
    assert read_rows(platform.api.outputs(answer["jobId"])) == [
        ["name", "flights", "delay"],
        *delays_by_airline(),
    ]
    moves = [(row["from"], row["to"]) for row in platform.api.history(answer["jobId"])["items"]]
    assert moves[0] == (None, "SUBMITTED")
    assert moves[-1] == ("RUNNING", "SUCCEEDED")


def test_rows_that_break_their_contract_are_set_aside_and_counted_by_rule(platform: Platform):
    platform.api.put_contract("acceptance", "1.0.0", CONTRACT)
    uri = platform.upload(
        "acceptance/doubtful.csv", b"carrier,flight,arr_delay\nUA,1545,11\nUA,1545,3\nuA,0,NA\nB6,725,-18\n"
    )

    job = platform.wait(platform.api.submit({**csv_job(uri), "contract": "acceptance/1.0.0"}))

    assert job["status"] == "SUCCEEDED", job["statusMessage"]
    outputs = platform.api.outputs(job["jobId"])
    assert outputs["counts"] == {"rowsRead": 4, "rowsWritten": 1, "rowsRejected": 3}
    assert outputs["contract"]["name"] == "acceptance"
    assert {(row["column"], row["rule"]): row["rows"] for row in outputs["contract"]["violations"]} == {
        ("carrier", "pattern"): 1,
        ("carrier, flight", "primaryKey"): 2,
        ("flight", "minimum"): 1,
    }


def test_a_profile_comes_with_a_page_that_a_browser_shows(platform: Platform, inputs):
    job = {"jobType": "profile", "inputs": [{"name": "airlines", "uri": inputs["airlines"]}], "parameters": {}}

    ended = platform.wait(platform.api.submit(job))

    assert ended["status"] == "SUCCEEDED", ended["statusMessage"]
    outputs = platform.api.outputs(ended["jobId"])
    assert outputs["counts"] == {"rowsRead": 16, "rowsWritten": 2, "rowsRejected": 0}
    page, document = outputs["reportFiles"]
    with urllib.request.urlopen(page["url"], timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "JetBlue Airways" in answer.read().decode()
    assert document["path"] == "reports/profile.json"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT nope FROM flights", "nope"),
        ("SELEC 1", "Syntax error"),
        ("DROP TABLE flights", "one SELECT or WITH statement"),
    ],
    ids=["unknown-column", "broken-sql", "no-query"],
)
def test_sql_that_cannot_work_fails_with_sparks_own_sentence_and_is_not_tried_again(
    platform: Platform, inputs, query, sentence
):
    failed = platform.wait(platform.api.submit(sql_job({"flights": inputs["airlines"]}, query)))

    assert (failed["status"], failed["failureReason"], failed["attempt"]) == ("FAILED", "INVALID_INPUT", 1)
    assert sentence in failed["failureDetail"]
    assert "exit code" not in failed["statusMessage"].lower()
    (letter,) = [letter for letter in platform.dead_letters() if letter["jobId"] == failed["jobId"]]
    assert letter["failureDetail"] == failed["failureDetail"]
    log = platform.api.logs(failed["jobId"])
    assert sentence in log["text"]
    assert (log["uri"], log["complete"], log["message"]) == (letter["driverLogUri"], True, None)
    with pytest.raises(Problem, match="outputs_not_ready"):
        platform.api.outputs(failed["jobId"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"jobType": "csv-to-parchment"}, "/jobType"),
        (
            {"inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/acceptance/no.csv"}]},
            "/inputs/0/uri",
        ),
        ({"inputs": [{"name": "flights", "uri": "s3://somebody-elses/flights.csv"}]}, "/inputs/0/uri"),
        ({"parameters": {"header": "yes"}}, "/parameters/header"),
        ({"parameters": {"heeder": True}}, "/parameters/heeder"),
    ],
    ids=["job-type", "missing-object", "foreign-bucket", "wrong-type", "unknown-parameter"],
)
def test_what_can_be_known_at_submit_is_refused_there(platform: Platform, inputs, change, pointer):
    with pytest.raises(Problem) as refusal:
        platform.api.submit({**csv_job(inputs["flights"]), **change})

    assert refusal.value.status == 422
    assert [row["pointer"] for row in refusal.value.errors] == [pointer]


def test_a_cancelled_job_ends_as_cancelled_and_its_run_with_it(platform: Platform):
    (job,) = platform.submit_simulated(1, seconds=600)
    platform.api.cancel(job["jobId"], "not needed any more")

    ended = platform.wait(job)

    assert (ended["status"], ended["failureReason"]) == ("FAILED", "CANCELLED")
    with pytest.raises(Problem, match="job_already_ended"):
        platform.api.cancel(job["jobId"])


PEOPLE = b"flight,mail\n1545,ann.smith@example.com\n1141,bob@example.org\n1714,eve@example.net\n"


def test_a_file_that_was_uploaded_is_scanned_and_read_as_its_dataset_once_it_is_masked(
    platform: Platform, tmp_path: Path
):
    path = tmp_path / "people.csv"
    path.write_bytes(PEOPLE)
    dataset = upload(platform.api, read_parts(path, None), "text/csv", {}, lambda text: None)
    query = sql_job({"people": dataset["reference"]}, "SELECT flight FROM people ORDER BY flight")
    with pytest.raises(Problem, match="is being scanned"):
        platform.api.submit(query)

    scan = platform.wait({"jobId": dataset["scan"]["jobId"]})

    assert (scan["status"], scan["tags"]) == ("SUCCEEDED", {"purpose": "dataset-scan"}), scan
    # The dataset is told just after the job has ended.
    wait_until(lambda: platform.api.dataset(dataset["datasetId"])["pii"] != "pending", PATIENCE_SECONDS)
    found = platform.api.dataset(dataset["datasetId"])
    columns = [(each["name"], each["kinds"]) for each in found["scan"]["columns"]]
    assert (found["pii"], columns) == ("found", [("mail", ["email"])])
    bucket, _, key = found["uri"].removeprefix("s3://").partition("/")
    tags = platform.aws("s3").get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "pii": "found",
        "owner": "local",
        "datasetType": "general",
        "retention": "standard",
    }
    with pytest.raises(Problem, match="dataset_held_back"):
        platform.api.submit(query)
    masking = {"columns": [{"name": "mail", "method": "drop"}]}
    inputs = [{"name": "people", "uri": dataset["reference"]}]
    masked = platform.wait(platform.api.submit({"jobType": "mask", "inputs": inputs, "parameters": masking}))
    assert masked["status"] == "SUCCEEDED", masked
    assert masked["inputs"] == [{"name": "people", "uri": found["uri"], "datasetId": found["datasetId"]}]
    outputs = platform.api.outputs(masked["jobId"])
    assert ([column["name"] for column in outputs["schema"]["fields"]], outputs["counts"]["rowsWritten"]) == (
        ["flight"],
        3,
    )


def test_a_job_that_cost_all_that_it_may_is_ended_by_what_its_run_is_billed(platform: Platform):
    # A minute at least is billed of a medium run, 0.02 and more, as soon as EMR Serverless tells it.
    job = platform.api.submit(
        {"jobType": "simulated", "parameters": {"seconds": 600}, "size": "medium", "maxCostUsd": 0.01}
    )

    ended = platform.wait(job)

    assert (ended["status"], ended["failureReason"]) == ("FAILED", "COST_LIMIT")
    assert ended["createdAt"] < ended["costLimitAt"] <= ended["finishedAt"]
    assert ended["attempts"][0]["failure"]["class"] == "cost-limit"
