"""What a run may do by its session policy, asked of the policy as IAM would."""

import json
from dataclasses import replace

import pytest

from local.emr.rights import Rights
from shared.errors import ValidationFailed
from shared.models import job_from_item, job_to_item
from shared.session_policy import MOST_CHARACTERS, Reach, partition_of, session_policy
from shared.spark_runner import start_request
from tests.fakes.jobs import submitted_job

REACH = Reach(
    reads=["s3://raw/flights/2013.csv", "s3://raw/weather/", "s3://artifacts/spark/1.0/"],
    output="s3://processed/jobs/job-1/",
    logs="s3://logs/applications/00app/",
    partition="aws",
)


def rights(**changes: object) -> Rights:
    return Rights(session_policy(replace(REACH, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bucket", "key", "may_read", "may_write"),
    [
        ("raw", "flights/2013.csv", True, False),
        ("raw", "flights/2013.csv/part-0", True, False),  # the name may be that of a folder
        ("raw", "flights/2013.csv.bak", False, False),
        ("raw", "flights/2014.csv", False, False),
        ("raw", "weather/jan/1.csv", True, False),
        ("raw", "weather2/1.csv", False, False),
        ("artifacts", "spark/1.0/main.py", True, False),
        ("artifacts", "spark/2.0/main.py", False, False),
        ("processed", "jobs/job-1/attempt-1/data/part-0", True, True),
        ("processed", "jobs/job-10/attempt-1/data/part-0", False, False),
        ("processed", "jobs/job-2/attempt-1/_manifest.json", False, False),
        ("logs", "applications/00app/jobs/run-1/SPARK_DRIVER/stdout.gz", False, True),
        ("logs", "applications/00other/jobs/run-1/SPARK_DRIVER/stdout.gz", False, False),
    ],
)
def test_a_run_reads_its_inputs_and_writes_below_its_own_folder_and_nothing_else(bucket, key, may_read, may_write):
    assert (rights().may_read(bucket, key), rights().may_write(bucket, key)) == (may_read, may_write)


@pytest.mark.parametrize(
    ("bucket", "prefix", "may_list"),
    [
        ("raw", "weather/", True),
        ("raw", "weather", True),
        ("raw", "weather/jan/", True),
        ("raw", "flights/2013.csv", True),
        ("raw", "flights/", False),
        ("raw", "", False),
        ("processed", "jobs/job-1/attempt-1/", True),
        ("processed", "jobs/", False),
        ("logs", "applications/", False),
    ],
)
def test_a_run_lists_what_it_may_read(bucket, prefix, may_list):
    assert rights().may_list(bucket, prefix) is may_list


def test_a_whole_bucket_is_an_input_too():
    whole = rights(reads=["s3://raw/"])

    assert whole.may_read("raw", "any/key")
    assert whole.may_list("raw", "")
    assert not whole.may_read("raw2", "any/key")


@pytest.mark.parametrize("key", ["a*b", "a?b", "a$b", "${aws:username}", "a/*/"], ids=repr)
def test_what_iam_would_take_for_a_wildcard_means_itself(key):
    own = rights(reads=[f"s3://raw/{key}"])

    assert own.may_read("raw", f"{key}x" if key.endswith("/") else key)
    assert not own.may_read("raw", "aXb")
    assert not own.may_read("raw", "a/X/b")


def test_many_inputs_may_be_read_although_their_names_are_listed_with_all_others():
    inputs = [f"s3://raw/a/rather/long/folder/for/input/{number:02d}.csv" for number in range(10)]

    many = rights(reads=inputs)

    assert len(session_policy(replace(REACH, reads=inputs))) <= MOST_CHARACTERS
    assert all(many.may_read("raw", uri.removeprefix("s3://raw/")) for uri in inputs)
    assert many.may_list("raw", "")
    assert not many.may_read("raw", "a/rather/long/folder/for/input/10.csv")


def test_inputs_whose_rights_no_policy_can_hold_are_refused():
    with pytest.raises(ValidationFailed, match="name fewer inputs") as refusal:
        rights(reads=[f"s3://raw/{'long/' * 20}{number:02d}.csv" for number in range(10)])

    assert [problem.pointer for problem in refusal.value.problems] == ["/inputs"]


@pytest.mark.parametrize(
    ("arn", "partition"),
    [("arn:aws-us-gov:iam::1:role/jobs", "aws-us-gov"), ("arn:aws:iam::1:role/jobs", "aws"), ("", "aws")],
)
def test_arns_are_those_of_the_roles_partition(arn, partition):
    assert partition_of(arn) == partition
    policy = json.loads(session_policy(replace(REACH, partition=partition)))
    assert policy["Statement"][0]["Resource"][0].startswith(f"arn:{partition}:s3:::")


@pytest.mark.parametrize(
    ("secret", "arn"),
    [
        (
            "arn:aws:secretsmanager:eu-west-1:1:secret:mask-AbCdEf",
            "arn:aws:secretsmanager:eu-west-1:1:secret:mask-AbCdEf",
        ),
        ("masks/key", "arn:aws:secretsmanager:*:*:secret:masks/key-??????"),
    ],
)
def test_emr_may_read_the_secret_of_a_run_that_has_one_and_no_other(secret, arn):
    def secrets(**changes):
        statements = json.loads(session_policy(replace(REACH, **changes)))["Statement"]
        return [each["Resource"] for each in statements if "secretsmanager:GetSecretValue" in each["Action"]]

    assert secrets(secret=secret) == [[arn]]
    assert secrets() == []


def test_the_policy_goes_with_every_attempt_and_survives_the_store():
    job = submitted_job()
    spec = replace(job.spec, session_policy=session_policy(REACH))
    stored = job_from_item(job_to_item(replace(job, spec=spec)))

    requests = [start_request(job.job_id, stored.spec, attempt) for attempt in (1, 2)]

    assert [request["executionIamPolicy"] for request in requests] == [{"policy": session_policy(REACH)}] * 2
    assert "executionIamPolicy" not in start_request(job.job_id, replace(spec, session_policy=None), 1)
