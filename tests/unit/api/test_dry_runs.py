"""`POST /jobs?dryRun=true`: everything is checked, and nothing is stored or sent."""

import pytest
from werkzeug.test import TestResponse

from shared.spark_runner import start_request
from tests.fakes.seam import no_connection
from tests.unit.api.service import RAW, Api, pointers_of, problem_of, submission


def dry_run(api: Api, key: str | None = None, query: str = "dryRun=true", **changes: object) -> TestResponse:
    """Ask what a submission would come to."""
    headers = {"X-Correlation-Id": "nightly-flights"} | ({} if key is None else {"Idempotency-Key": key})
    return api.post(f"/jobs?{query}", json=submission(**changes), headers=headers)


def test_it_shows_the_job_and_stores_and_sends_nothing(api: Api):
    response = dry_run(api, size="medium", tags={"team": "ops"})

    shown = response.get_json()
    assert response.status_code == 200
    assert (shown["wouldBe"]["status"], shown["wouldBe"]["size"]) == ("SUBMITTED", "medium")
    assert shown["existingJobId"] is None
    assert api.dynamodb.tables.get(api.settings.jobs_table, {}) == {}
    assert api.messages() == []
    assert api.get(f"/jobs/{shown['wouldBe']['jobId']}").status_code == 404


def test_the_request_is_the_very_one_that_the_worker_sends(api: Api):
    shown = dry_run(api, key="nightly").get_json()

    job = api.stored(dry_run(api, key="nightly", query="").get_json()["jobId"])

    assert shown["startJobRun"] == start_request(job.job_id, job.spec, 1)
    assert shown["startJobRun"]["clientToken"] == f"{shown['wouldBe']['jobId']}.1"


def test_it_says_what_an_hour_costs_and_by_which_prices(api: Api):
    cost = dry_run(api, size="medium").get_json()["costPerHour"]

    # A driver and two executors: of the eight that a medium job may have, the account has room for no more.
    assert (cost["currency"], cost["atLeast"], cost["atMost"]) == ("USD", 0.9435, 0.9435)
    assert cost["prices"] == {
        "vcpuHour": 0.052624,
        "memoryGbHour": 0.0057785,
        "storageGbHour": 0.000111,
        "source": api.settings.price_source,
        "asOf": api.settings.price_as_of,
    }


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        ({}, None),
        # 0.4024 an hour, and three times the memory.
        ({"maxCostUsd": 0.2}, {"maxCostUsd": 0.2, "reachedAfterSeconds": 1789}),
        ({"maxCostUsd": 0.2, "size": "medium"}, {"maxCostUsd": 0.2, "reachedAfterSeconds": 763}),
    ],
)
def test_it_says_when_the_job_would_have_cost_all_that_it_may(api: Api, asked: dict[str, object], limit: object):
    assert dry_run(api, **asked).get_json()["costLimit"] == limit


def test_it_says_what_is_used_of_the_quotas_without_this_job(api: Api):
    api.submit()

    quota = dry_run(api).get_json()["quota"]

    used = {item["name"]: item["used"] for item in quota["items"]}
    assert (used["activeJobs"], used["submissionsToday"]) == (1, 1)
    assert quota == api.get("/quota").get_json()


def test_a_key_that_has_made_a_job_says_so_wherever_the_job_is(api: Api):
    first = api.submit(key="k").get_json()
    del api.s3.objects[RAW, "flights/flights.csv"]

    shown = dry_run(api, key="k").get_json()

    assert (shown["existingJobId"], shown["wouldBe"]) == (first["jobId"], first)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"size": "huge"}, "/size"),
        ({"jobType": "gone"}, "/jobType"),
        ({"parameters": {"delimiter": ";;"}}, "/parameters/delimiter"),
        ({"inputs": [{"name": "a", "uri": f"s3://{RAW}/gone.csv"}]}, "/inputs/0/uri"),
        ({"inputs": [{"name": "a", "uri": "s3://elsewhere/x.csv"}]}, "/inputs/0/uri"),
    ],
)
def test_what_a_submission_is_refused_for_a_dry_run_is_refused_for(api: Api, changes: dict[str, object], pointer: str):
    response = dry_run(api, **changes)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [pointer]


def test_another_body_under_a_used_key_is_refused(api: Api):
    api.submit(key="k")

    assert problem_of(dry_run(api, key="k", size="large")) == (422, "idempotency_key_reused")


def test_an_owner_with_no_room_is_told_so():
    api = Api(quota_active_jobs=1)
    api.submit(key="k")

    assert problem_of(dry_run(api)) == (429, "quota_exceeded")
    assert dry_run(api, key="k").status_code == 200, "it is there already"


@pytest.mark.parametrize("call", ["get_item", "head_object"])
def test_a_service_that_is_away_is_said_so(api: Api, call: str):
    api.seam.fail_before(call, no_connection())

    assert dry_run(api).status_code == 503


@pytest.mark.parametrize(("query", "status"), [("dryRun=false", 202), ("", 202)])
def test_without_it_the_job_is_submitted(api: Api, query: str, status: int):
    assert dry_run(api, query=query).status_code == status
    assert len(api.messages()) == 1


@pytest.mark.parametrize("query", ["dryRun=1", "dryRun=True", "dryRun=", "dry_run=true", "dryRun=true&dryRun=true"])
def test_any_other_spelling_is_refused_and_submits_nothing(api: Api, query: str):
    assert problem_of(dry_run(api, query=query)) == (422, "validation_failed")
    assert api.messages() == []
