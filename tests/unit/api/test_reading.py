"""Looking at jobs, and at their histories."""

from datetime import timedelta

import pytest

from shared.attempts import AttemptRecord, Outcome
from shared.failure_cards import WHAT_TO_DO, FailureCard, FailureClass
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, job_id, submitted_job, tracking_job, with_bigger, with_limit
from tests.unit.api.service import Api, problem_of


def test_a_job_is_shown_as_it_is_stored_now(api: Api):
    api.put(tracking_job(status_message="Read 5 rows.", updated_at=NOON + timedelta(milliseconds=1500)))

    record = api.get(f"/jobs/{job_id()}").get_json()

    assert (record["status"], record["attempt"], record["runId"]) == ("RUNNING", 1, "run-1")
    assert (record["statusMessage"], record["updatedAt"]) == ("Read 5 rows.", "2026-11-23T12:00:01.500Z")
    assert record["outputUri"] is None
    assert record["driverLogUri"] == (
        "s3://cloud-data-platform-dev-logs/applications/00app/jobs/run-1/SPARK_DRIVER/stdout.gz"
    )
    assert record["links"]["outputs"] == f"/jobs/{job_id()}/outputs"


def test_a_job_that_succeeded_names_its_output(api: Api):
    api.put(ended_job(attempt=2))

    record = api.get(f"/jobs/{job_id()}").get_json()

    folder = f"s3://cloud-data-platform-dev-processed/jobs/{job_id()}/attempt-2/"
    assert (record["outputUri"], record["manifestUri"]) == (folder, f"{folder}_manifest.json")


def test_a_job_shows_its_attempts_that_ended_and_why_they_failed(api: Api):
    card = FailureCard(FailureClass.MEMORY, "Out of memory.", "java.lang.OutOfMemoryError: Java heap space", 137, True)
    began_at, ended_at = NOON + timedelta(seconds=2), NOON + timedelta(seconds=9)
    lost = AttemptRecord(1, Outcome.FAILED, NOON, ended_at, "run-7", card, size="small", run_began_at=began_at)
    api.put(ended_job(attempt=2, attempts=(lost, AttemptRecord(2, Outcome.SUCCEEDED, NOON, NOON))))

    first, second = api.get(f"/jobs/{job_id()}").get_json()["attempts"]

    assert first == {
        "attempt": 1,
        "outcome": "FAILED",
        "size": "small",
        "runId": "run-7",
        "startedAt": "2026-11-23T12:00:00.000Z",
        "runBeganAt": "2026-11-23T12:00:02.000Z",
        "endedAt": "2026-11-23T12:00:09.000Z",
        "times": {"waitedSeconds": 0.0, "queuedSeconds": 2.0, "ranSeconds": 7.0},
        "driverLogUri": "s3://cloud-data-platform-dev-logs/applications/00app/jobs/run-7/SPARK_DRIVER/stdout.gz",
        "logs": f"/jobs/{job_id()}/logs?attempt=1",
        "failure": {
            "class": "memory",
            "message": "Out of memory.",
            "exception": "java.lang.OutOfMemoryError: Java heap space",
            "exitCode": 137,
            "whatToDo": WHAT_TO_DO[FailureClass.MEMORY],
            "wholeCardUri": f"s3://cloud-data-platform-dev-processed/jobs/{job_id()}/attempt-1/_failure.json",
        },
    }
    assert (second["outcome"], second["runId"], second["driverLogUri"], second["failure"]) == (
        *("SUCCEEDED", None, None, None),
    )


@pytest.mark.parametrize(("went_bigger", "bigger", "memory_gb"), [(False, None, 5), (True, "medium", 18)])
def test_a_job_says_which_size_its_runs_have_since_memory_ran_out(api: Api, went_bigger, bigger, memory_gb):
    api.put(with_bigger(idle_job(went_bigger=went_bigger)))

    record = api.get(f"/jobs/{job_id()}").get_json()

    assert (record["size"], record["onOutOfMemory"], record["biggerSize"]) == ("small", "retry-bigger", bigger)
    assert record["workers"]["driver"]["memoryGb"] == memory_gb


def test_a_job_says_what_it_may_cost_and_when_that_is_reached(api: Api):
    api.put(with_limit(0.4, tracking_job(cost_limit_at=NOON, cost_warned_at=NOON)))

    record = api.get(f"/jobs/{job_id()}").get_json()

    assert record["maxCostUsd"] == 0.4
    assert record["costLimitAt"] == record["costWarnedAt"] == "2026-11-23T12:00:00.000Z"


@pytest.mark.parametrize("path", ["", "/history", "/outputs", "/cancel"])
@pytest.mark.parametrize("whose", ["nobody", "somebody else"])
def test_a_job_that_is_not_the_callers_is_not_there(api: Api, path: str, whose: str):
    if whose == "somebody else":
        api.put(ended_job(owner_id="ann"))

    response = api.call("POST" if path == "/cancel" else "GET", f"/jobs/{job_id()}{path}")

    assert problem_of(response) == (404, "job_not_found")


@pytest.mark.parametrize("name", ["x", job_id()[:-1] + "A", job_id() + "0", "%00", "a" * 3000, job_id()[:-1] + "%0A"])
def test_what_is_no_job_id_is_not_even_looked_for(api: Api, name: str):
    response = api.get(f"/jobs/{name}")

    assert problem_of(response) == (404, "job_not_found")
    assert api.seam.calls == []


def test_the_history_tells_what_happened_in_its_order(api: Api):
    created = api.submit().get_json()
    api.post(f"/jobs/{created['jobId']}/cancel", json={"reason": "wrong file"})

    rows = api.get(f"/jobs/{created['jobId']}/history").get_json()["items"]

    assert [(row["from"], row["to"], row["by"]) for row in rows] == [
        (None, "SUBMITTED", "api:local"),
        ("SUBMITTED", "SUBMITTED", "api:local"),
    ]
    assert rows[1]["message"] == "Cancellation asked for: wrong file"


@pytest.mark.parametrize("path", [f"/jobs/{job_id()}", "/job-types", "/job-types/sql"])
def test_a_query_where_none_is_taken_is_refused(api: Api, path: str):
    response = api.get(f"{path}?verbose=1")

    assert "takes none" in response.get_json()["errors"][0]["message"]


def test_a_misspelt_dry_run_is_not_taken_for_a_job(api: Api):
    response = api.post("/jobs?dryrun=true", json={"jobType": "simulated"})

    assert problem_of(response) == (422, "validation_failed")
    assert api.writes() == 0


def test_a_job_of_a_version_after_the_next_is_our_problem_and_leaks_nothing(api: Api):
    job = api.put(submitted_job())
    api.dynamodb.items(api.settings.jobs_table)[job.job_id]["schemaVersion"] = 3

    response = api.get(f"/jobs/{job.job_id}")

    assert problem_of(response) == (500, "internal_error")
    assert "schemaVersion" not in response.text


def test_a_type_is_shown_with_the_schema_of_its_parameters(api: Api):
    names = [item["name"] for item in api.get("/job-types").get_json()["items"]]
    record = api.get("/job-types/csv-to-parquet").get_json()

    assert names == [
        "csv-to-parquet",
        "json-to-parquet",
        "sql",
        "deduplicate",
        "profile",
        "quality",
        "compact",
        "pii-scan",
        "mask",
        "pyspark",
        "spark-jar",
        "simulated",
    ]
    assert record["parameters"]["properties"]["header"]["type"] == "boolean"
    assert (record["minInputs"], record["maxInputs"]) == (1, 1)
    assert problem_of(api.get("/job-types/train")) == (404, "not_found")
