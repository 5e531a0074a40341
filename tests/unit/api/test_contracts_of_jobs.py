"""Jobs that name a contract: what is known of their input before a run is paid for."""

import gzip
import json
from http import HTTPStatus
from typing import Any

import pytest

from shared.contracts.contracts import digest_of_document
from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job
from tests.fakes.seam import aws_error, no_connection
from tests.unit.api.service import FLIGHTS, RAW, Api, pointers_of, problem_of, submission
from tests.unit.contracts.documents import column, document

FLIGHTS_CONTRACT = document(
    column("carrier", "string", required=True), column("flight"), column("price", "number", physicalType="decimal(6,2)")
)
REFERENCE = "flights/1.0.0"
FOLDER = f"s3://{RAW}/in/"


@pytest.fixture
def api() -> Api:
    """An API with a contract, and an input that is as it says."""
    api = Api()
    api.put_contract(FLIGHTS_CONTRACT)
    api.get(f"/contracts/{REFERENCE}")  # and it is known to the process
    api.seam.calls.clear()
    api.s3.objects[RAW, "flights/flights.csv"] = b"carrier,flight,price\nUA,1,2.50\n"
    return api


def submit(api: Api, uri: str = FLIGHTS, content: bytes | None = None, **parameters: Any) -> Any:
    """Submit a job under the contract, over an object of this content."""
    if content is not None:
        api.s3.objects[RAW, uri.removeprefix(f"s3://{RAW}/")] = content
    return api.submit(contract=REFERENCE, inputs=[{"name": "flights", "uri": uri}], parameters=parameters)


def faults(response: Any) -> list[str]:
    """What an answer says is wrong, without the sentence that names the file."""
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    return [each["message"].partition(" says. ")[2] for each in response.get_json()["errors"]]


def test_a_job_says_which_contract_its_input_is_held_to(api: Api):
    response = submit(api)

    assert (response.status_code, response.get_json()["contract"]) == (HTTPStatus.ACCEPTED, REFERENCE)
    assert api.get(f"/jobs/{response.get_json()['jobId']}").get_json()["contract"] == REFERENCE


def test_its_program_is_told_where_the_document_is_and_which_and_may_read_it(api: Api):
    job = api.stored(submit(api).get_json()["jobId"])

    program = json.loads(job.spec.job_driver["sparkSubmit"]["entryPointArguments"][1])
    sha256 = digest_of_document(FLIGHTS_CONTRACT)
    uri = f"s3://{api.settings.artifacts_bucket}/contracts/flights/1.0.0-{sha256[:32]}.json"
    assert program["contract"] == {"name": "flights", "version": "1.0.0", "sha256": sha256, "uri": uri}
    assert uri.removeprefix("s3://") in str(job.spec.session_policy)
    assert json.loads(api.s3.objects[api.settings.artifacts_bucket, uri.split("/", 3)[3]]) == FLIGHTS_CONTRACT


def test_a_job_without_a_contract_has_none_and_its_program_is_told_nothing(api: Api):
    response = api.submit()

    job = api.stored(response.get_json()["jobId"])
    assert response.get_json()["contract"] is None
    assert "contract" not in job.spec.job_driver["sparkSubmit"]["entryPointArguments"][1]


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        ("flights", "Write name/version"),
        ("flights/1.0", "Write name/version"),
        ("flights/9.0.0", "no version '9.0.0'"),
        ("nothing/1.0.0", "no contract 'nothing'"),
    ],
)
def test_a_contract_that_is_not_there_is_refused(api: Api, contract, words):
    response = api.submit(contract=contract)

    assert problem_of(response) == (HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed")
    assert pointers_of(response) == ["/contract"]
    assert words in response.get_json()["detail"]


def test_a_job_type_that_takes_no_contract_says_so(api: Api):
    response = api.submit(jobType="sql", parameters={"query": "SELECT 1"}, contract=REFERENCE)

    assert pointers_of(response) == ["/contract"]
    assert response.get_json()["detail"] == "A job of type sql takes no contract."


def test_the_catalogue_says_which_job_types_take_one(api: Api):
    assert api.get("/job-types/csv-to-parquet").get_json()["takesContract"] is True
    assert api.get("/job-types/sql").get_json()["takesContract"] is False
    assert api.get("/job-types/csv-to-parquet").get_json()["needsContract"] is False
    assert api.get("/job-types/quality").get_json()["needsContract"] is True


def test_a_job_type_that_needs_a_contract_says_so(api: Api):
    response = api.submit(jobType="quality", parameters={})

    assert pointers_of(response) == ["/contract"]
    assert response.get_json()["detail"].startswith("A job of type quality needs a contract; write name/version")


def test_json_lines_have_no_header_and_no_columns_of_their_own(api: Api):
    columns = [{"name": "carrier", "type": "string"}]

    good = api.submit(jobType="json-to-parquet", parameters={}, contract=REFERENCE)
    bad = api.submit(jobType="json-to-parquet", parameters={"columns": columns}, contract=REFERENCE)

    assert good.status_code == HTTPStatus.ACCEPTED
    assert api.seam.calls.count("get_object") == 0
    assert pointers_of(bad) == ["/parameters/columns"]
    assert "leave them out" in bad.get_json()["detail"]


# The file's name, the parameter `format`, and whether the run takes the file for CSV.
FORMATS = [
    ("flights.csv", None, True),
    ("FLIGHTS.CSV.GZ", None, True),
    ("flights.txt", None, False),
    ("flights.txt", "csv", True),
    ("flights.csv", "json", False),
    ("flights.parquet", None, False),
]


@pytest.mark.parametrize(("name", "file_format", "is_csv"), FORMATS)
def test_of_a_type_that_reads_several_formats_only_csv_has_a_header(api: Api, name, file_format, is_csv):
    content = b"flight\n1\n"
    api.s3.objects[RAW, f"in/{name}"] = gzip.compress(content) if name.endswith("GZ") else content
    parameters = {} if file_format is None else {"format": file_format}
    inputs = [{"name": "flights", "uri": f"s3://{RAW}/in/{name}"}]

    response = api.submit(jobType="quality", parameters=parameters, contract=REFERENCE, inputs=inputs)

    assert (response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY) == is_csv


HEADERS = {
    "the contract's": (b"carrier,flight,price\n", []),
    "in other letters": (b"CARRIER,Flight,price\n", []),
    "without what is not required": (b"carrier,price\n", []),
    "without what is": (b"flight,price\n", ["These columns are missing: 'carrier'."]),
    "with more": (b"carrier,flight,price,seat\n", ["These columns are not in the contract: 'seat'."]),
    "in another order": (
        b"flight,carrier,price\n",
        [
            "The columns stand in another order: 'flight', 'carrier', 'price', "
            "but the contract says 'carrier', 'flight', 'price'."
        ],
    ),
    "that may be cut": (b"carrier,flight", []),
    "of nothing": (b"", []),
}


@pytest.mark.parametrize(("content", "told"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_is_held_to_the_contract(api: Api, content, told):
    response = submit(api, content=content)

    if told:
        assert faults(response) == told
        assert pointers_of(response) == ["/inputs/0/uri"]
        assert FLIGHTS in response.get_json()["detail"]
    else:
        assert response.status_code == HTTPStatus.ACCEPTED


def test_a_compressed_header_is_read_too(api: Api):
    response = submit(api, f"s3://{RAW}/a.csv.gz", gzip.compress(b"flight\n1\n"))

    assert faults(response) == ["These columns are missing: 'carrier'."]


def test_only_the_first_bytes_of_a_file_are_read(api: Api):
    ranges = []
    api.seam.before = lambda operation, arguments: (
        ranges.append(arguments.get("Range")) if operation == "get_object" else None
    )

    submit(api, content=b"carrier,flight,price\n" + b"UA,1,2\n" * 100_000)

    assert ranges == ["bytes=0-65535"]


def test_the_first_files_of_a_folder_are_looked_at_hidden_and_empty_ones_aside(api: Api):
    for key, content in {
        "in/_SUCCESS": b"seat\n",
        "in/a.csv": b"carrier\n",
        "in/b.csv": b"",
        "in/c.csv.bz2": b"seat\n",
        "in/d.csv": b"carrier,seat\n",
        "in/e.csv": b"flight\n",
        "in/f.csv": b"flight\n",
    }.items():
        api.s3.objects[RAW, key] = content

    response = submit(api, FOLDER)

    files = [each["message"].split()[3].rpartition("/")[2] for each in response.get_json()["errors"]]
    assert files == ["d.csv", "e.csv"]


@pytest.mark.parametrize("uri", [FOLDER, FOLDER.rstrip("/")])
def test_a_folder_may_be_named_with_a_slash_or_without(api: Api, uri):
    api.s3.objects[RAW, "in/a.csv"] = b"flight\n"

    assert faults(submit(api, uri)) == ["These columns are missing: 'carrier'."]


def test_without_a_header_nothing_of_a_file_is_read(api: Api):
    response = submit(api, content=b"what,ever\n", header=False)

    assert response.status_code == HTTPStatus.ACCEPTED
    assert api.seam.calls.count("get_object") == 0


COLUMNS = {
    "the contract's": ([("carrier", "string"), ("flight", "int"), ("price", "decimal(6, 2)")], []),
    "some of them": ([("carrier", "string")], []),
    "another type": ([("carrier", "string"), ("flight", "bigint")], ["/parameters/columns/1/type"]),
    "others": ([("carrier", "string"), ("seat", "string")], ["/parameters/columns"]),
    "too few": ([("flight", "int")], ["/parameters/columns"]),
}


@pytest.mark.parametrize(("columns", "pointers"), COLUMNS.values(), ids=COLUMNS.keys())
def test_columns_that_a_job_states_are_held_to_the_contract_before_any_file(api: Api, columns, pointers):
    stated = [{"name": name, "type": type_name} for name, type_name in columns]

    response = submit(api, header=False, columns=stated)

    assert (pointers_of(response) if response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY else []) == pointers


def test_columns_to_partition_by_are_the_contracts(api: Api):
    assert pointers_of(submit(api, partitionBy=["carrier", "seat"])) == ["/parameters/partitionBy/1"]


def test_an_input_that_may_not_be_read_is_refused_where_it_is_named(api: Api):
    api.seam.fail_before("get_object", aws_error("GetObject", "InvalidObjectState", status=403))

    assert pointers_of(submit(api)) == ["/inputs/0/uri"]


def test_an_input_that_vanishes_meanwhile_is_left_to_the_run(api: Api):
    api.seam.before = lambda operation, _: (
        api.s3.objects.pop((RAW, "flights/flights.csv"), None) if operation == "get_object" else None
    )

    assert submit(api).status_code == HTTPStatus.ACCEPTED


def test_a_store_that_is_away_is_said_to_be(api: Api):
    api.seam.fail_before("get_object", no_connection())

    assert problem_of(submit(api)) == (HTTPStatus.SERVICE_UNAVAILABLE, "object_store_unavailable")


def test_a_contract_that_is_known_costs_no_call(api: Api):
    api.submit()  # the first of an owner makes its quotas
    api.seam.calls.clear()
    submit(api, header=False)
    under_contract = sorted(api.seam.calls)
    api.seam.calls.clear()

    api.submit(parameters={"header": False})

    assert under_contract == sorted(api.seam.calls)


def test_the_contract_is_a_part_of_what_a_key_stands_for(api: Api):
    api.submit(key="k", contract=REFERENCE)

    assert api.submit(key="k", contract=REFERENCE).headers["Idempotency-Replayed"] == "true"
    assert problem_of(api.submit(key="k"))[1] == "idempotency_key_reused"


def test_a_dry_run_checks_the_contract_too(api: Api):
    body = submission(contract=REFERENCE)

    good = api.post("/jobs?dryRun=true", json=body)
    api.s3.objects[RAW, "flights/flights.csv"] = b"flight\n"
    bad = api.post("/jobs?dryRun=true", json=body)

    assert good.get_json()["wouldBe"]["contract"] == REFERENCE
    assert faults(bad) == ["These columns are missing: 'carrier'."]


def test_a_batch_tells_it_in_the_submissions_own_result(api: Api):
    api.s3.objects[RAW, "flights/flights.csv"] = b"flight\n"

    (result,) = api.post("/jobs/batch", json={"jobs": [submission(contract=REFERENCE)]}).get_json()["items"]

    assert (result["status"], result["problem"]["errors"][0]["pointer"]) == (422, "/jobs/0/inputs/0/uri")


def test_a_batch_reads_the_header_of_a_file_once(api: Api):
    entry = submission(contract=REFERENCE, inputs=[{"name": "flights", "uri": FLIGHTS}])

    response = api.post("/jobs/batch", json={"jobs": [entry] * 20})

    assert [item["status"] for item in response.get_json()["items"]] == [HTTPStatus.ACCEPTED] * 20
    assert api.seam.calls.count("get_object") == 1


def test_a_replay_is_held_to_the_same_contract(api: Api):
    job = api.stored(submit(api).get_json()["jobId"])
    facts = {"failure_reason": FailureReason.RUN_FAILED, "failure_detail": "Boom.", "owner_id": "local"}
    old = api.put(ended_job(JobStatus.FAILED, request=job.request, spec=job.spec, **facts))

    new = api.stored(api.post(f"/jobs/{old.job_id}/replay").get_json()["jobId"])

    assert new.request.contract == job.request.contract
    program = new.spec.job_driver["sparkSubmit"]["entryPointArguments"][1]
    assert json.loads(program)["contract"]["sha256"] == job.request.contract.sha256


def test_a_replay_checks_the_contract_again(api: Api):
    job = api.stored(submit(api).get_json()["jobId"])
    facts = {"failure_reason": FailureReason.RUN_FAILED, "failure_detail": "Boom.", "owner_id": "local"}
    old = api.put(ended_job(JobStatus.FAILED, request=job.request, **facts))
    api.s3.objects[RAW, "flights/flights.csv"] = b"flight\n"

    assert faults(api.post(f"/jobs/{old.job_id}/replay")) == ["These columns are missing: 'carrier'."]
