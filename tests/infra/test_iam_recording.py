"""The calls of the product's processes are recorded as they are made, and a new recording is held to the kept one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.session import Session

from tests.infra.iam.calls import Call, calls_in, differences, kept_calls, main
from tests.infra.iam.code import written_calls
from tests.recording.aws_recorder import Places, Recorder, caller

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "JOBS_TABLE": "p-jobs",
    "CONTROL_TABLE": "p-control",
    "JOBS_QUEUE": "p-jobs",
    "RAW_BUCKET": "p-raw",
    "LOGS_BUCKET": "p-logs",
}
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def test_a_process_of_the_product_records_what_it_calls_before_it_is_answered(tmp_path):
    recording = {"PYTHONPATH": str(ROOT / "tests" / "recording"), "RECORD_AWS_CALLS": str(tmp_path)}
    environment = {**os.environ, **NOWHERE, **NAMES, **recording, "EMR_APPLICATION_ID": "00app"}
    command = [sys.executable, "-m", "cli", "jobs", "stuck"]

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 3, ended.stderr
    assert Call("operator", "dynamodb:Query", ("JOBS_TABLE/byDue",)) in calls_in(tmp_path)


@pytest.mark.parametrize(
    ("command", "who"),
    [
        ("python -m worker", "worker"),
        ("/venv/bin/python -m cli jobs stuck", "operator"),
        ("python -m gunicorn --config api/gunicorn.conf.py api.wsgi:app", "api"),
        ("python -m pytest -q tests", None),
        ("python -m ministack", None),
        ("python worker", None),
        ("python -m", None),
    ],
)
def test_a_process_is_known_by_its_command_line(command, who):
    assert caller(command.split()) == who


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ({"TableName": "p-jobs", "Key": {}}, ["JOBS_TABLE"]),
        ({"TableName": "p-jobs", "IndexName": "byDue"}, ["JOBS_TABLE/byDue"]),
        ({"RequestItems": {"p-jobs": {}}}, ["JOBS_TABLE"]),
        (
            {"TransactItems": [{"Put": {"TableName": "p-jobs"}}, {"Update": {"TableName": "p-control"}}]},
            ["Put JOBS_TABLE", "Update CONTROL_TABLE"],
        ),
        ({"QueueUrl": "http://host/1/p-jobs"}, ["JOBS_QUEUE"]),
        ({"QueueName": "p-jobs"}, ["JOBS_QUEUE"]),
        ({"Bucket": "p-raw"}, ["RAW_BUCKET"]),
        ({"Bucket": "p-raw", "Key": "uploads/a/b.csv"}, ["RAW_BUCKET/uploads/*"]),
        ({"Bucket": "p-raw", "Key": "flights/2013.csv"}, ["RAW_BUCKET/*"]),
        ({"Bucket": "p-logs", "Key": "uploads/a"}, ["LOGS_BUCKET/*"]),
        ({"Bucket": "anothers", "Key": "uploads/a"}, ["anothers/*"]),
        ({"applicationId": "00app"}, []),
    ],
)
def test_a_call_is_recorded_by_the_settings_that_name_its_places(params, places):
    assert Places(NAMES).of(params) == places


def test_links_are_recorded_as_the_calls_that_they_allow_and_each_call_once(tmp_path):
    session = Session()
    session.set_credentials("id", "secret")
    session.register("provide-client-params", Recorder("api", tmp_path, NAMES).note)
    client = session.create_client("s3", region_name="eu-west-1")
    params = {"Bucket": "p-raw", "Key": "uploads/a", "VersionId": "1"}

    for _ in range(2):
        client.generate_presigned_url("get_object", Params=params)

    (file,) = tmp_path.iterdir()
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"by": "api", "operation": "s3:GetObject", "places": ["RAW_BUCKET/uploads/*"], "parameters": ["VersionId"]}
    ]


def test_a_new_call_and_one_that_is_gone_are_both_told(tmp_path, capsys, monkeypatch):
    old, both, new = (Call("api", f"s3:{name}", ("RAW_BUCKET",)) for name in ("A", "B", "C"))

    assert differences({old, both}, {both, new}) == [
        "not recorded before: api: s3:C on RAW_BUCKET",
        "not seen any more: api: s3:A on RAW_BUCKET",
    ]
    assert differences({both}, {both}) == []


def test_a_call_that_needs_a_race_may_be_missing_and_its_right_stays_needed():
    given_back = Call("worker", "sqs:ChangeMessageVisibilityBatch", ("JOBS_QUEUE",))

    assert differences({given_back}, set()) == []
    assert differences(set(), {given_back}) == [f"not recorded before: {given_back}"]


def test_the_check_of_a_recording_fails_by_what_differs(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 1
    assert "Nothing was recorded" in capsys.readouterr().err

    (tmp_path / "api-1.jsonl").write_text('{"by": "api", "operation": "s3:Whatever", "places": [], "parameters": []}\n')
    assert main(["check", str(tmp_path)]) == 1
    assert "not recorded before: api: s3:Whatever on nothing named" in capsys.readouterr().err


def test_every_call_that_the_code_makes_was_recorded():
    services = ("dynamodb", "s3", "sqs", "emr-serverless")
    files = [path for room in ("api", "worker", "shared", "cli") for path in (ROOT / room).rglob("*.py")]

    written = {call for path in files for call in written_calls(path, services)}

    assert written - {call.operation for call in kept_calls()} == set()
    assert len(written) > 20
