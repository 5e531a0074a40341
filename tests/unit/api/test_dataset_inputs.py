"""Datasets as inputs of jobs: named, found when the job is submitted, and remembered both ways."""

import json
from typing import Any

import pytest

from api.identity.callers import DATASETS_WRITE, JOBS_READ, JOBS_WRITE, OPS
from shared.models import job_from_item, job_to_item
from tests.fakes.jobs import job_id
from tests.fakes.seam import no_connection
from tests.unit.api.issuing import callers
from tests.unit.api.service import RAW, Api, pointers_of, problem_of, submission
from tests.unit.api.test_datasets import of, register, registered, registration, upload
from tests.unit.contracts.documents import column, document


def ready(api: Api, contract: str | None = None, **options: Any) -> dict[str, Any]:
    """The record of a dataset that can be an input."""
    record = register(api, registration(contract=contract), **options).get_json()
    upload(api, record)
    done: dict[str, Any] = api.post(record["links"]["complete"], **options).get_json()
    assert done["status"] == "READY"
    return done


def of_dataset(dataset_id: str) -> dict[str, Any]:
    """The body of a job that reads one dataset."""
    return submission(inputs=[{"name": "flights", "uri": f"dataset:{dataset_id}"}])


def test_a_job_reads_the_object_of_the_dataset_that_it_names(api: Api):
    dataset = ready(api)

    response = api.post("/jobs", json=of_dataset(dataset["datasetId"]))

    expected = {"name": "flights", "uri": dataset["uri"], "datasetId": dataset["datasetId"]}
    assert (response.status_code, response.get_json()["inputs"]) == (202, [expected])
    job = api.stored(response.get_json()["jobId"])
    program = json.loads(job.spec.job_driver["sparkSubmit"]["entryPointArguments"][1])
    assert program["inputs"] == [{"name": "flights", "uri": dataset["uri"]}]
    assert job_from_item(job_to_item(job)) == job


def test_a_job_of_a_dataset_costs_one_read_of_the_table_and_none_of_s3(api: Api):
    dataset = ready(api)
    api.seam.calls.clear()

    api.post("/jobs", json=of_dataset(dataset["datasetId"]))

    assert api.seam.calls.count("get_item") == 1
    assert {"head_object", "list_objects_v2"}.isdisjoint(api.seam.calls)


def test_a_repeated_job_of_a_dataset_is_known_by_what_was_asked(api: Api):
    body = of_dataset(ready(api)["datasetId"])
    other = {**body, "inputs": [{"name": "flights", "uri": f"dataset:{ready(api)['datasetId']}"}]}
    headers = {"Idempotency-Key": "k"}
    first = api.post("/jobs", json=body, headers=headers)
    api.dynamodb.items(api.settings.datasets_table).clear()

    again = api.post("/jobs", json=body, headers=headers)

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert again.get_json() == first.get_json()
    assert problem_of(api.post("/jobs", json=other, headers=headers)) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(("end", "said"), [("", "complete it"), ("expire", "EXPIRED"), ("abandon", "ABANDONED")])
def test_a_dataset_that_is_not_ready_cannot_be_an_input(api: Api, end: str, said: str):
    record = registered(api)
    if end == "abandon":
        api.post(record["links"]["abandon"])
    if end == "expire":
        api.clock.forward(api.settings.upload_seconds)

    response = api.post("/jobs", json=of_dataset(record["datasetId"]))

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/inputs/0/uri"])
    assert said in response.get_json()["detail"]


@pytest.mark.parametrize("name", [job_id(9), "nonsense", "", job_id(9).upper() + "\n"])
def test_a_dataset_that_is_not_there_cannot_be_an_input(api: Api, name: str):
    response = api.post("/jobs", json=of_dataset(name))

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/inputs/0/uri"])
    assert "There is no" in response.get_json()["detail"]


def test_all_datasets_that_cannot_be_inputs_are_told_at_once(api: Api):
    inputs = [{"name": f"i{number}", "uri": f"dataset:{job_id(number)}"} for number in (7, 8)]

    response = api.post("/jobs", json=submission(jobType="sql", inputs=inputs))

    assert pointers_of(response) == ["/inputs/0/uri", "/inputs/1/uri"]


def test_no_more_datasets_are_read_than_a_job_may_have_inputs():
    api = Api(max_inputs=2)
    inputs = [{"name": f"i{number}", "uri": f"dataset:{job_id(number)}"} for number in range(3)]

    response = api.post("/jobs", json=submission(jobType="sql", inputs=inputs))

    assert pointers_of(response) == ["/inputs"]
    assert "get_item" not in api.seam.calls


def test_only_an_operator_may_run_jobs_of_others_datasets():
    api, writer = Api(callers()), (JOBS_READ, JOBS_WRITE)
    body = of_dataset(ready(api, headers=of("ann", DATASETS_WRITE))["datasetId"])

    of_bob = api.post("/jobs", json=body, headers=of("bob", *writer))
    of_ann = api.post("/jobs", json=body, headers=of("ann", *writer))
    of_operator = api.post("/jobs", json=body, headers=of("olga", *writer, OPS))

    assert (problem_of(of_bob), "There is no dataset" in of_bob.text) == ((422, "validation_failed"), True)
    assert (of_ann.status_code, of_operator.status_code) == (202, 202)


@pytest.mark.parametrize("key", ["uploads/{id}/flights.csv", "uploads/", "uploads", "", "uploads/{id}/"])
def test_what_was_uploaded_is_read_as_a_dataset_and_not_by_its_uri(api: Api, key: str):
    dataset = ready(api)
    uri = f"s3://{RAW}/{key.format(id=dataset['datasetId'])}"

    response = api.submit(inputs=[{"name": "flights", "uri": uri}])

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/inputs/0/uri"])
    assert "dataset:{datasetId}" in response.get_json()["detail"]


@pytest.mark.parametrize("key", ["uploads.csv", "upload/a.csv", "old/uploads/a.csv"])
def test_what_only_looks_like_an_upload_is_read_by_its_uri(api: Api, key: str):
    api.s3.objects[RAW, key] = b"carrier\n"

    assert api.submit(inputs=[{"name": "flights", "uri": f"s3://{RAW}/{key}"}]).status_code == 202


def test_without_dynamodb_nothing_is_said_about_a_dataset(api: Api):
    body = of_dataset(ready(api)["datasetId"])
    api.seam.fail_before("get_item", no_connection())

    assert problem_of(api.post("/jobs", json=body)) == (503, "job_store_unavailable")


CONTRACT = document(column("carrier", "string"), column("flight", required=True))
REFERENCE = "flights/1.0.0"


def held(api: Api) -> dict[str, Any]:
    """The record of a dataset that is READY, and held to a contract which its header does not fit."""
    api.put_contract(CONTRACT)
    return ready(api, contract=REFERENCE)


def test_a_job_that_names_no_contract_is_held_to_that_of_its_dataset(api: Api):
    dataset = held(api)
    api.s3.objects[RAW, f"uploads/{dataset['datasetId']}/flights.csv"] = b"carrier,flight\nUA,1\n"
    headers = {"Idempotency-Key": "k"}

    first, again = (api.post("/jobs", json=of_dataset(dataset["datasetId"]), headers=headers) for _ in range(2))

    assert (dataset["contract"], first.status_code, first.get_json()["contract"]) == (REFERENCE, 202, REFERENCE)
    assert (again.headers["Idempotency-Replayed"], again.get_json()) == ("true", first.get_json())


def test_a_dataset_whose_header_is_not_as_its_contract_says_is_found_before_a_run_is_paid_for(api: Api):
    response = api.post("/jobs", json=of_dataset(held(api)["datasetId"]))

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/inputs/0/uri"])
    assert "flight" in response.get_json()["detail"]


def test_a_type_that_takes_no_contract_reads_any_dataset(api: Api):
    body = of_dataset(held(api)["datasetId"])

    response = api.post("/jobs", json={**body, "jobType": "sql", "parameters": {"query": "SELECT * FROM flights"}})

    assert (response.status_code, response.get_json()["contract"]) == (202, None)


@pytest.mark.parametrize("name", ["flights/9.9.9", "nothing"])
def test_a_dataset_names_a_contract_that_there_is(api: Api, name: str):
    response = register(api, registration(contract=name))

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/contract"])
    assert api.writes() == 0
