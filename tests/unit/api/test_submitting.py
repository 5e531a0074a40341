"""POST /jobs: what is stored and sent, and what is refused at which stage."""

from typing import Any

import pytest

from shared.moments import epoch_ms
from shared.transitions import JobStatus
from tests.fakes.jobs import job_id
from tests.fakes.seam import aws_error, no_connection
from tests.unit.api.service import FLIGHTS, RAW, Api, pointers_of, problem_of, submission


def test_a_submitted_job_is_stored_sent_and_answered(api: Api):
    response = api.submit(tags={"team": "ops"})

    record = response.get_json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/jobs/{record['jobId']}"
    assert (record["status"], record["attempt"], record["tags"]) == ("SUBMITTED", 0, {"team": "ops"})
    assert (record["createdAt"], record["runId"]) == ("2026-11-23T12:00:00.000Z", None)
    assert api.stored(record["jobId"]).status is JobStatus.SUBMITTED
    assert [message["jobId"] for message in api.messages()] == [record["jobId"]]


def test_what_is_not_said_gets_its_default(api: Api):
    record = api.submit().get_json()

    assert (record["size"], record["timeoutSeconds"], record["maxAttempts"]) == ("small", 3600, 3)
    assert (record["tags"], record["owner"]) == ({}, "local")


def test_a_job_with_neither_inputs_nor_parameters_is_accepted_if_its_type_takes_none(api: Api):
    assert api.post("/jobs", json={"jobType": "simulated"}).status_code == 202


def test_a_submission_costs_one_write_and_one_message_and_the_first_of_a_day_two_writes_more(api: Api):
    api.submit()
    api.submit()

    assert [call for call in api.seam.calls if call != "head_object"] == [
        *("transact_write_items", "update_item", "transact_write_items", "get_queue_url", "send_message"),
        *("transact_write_items", "send_message"),
    ]


def test_a_job_whose_message_cannot_be_sent_is_accepted_and_due_at_once(api: Api):
    api.seam.fail_before("send_message", no_connection())

    response = api.submit()

    assert response.status_code == 202
    assert api.stored(response.get_json()["jobId"]).due_at == api.clock()
    assert api.messages() == []


def test_a_job_is_accepted_even_if_neither_its_message_nor_its_due_time_can_be_written(api: Api):
    def away(operation: str, _arguments: Any) -> None:
        if operation in ("send_message", "update_item"):
            raise no_connection()

    api.submit()
    api.seam.before = away

    response = api.submit()

    assert response.status_code == 202
    grace_ms = 1000 * api.settings.submit_grace_seconds
    item = api.dynamodb.items(api.settings.jobs_table)[response.get_json()["jobId"]]
    assert item["dueAt"] == epoch_ms(api.clock()) + grace_ms


@pytest.mark.parametrize("code", ["ValidationException", "InternalServerError"])
def test_whatever_becomes_of_the_due_time_the_stored_job_is_accepted(api: Api, code: str):
    def fails(operation: str, _arguments: Any) -> None:
        if operation == "send_message":
            raise no_connection()
        if operation == "update_item":
            raise aws_error("UpdateItem", code)

    api.submit()
    api.seam.before = fails

    assert api.submit().status_code == 202


def test_a_job_that_a_worker_took_before_its_message_failed_is_left_alone(api: Api):
    def taken(operation: str, _arguments: Any) -> None:
        if operation == "send_message":
            api.dynamodb.items(api.settings.jobs_table)[job_id(1)]["rev"] = "a worker's"
            raise no_connection()

    api.seam.before = taken

    assert api.submit().status_code == 202


ONE_VCPU = {"vcpu": 1, "memoryGb": 2}


def workers(**changes: Any) -> dict[str, Any]:
    """The least size of one's own, changed."""
    return {"driver": ONE_VCPU, "executor": ONE_VCPU, "maxExecutors": 1, **changes}


REFUSED_SHAPES = [
    ("an unknown field", {"jobtype": "x"}, ["/jobtype"]),
    ("no job type", {"jobType": None}, ["/jobType"]),
    ("a job type that is a number", {"jobType": 1}, ["/jobType"]),
    ("inputs that are an object", {"inputs": {}}, ["/inputs"]),
    ("an input with no uri", {"inputs": [{"name": "a"}]}, ["/inputs/0/uri"]),
    ("an input with an unknown field", {"inputs": [{"name": "a", "uri": FLIGHTS, "x": 1}]}, ["/inputs/0/x"]),
    ("parameters that are a list", {"parameters": []}, ["/parameters"]),
    ("tags that are a list", {"tags": []}, ["/tags"]),
    ("a tag that is a number", {"tags": {"a": 1}}, ["/tags/a"]),
    ("a tag with no name", {"tags": {"": "x"}}, ["/tags/"]),
    ("a tag name with a slash", {"tags": {"a/b~c": 1}}, ["/tags/a~1b~0c"]),
    ("a tag too long", {"tags": {"a": "x" * 257}}, ["/tags/a"]),
    ("too many tags", {"tags": {f"t{n}": "x" for n in range(21)}}, ["/tags"]),
    ("a timeout as a text", {"timeoutSeconds": "60"}, ["/timeoutSeconds"]),
    ("a timeout that is true", {"timeoutSeconds": True}, ["/timeoutSeconds"]),
    ("a timeout with a fraction", {"timeoutSeconds": 60.5}, ["/timeoutSeconds"]),
    ("a timeout too short", {"timeoutSeconds": 59}, ["/timeoutSeconds"]),
    ("a timeout too long", {"timeoutSeconds": 604801}, ["/timeoutSeconds"]),
    ("no attempts", {"maxAttempts": 0}, ["/maxAttempts"]),
    ("true attempts", {"maxAttempts": True}, ["/maxAttempts"]),
    ("too many attempts", {"maxAttempts": 11}, ["/maxAttempts"]),
    ("a size there is not", {"size": "huge"}, ["/size"]),
    ("a size that is a number", {"size": 3}, ["/size"]),
    ("workers without an executor", {"size": {"driver": ONE_VCPU, "maxExecutors": 1}}, ["/size/executor"]),
    ("workers of 3 vCPU", {"size": workers(driver={"vcpu": 3, "memoryGb": 8})}, ["/size/driver/vcpu"]),
    (
        "a worker of too little memory",
        {"size": workers(executor={"vcpu": 2, "memoryGb": 3})},
        ["/size/executor/memoryGb"],
    ),
    ("a capacity there is not", {"capacity": "spot"}, ["/capacity"]),
    ("a limit of nothing", {"maxCostUsd": 0}, ["/maxCostUsd"]),
    ("a limit beyond reason", {"maxCostUsd": 100_001}, ["/maxCostUsd"]),
    ("a limit beyond all numbers", {"maxCostUsd": 10**400}, ["/maxCostUsd"]),
    ("a limit as a text", {"maxCostUsd": "5"}, ["/maxCostUsd"]),
    ("a limit that is true", {"maxCostUsd": True}, ["/maxCostUsd"]),
    ("two fields at once", {"size": "huge", "maxAttempts": 0}, ["/maxAttempts", "/size"]),
]


@pytest.mark.parametrize(("changes", "pointers"), [case[1:] for case in REFUSED_SHAPES], ids=lambda value: None)
def test_a_wrong_shape_is_refused_with_all_its_fields(api: Api, changes: dict[str, Any], pointers: list[str]):
    response = api.submit(**changes)

    assert problem_of(response) == (422, "validation_failed")
    assert sorted(pointers_of(response)) == pointers
    assert api.seam.calls == []


def test_the_refusal_of_an_unknown_field_names_those_that_are_known(api: Api):
    message = api.submit(jobtype="x").get_json()["errors"][0]["message"]

    known = "capacity, contract, inputs, jobType, maxAttempts, maxCostUsd, onOutOfMemory, parameters, size, tags"
    assert f"{known}, timeoutSeconds" in message


def test_a_limit_in_another_currency_than_the_platforms_own_is_refused():
    api = Api(price_currency="EUR")

    response = api.submit(maxCostUsd=5)

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/maxCostUsd"])
    assert "reckons its costs in EUR" in response.get_json()["errors"][0]["message"]
    assert api.submit().status_code == 202


@pytest.mark.parametrize(
    "edge",
    [
        {"maxCostUsd": 0.01},
        {"maxCostUsd": 100_000},
        {"timeoutSeconds": 60},
        {"timeoutSeconds": 604800},
        {"timeoutSeconds": 3600.0},
    ],
)
@pytest.mark.parametrize("more", [{"maxAttempts": 1}, {"maxAttempts": 10}, {"tags": {f"t{n}": "" for n in range(20)}}])
def test_values_at_their_edges_are_accepted(api: Api, edge: dict[str, Any], more: dict[str, Any]):
    assert api.submit(**edge, **more).status_code == 202


def test_workers_of_ones_own_are_shown_with_the_job_in_full(api: Api):
    executor = {"vcpu": 4, "memoryGb": 30, "diskGb": 100}

    record = api.submit(size=workers(executor=executor, maxExecutors=9), capacity="flex").get_json()

    assert (record["size"], record["capacity"]) == ("custom", "flex")
    # 12 of the account's 16 vCPU: a driver of 1, and two executors of 4.
    assert record["workers"] == {"driver": {**ONE_VCPU, "diskGb": 20}, "executor": executor, "maxExecutors": 2}


def two(name: str) -> list[dict[str, str]]:
    """Two inputs."""
    return [{"name": "flights", "uri": FLIGHTS}, {"name": name, "uri": FLIGHTS}]


def at(uri: str) -> list[dict[str, str]]:
    """One input."""
    return [{"name": "flights", "uri": uri}]


def own_script(uri: str) -> dict[str, Any]:
    """A job that runs a script of its owner's."""
    return {"jobType": "pyspark", "parameters": {"script": uri}}


SQL = {"query": "SELECT 1"}
SIXTEEN_VCPU = {"vcpu": 16, "memoryGb": 120}
REFUSED_MEANINGS = [
    ("more workers than the account has", {"size": workers(executor=SIXTEEN_VCPU)}, ["/size"], "more than the 16 vCPU"),
    ("an unknown job type", {"jobType": "train-model"}, ["/jobType"], "compact, csv-to-parquet, deduplicate,"),
    ("too few inputs", {"inputs": []}, ["/inputs"], "takes 1 inputs, not 0"),
    ("too many inputs", {"inputs": two("b")}, ["/inputs"], "takes 1 inputs, not 2"),
    ("a name that is no identifier", {"jobType": "sql", "inputs": two("2nd")}, ["/inputs/1/name"], "no digit first"),
    ("a name with a line break", {"jobType": "sql", "inputs": two("b\n")}, ["/inputs/1/name"], "letters"),
    ("a name twice", {"jobType": "sql", "inputs": two("Flights")}, ["/inputs/1/name"], "already"),
    ("a local file", {"inputs": at("file:///etc/passwd")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("a web address", {"inputs": at("https://example.com/a.csv")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("another S3 scheme", {"inputs": at("s3a://bucket/a.csv")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("the scheme in capitals", {"inputs": at(f"S3://{RAW}/a.csv")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("a broken address", {"inputs": at("s3://[::1/a.csv")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("no bucket", {"inputs": at("s3:///a.csv")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("dots in the path", {"inputs": at(f"s3://{RAW}/../a.csv")}, ["/inputs/0/uri"], "s3://bucket/key"),
    ("a foreign bucket", {"inputs": at("s3://not-ours/a.csv")}, ["/inputs/0/uri"], f"-processed, {RAW}"),
    ("an unknown parameter", {"parameters": {"heater": 1}}, ["/parameters/heater"], "delimiter"),
    ("a parameter of another type", {"parameters": {"header": "yes"}}, ["/parameters/header"], "true or false"),
    ("no script there", own_script(f"s3://{RAW}/no.py"), ["/parameters/script"], f"Nothing lies at s3://{RAW}/no.py."),
    (
        "a script in a foreign bucket",
        own_script("s3://not-ours/a.py"),
        ["/parameters/script"],
        "may not read 'not-ours'",
    ),
    ("a script that others uploaded", own_script(f"s3://{RAW}/uploads/a.py"), ["/parameters/script"], "uploads/"),
    ("a script with dots", own_script(f"s3://{RAW}/../a.py"), ["/parameters/script"], "s3://bucket/key"),
    ("a script that is none", own_script(f"s3://{RAW}/a.sh"), ["/parameters/script"], ".py file"),
    (
        "no jar where the platform's should be",
        {"jobType": "spark-jar", "parameters": {"mainClass": "a.B"}},
        ["/parameters/jar"],
        "Nothing lies at",
    ),
    ("nothing there", {"inputs": at(f"s3://{RAW}/nothing.csv")}, ["/inputs/0/uri"], "Nothing lies at"),
    ("an empty folder", {"inputs": at(f"s3://{RAW}/nothing/")}, ["/inputs/0/uri"], "Nothing lies at"),
]


@pytest.mark.parametrize(
    ("changes", "pointers", "words"),
    [case[1:] for case in REFUSED_MEANINGS],
    ids=[str(case[0]) for case in REFUSED_MEANINGS],
)
def test_a_job_that_could_not_run_is_refused(api: Api, changes: dict[str, Any], pointers: list[str], words: str):
    parameters = {"parameters": SQL} if changes.get("jobType") == "sql" else {}

    response = api.submit(**{**parameters, **changes})

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == pointers
    assert words in response.get_json()["errors"][0]["message"]
    assert api.writes() == 0


def test_all_problems_of_a_stage_are_told_at_once(api: Api):
    inputs = [{"name": f"i{n}", "uri": uri} for n, uri in enumerate(["s3://a/x", FLIGHTS, "s3://b/x"])]

    response = api.submit(jobType="sql", parameters=SQL, inputs=inputs)

    assert pointers_of(response) == ["/inputs/0/uri", "/inputs/2/uri"]


def test_of_thousands_of_problems_a_hundred_are_told(api: Api):
    response = api.submit(**{f"field{n}": n for n in range(3000)})

    assert len(pointers_of(response)) == 100
    assert "2999 more" in response.get_json()["detail"]


@pytest.mark.timeout(5)
def test_a_list_that_is_far_too_long_is_refused_at_once(api: Api):
    response = api.submit(parameters={"partitionBy": [{str(n): 0} for n in range(4500)]})

    assert problem_of(response) == (422, "validation_failed")


def test_a_folder_of_inputs_is_accepted(api: Api):
    assert api.submit(inputs=at(f"s3://{RAW}/flights/")).status_code == 202


def test_more_inputs_than_the_platform_allows_are_refused_whatever_the_type_says():
    api = Api(max_inputs=1)

    response = api.submit(jobType="sql", parameters=SQL, inputs=two("b"))

    assert pointers_of(response) == ["/inputs"]


def test_inputs_whose_rights_no_policy_of_a_run_can_hold_are_refused_before_anything_is_stored(api: Api):
    keys = [f"{'long/' * 30}{number}.csv" for number in range(10)]
    api.s3.objects |= {(RAW, key): b"carrier\nUA\n" for key in keys}
    inputs = [{"name": f"i{number}", "uri": f"s3://{RAW}/{key}"} for number, key in enumerate(keys)]

    response = api.submit(jobType="sql", parameters=SQL, inputs=inputs)

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/inputs"])
    assert "EMR Serverless takes 2048: name fewer inputs" in response.get_json()["errors"][0]["message"]
    assert api.writes() == 0
    assert api.submit(jobType="sql", parameters=SQL, inputs=inputs[:2]).status_code == 202


def test_an_input_that_the_platform_may_not_read_is_the_callers_problem(api: Api):
    api.seam.fail_before("head_object", aws_error("HeadObject", "403", status=403))

    response = api.submit()

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/inputs/0/uri"])


def test_a_silent_object_store_is_not_the_callers_problem(api: Api):
    api.seam.fail_before("head_object", no_connection())

    response = api.submit()

    assert problem_of(response) == (503, "object_store_unavailable")
    assert response.headers["Retry-After"] == "5"


def test_a_silent_job_store_accepts_nothing(api: Api):
    api.seam.fail_before("transact_write_items", no_connection())

    response = api.submit()

    assert problem_of(response) == (503, "job_store_unavailable")
    assert "aws.invalid" not in response.text
    assert api.messages() == []


def test_types_for_trials_exist_on_developers_machines_only():
    api = Api(environment="production")

    response = api.post("/jobs", json={"jobType": "simulated"})

    assert pointers_of(response) == ["/jobType"]
    assert "simulated" not in api.get("/job-types").text


def test_a_request_that_would_not_fit_into_its_item_is_refused(api: Api):
    columns = [{"name": f"{n:03d}" + "x" * 125, "type": "decimal(38,10)"} for n in range(200)]

    response = api.submit(parameters={"columns": columns, "partitionBy": ["y" * 128]})

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == ["/parameters"]


def test_the_correlation_id_of_the_request_stays_with_the_job(api: Api):
    response = api.post("/jobs", json=submission(), headers={"X-Correlation-Id": "nightly-2026"})

    assert response.headers["X-Correlation-Id"] == "nightly-2026"
    assert api.stored(response.get_json()["jobId"]).correlation_id == "nightly-2026"
