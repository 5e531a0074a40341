"""From an accepted request to the stored job. Pure."""

import json
import re
import uuid
from dataclasses import MISSING, fields, replace
from datetime import timedelta
from typing import Any

import pytest

from api.ids import is_job_id, keyed_job_id, new_job_id, uuid7
from api.jobs.schemas import SubmissionSchema
from api.jobs.submission import as_submitted
from api.protocol.operations import load_with
from local.emr.rights import Rights
from shared.errors import ValidationFailed
from shared.job_types import JOB_TYPES
from shared.models import ContractRef, Job, job_from_item, job_to_item
from shared.settings import Settings
from shared.sizes import Size, Worker
from shared.spark_runner import start_request
from shared.submission import Origin, as_tag, build_job, digest_of
from tests.fakes.clock import NOON
from tests.fakes.jobs import job_id
from tests.unit.api.service import ROLE, submission

SETTINGS = replace(Settings(), emr_application_id="00app", emr_job_role_arn=ROLE)
ORIGIN = Origin(job_id(), "local", "correlation-1", NOON)


def built(settings: Settings = SETTINGS, origin: Origin = ORIGIN, **changes: Any) -> Job:
    """The job of a request."""
    asked = load_with(SubmissionSchema, submission(**changes))
    return build_job(asked, JOB_TYPES[asked.job_type], origin, settings)


EIGHT_CORES = {"driver": {"vcpu": 8, "memoryGb": 60}, "executor": {"vcpu": 8, "memoryGb": 36}, "maxExecutors": 1}


def submit_of(job: Job) -> dict[str, Any]:
    """What spark-submit is told."""
    found: dict[str, Any] = job.run_spec.job_driver["sparkSubmit"]
    return found


def test_a_job_begins_with_its_creation_as_its_history():
    job = built()

    (entry,) = job.history
    assert (entry.moved_from, entry.moved_to, entry.by, entry.at) == (None, "SUBMITTED", "api:local", NOON)
    assert (job.attempt, job.rev, job.correlation_id) == (0, "", "correlation-1")
    assert job.due_at == NOON + timedelta(seconds=120)


def test_a_request_without_a_contract_has_the_digest_that_it_always_had():
    asked = load_with(SubmissionSchema, submission())

    assert digest_of(asked) == "59dbaab4517ea24313ee891061bebeb6645270b6a962989f0472f4f55d7a82ee"


def test_a_job_under_a_contract_survives_its_item():
    job = built()
    ref = ContractRef("flights", "1.0.0", "ab" * 32, "s3://artifacts/contracts/flights/1.0.0.json")
    held = replace(job, rev="1", request=replace(job.request, contract=ref))

    assert job_from_item(job_to_item(held)) == held


def test_a_job_survives_its_item():
    job = replace(
        built(tags={"a": "b"}, parameters={"header": True, "columns": [{"name": "é", "type": "int"}]}), rev="1"
    )

    assert job_from_item(job_to_item(job)) == job


@pytest.mark.parametrize(
    ("deadline_seconds", "timeout_seconds", "allowed_seconds"),
    [(86400, 3600, 86400), (86400, 86400, 86400), (86400, 604800, 604800), (60, 61, 61)],
)
def test_a_job_has_as_long_as_the_platform_allows_or_as_one_attempt_needs(
    deadline_seconds: int, timeout_seconds: int, allowed_seconds: int
):
    job = built(replace(SETTINGS, deadline_seconds=deadline_seconds), timeoutSeconds=timeout_seconds)

    assert job.deadline_at == NOON + timedelta(seconds=allowed_seconds)


@pytest.mark.parametrize(("seconds", "minutes"), [(60, 1), (61, 2), (3600, 60), (604800, 10080)])
def test_a_timeout_becomes_whole_minutes_and_never_less(seconds: int, minutes: int):
    assert built(timeoutSeconds=seconds).spec.timeout_minutes == minutes


def test_the_attempts_are_those_asked_for_or_else_the_platforms():
    settings = replace(SETTINGS, max_attempts=5, retry_base_seconds=7, retry_cap_seconds=70)

    policy = built(settings).retry_policy

    assert (policy.max_attempts, policy.base_seconds, policy.cap_seconds) == (5, 7, 70)
    assert built(settings, maxAttempts=1).retry_policy.max_attempts == 1


def test_the_program_is_told_its_job_and_where_to_write():
    job = built()
    arguments = submit_of(job)["entryPointArguments"]

    assert arguments[0::2] == ["--job", "--output"]
    assert json.loads(arguments[1]) == {
        "jobId": job_id(),
        "correlationId": job.correlation_id,
        "jobType": "csv-to-parquet",
        "jobTypeVersion": "1.1.0",
        "inputs": submission()["inputs"],
        "parameters": {"header": True},
    }
    assert arguments[3] == f"s3://cloud-data-platform-dev-processed/jobs/{job_id()}/"


def test_the_run_is_asked_for_with_the_platforms_code_role_and_log_folder():
    request = start_request(job_id(), built().spec, attempt=2)

    driver = request["jobDriver"]["sparkSubmit"]
    monitoring = request["configurationOverrides"]["monitoringConfiguration"]
    assert driver["entryPoint"] == "s3://cloud-data-platform-dev-artifacts/spark/0.1.0/main.py"
    assert driver["entryPointArguments"][-2:] == ["--attempt", "2"]
    assert (request["applicationId"], request["executionRoleArn"]) == ("00app", ROLE)
    assert monitoring == {"s3MonitoringConfiguration": {"logUri": "s3://cloud-data-platform-dev-logs/"}}


def test_a_simulated_run_has_an_entry_point_of_its_own():
    assert submit_of(built(jobType="simulated", inputs=[], parameters={}))["entryPoint"].endswith("/0.1.0/simulated")


SCRIPT = "s3://cloud-data-platform-dev-raw/scripts/count.py"


def test_a_script_of_the_users_is_run_with_its_own_arguments_first():
    job = built(jobType="pyspark", parameters={"script": SCRIPT, "arguments": ["--into", "{output}data", "x y"]})

    submit = start_request(job_id(), job.spec, attempt=2)["jobDriver"]["sparkSubmit"]
    folder = f"s3://cloud-data-platform-dev-processed/jobs/{job_id()}/"
    assert submit["entryPoint"] == SCRIPT
    assert submit["entryPointArguments"][:4] == ["--into", f"{folder}attempt-2/data", "x y", "--job"]
    assert submit["entryPointArguments"][-4:] == ["--output", folder, "--attempt", "2"]
    assert json.loads(submit["entryPointArguments"][4])["parameters"]["arguments"][1] == "{output}data"
    assert "--py-files" not in submit["sparkSubmitParameters"]


@pytest.mark.parametrize(
    ("job_type", "parameters"), [("pyspark", {"script": SCRIPT}), ("spark-jar", {"mainClass": "org.example.Main"})]
)
def test_a_program_of_the_users_is_not_given_the_key_that_masks(job_type: str, parameters: dict[str, str]):
    settings = replace(SETTINGS, mask_key_secret="masks/key")

    words = submit_of(built(settings, jobType=job_type, parameters=parameters))["sparkSubmitParameters"].split()

    assert [word for word in words if "mask" in word] == ["spark.cdp.mask.secret="]
    assert "mask" not in submit_of(built(settings))["sparkSubmitParameters"]


def test_a_mask_is_given_its_key_by_the_name_of_a_secret_if_there_is_one():
    asked = {"jobType": "mask", "parameters": {"columns": [{"name": "mail", "method": "hash"}]}}
    settings = replace(SETTINGS, mask_key_secret="masks/key")

    words = submit_of(built(settings, **asked))["sparkSubmitParameters"].split()

    assert words[2:4] == ["--conf", "spark.cdp.mask.secret=EMR.secret@masks/key"]
    assert "mask" not in submit_of(built(**asked))["sparkSubmitParameters"]


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        ({"jobType": "mask", "parameters": {"columns": [{"name": "mail", "method": "hash"}]}}, True),
        ({"jobType": "pyspark", "parameters": {"script": SCRIPT}}, False),
    ],
)
def test_the_secret_of_masks_may_be_read_for_runs_of_mask_alone(asked: dict[str, Any], may: bool):
    settings = replace(SETTINGS, mask_key_secret="masks/key")

    assert ("secret:masks/key" in str(built(settings, **asked).spec.session_policy)) is may
    assert "secretsmanager" not in str(built(**asked).spec.session_policy)


@pytest.mark.parametrize(
    ("parameters", "jar"),
    [
        ({"jar": "s3://cloud-data-platform-dev-raw/jars/a.jar"}, "s3://cloud-data-platform-dev-raw/jars/a.jar"),
        ({}, Settings().spark_jar_path),
    ],
)
def test_a_jar_is_run_by_its_class_and_is_the_platforms_choice_unless_named(parameters: dict[str, str], jar: str):
    job = built(jobType="spark-jar", parameters={"mainClass": "org.example.Main", **parameters})

    assert submit_of(job)["entryPoint"] == jar
    assert submit_of(job)["sparkSubmitParameters"].startswith("--class org.example.Main ")


def test_a_run_may_read_the_program_that_it_runs():
    job = built(jobType="pyspark", parameters={"script": SCRIPT})

    assert "arn:aws:s3:::cloud-data-platform-dev-raw/scripts/count.py" in str(job.spec.session_policy)


@pytest.mark.parametrize(
    ("size", "cores", "memory_mib", "first", "most"),
    [("small", 2, (4654, 466), 2, 2), ("medium", 4, (16756, 1676), 3, 8), ("large", 4, (27927, 2793), 3, 24)],
)
def test_a_size_is_a_number_of_workers_and_what_each_has(
    size: str, cores: int, memory_mib: tuple[int, int], first: int, most: int
):
    words = submit_of(built(replace(SETTINGS, emr_vcpu_quota=400), size=size))["sparkSubmitParameters"].split()
    heap, overhead = memory_mib

    assert words[:2] == ["--py-files", "s3://cloud-data-platform-dev-artifacts/spark/0.1.0/spark_jobs.zip"]
    assert dict(word.split("=") for word in words[3::2]) == {
        "spark.driver.cores": str(cores),
        "spark.driver.memory": f"{heap}m",
        "spark.driver.memoryOverhead": f"{overhead}m",
        "spark.executor.cores": str(cores),
        "spark.executor.memory": f"{heap}m",
        "spark.executor.memoryOverhead": f"{overhead}m",
        "spark.executor.instances": str(first),
        "spark.dynamicAllocation.initialExecutors": str(first),
        "spark.dynamicAllocation.maxExecutors": str(most),
    }


def test_workers_of_ones_own_are_what_the_run_gets():
    asked = {
        "driver": {"vcpu": 1, "memoryGb": 2},
        "executor": {"vcpu": 2, "memoryGb": 16, "diskGb": 100},
        "maxExecutors": 4,
    }

    job = built(size=asked)

    words = submit_of(job)["sparkSubmitParameters"].split()
    assert dict(word.split("=") for word in words[3::2]) == {
        "spark.driver.cores": "1",
        # 384 MiB is the least that Spark has beside its heap.
        "spark.driver.memory": "1664m",
        "spark.driver.memoryOverhead": "384m",
        "spark.executor.cores": "2",
        "spark.executor.memory": "14894m",
        "spark.executor.memoryOverhead": "1490m",
        "spark.emr-serverless.executor.disk": "100g",
        "spark.executor.instances": "3",
        "spark.dynamicAllocation.initialExecutors": "3",
        "spark.dynamicAllocation.maxExecutors": "4",
    }
    assert job.workers == Size(Worker(1, 2), Worker(2, 16, 100), max_executors=4)


@pytest.mark.parametrize(
    ("size", "quota", "share", "most"),
    [
        # 12 of 16 vCPU: a driver of 4, and two executors of 4.
        ("medium", 16, 0.75, 2),
        ("medium", 40, 0.75, 6),
        # More than it asks for is not given.
        ("medium", 400, 0.75, 8),
        ("small", 16, 0.75, 2),
        # A driver and one executor always, where the account has room for them at all.
        ("medium", 8, 0.75, 1),
        ("large", 400, 0.01, 1),
    ],
)
def test_one_job_leaves_a_part_of_the_account_to_others(size: str, quota: int, share: float, most: int):
    job = built(replace(SETTINGS, emr_vcpu_quota=quota, job_vcpu_share=share), size=size)

    assert job.workers.max_executors == most
    assert f"spark.dynamicAllocation.maxExecutors={most}" in submit_of(job)["sparkSubmitParameters"]
    assert job.request.size == size


@pytest.mark.parametrize(
    ("size", "quota", "name", "memory_mib", "most"),
    [("small", 400, "medium", 16756, 8), ("medium", 400, "large", 27927, 24), ("small", 16, "medium", 16756, 2)],
)
def test_a_job_that_may_go_bigger_knows_its_next_size_within_its_share(size, quota, name, memory_mib, most):
    settings = replace(SETTINGS, emr_vcpu_quota=quota)

    job = built(settings, size=size, onOutOfMemory="retry-bigger")

    grown = replace(job, went_bigger=True)
    words = submit_of(grown)["sparkSubmitParameters"].split()
    assert (job.size_name, grown.size_name, grown.workers.max_executors) == (size, name, most)
    assert f"spark.driver.memory={memory_mib}m" in words
    assert f"spark.dynamicAllocation.maxExecutors={most}" in words
    assert words[:2] == ["--py-files", "s3://cloud-data-platform-dev-artifacts/spark/0.1.0/spark_jobs.zip"]
    assert {**submit_of(grown), "sparkSubmitParameters": ""} == {**submit_of(job), "sparkSubmitParameters": ""}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"onOutOfMemory": "fail"},
        {"size": "large", "onOutOfMemory": "retry-bigger"},
        {"size": EIGHT_CORES, "onOutOfMemory": "retry-bigger"},  # 16 vCPU twice are more than the account has
    ],
)
def test_a_job_that_may_not_or_cannot_go_bigger_has_no_next_size(asked: dict[str, Any]):
    job = built(**asked)

    assert not job.may_go_bigger
    assert submit_of(replace(job, went_bigger=True)) == submit_of(job)


def test_a_size_for_which_the_account_has_no_room_is_refused():
    worker = {"vcpu": 16, "memoryGb": 32}

    with pytest.raises(ValidationFailed) as caught:
        built(size={"driver": worker, "executor": worker, "maxExecutors": 1})

    text = "A driver of 16 and one executor of 16 vCPU are more than the 16 vCPU that this account may have at a time."
    assert [(each.pointer, each.message) for each in caught.value.problems] == [("/size", text)]


@pytest.mark.parametrize(("capacity", "flex"), [("flex", {"enabled": True}), ("standard", None)])
def test_capacity_is_a_matter_of_the_request_to_emr(capacity: str, flex: object):
    job = built(capacity=capacity)

    assert start_request(job.job_id, job.spec, 1).get("flexExecution") == flex
    assert job.request.capacity == capacity


def test_a_run_carries_the_tags_that_lead_back_to_its_job():
    tags = built().spec.tags

    assert tags == {
        "jobId": job_id(),
        "jobType": "csv-to-parquet",
        "ownerId": "local",
        "correlationId": "correlation-1",
    }


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("auth0|ann@example.com", "auth0_ann@example.com"),
        ("x" * 300, "x" * 256),
        ("é\n'", "___"),
        ("a b/_.:=+@-", "a b/_.:=+@-"),
    ],
)
def test_any_text_becomes_a_tag_that_emr_serverless_takes(value: str, tag: str):
    assert as_tag(value) == tag
    assert re.fullmatch("[A-Za-z0-9 /_.:=+@-]{0,256}", tag)


def test_equal_requests_have_one_digest_and_others_another():
    def digest(**changes: Any) -> str:
        return digest_of(load_with(SubmissionSchema, submission(**changes)))

    one = {"a": 1, "b": {"c": [1, 2], "d": "é"}}
    same = {"b": {"d": "é", "c": [1, 2]}, "a": 1}
    others = [digest(parameters=one), digest(parameters={**one, "a": 2}), digest(parameters={**one, "b": {}})]
    others += [
        digest(),
        digest(maxAttempts=3),
        digest(tags={"a": "b"}),
        digest(size="large"),
        digest(onOutOfMemory="retry-bigger"),
        digest(maxCostUsd=1),
        digest(maxCostUsd=1.5),
        digest(timeoutSeconds=60),
        digest(contract="flights/1.0.0"),
        digest(contract="flights/1.0.1"),
    ]

    assert digest(parameters=one) == digest(parameters=same)
    assert len(set(others)) == len(others)


def test_the_job_as_submitted_is_the_job_that_was_built():
    job = built()

    assert as_submitted(replace(job, status_message="Read 5 rows.", attempt=3, run_id="r")) == replace(job, due_at=None)


@pytest.mark.parametrize("name", [field.name for field in fields(Job) if field.default is not MISSING])
def test_whatever_a_job_gets_later_is_not_in_the_job_as_submitted(name):
    job = replace(built(), due_at=None)
    changed = replace(job, **{name: f"later than {name}"})

    is_from_the_start = name in ("replay_of", "scan_of", "keep_days", "traceparent")
    assert as_submitted(changed) == (changed if is_from_the_start else job)


def test_a_fresh_id_is_a_uuid_of_version_7_that_sorts_by_time():
    ids = [uuid7(NOON + timedelta(milliseconds=n), bits) for n, bits in enumerate([(1 << 74) - 1, 0, 12345])]

    assert ids == sorted(ids)
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids} == {(7, uuid.RFC_4122)}
    assert int(ids[1].replace("-", "")[:12], 16) == int(NOON.timestamp() * 1000) + 1


def test_every_id_that_we_make_is_one_that_we_look_for():
    assert is_job_id(new_job_id(NOON))
    assert is_job_id(keyed_job_id("local", "k"))
    assert new_job_id(NOON) != new_job_id(NOON)
    assert not is_job_id(new_job_id(NOON) + "\n")


REPORTING = replace(SETTINGS, callback_url="https://api.example.com", callback_signing_keys=("k" * 40,))


def test_an_attempt_of_a_platform_that_takes_reports_is_told_where_to_look_and_may_read_it():
    job = built(REPORTING)

    folder = f"s3://cloud-data-platform-dev-artifacts/callbacks/{job_id()}/"
    program = json.loads(submit_of(job)["entryPointArguments"][1])
    rights = Rights(job.spec.session_policy)
    assert program["callbacks"] == job.spec.callbacks_uri == folder
    assert rights.may_read(SETTINGS.artifacts_bucket, f"callbacks/{job_id()}/attempt-2.json")
    assert not rights.may_write(SETTINGS.artifacts_bucket, f"callbacks/{job_id()}/attempt-2.json")
    assert not rights.may_read(SETTINGS.artifacts_bucket, f"callbacks/{job_id(2)}/attempt-1.json")
    assert "k" * 40 not in json.dumps(job_to_item(replace(job, rev="1")))


def test_without_reports_a_run_is_asked_for_as_ever():
    job = built()

    assert "callbacks" not in json.dumps(start_request(job.job_id, job.spec, 1))


def test_no_job_can_name_what_attempts_are_told_as_its_input():
    assert SETTINGS.artifacts_bucket not in SETTINGS.jobs_may_read
