"""`make run` as a stranger uses it: it stays up, shows itself to AWS's tools, and leaves nothing behind."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.marked import wait_until

ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 90
DOWN_SECONDS = 40


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[tuple[subprocess.Popen, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("cloud")
    environment = {
        **os.environ,
        "LOCAL_DIR": str(folder),
        "LOCAL_AWS_PORT": "14566",
        "LOCAL_EMR_PORT": "14567",
        "API_PORT": "18000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert wait_until((folder / "env").exists, UP_SECONDS), "the local cloud did not come up"
    yield process, environment
    if process.poll() is None:
        process.kill()


def shell(environment: dict[str, str], command: str) -> subprocess.CompletedProcess:
    """A command in a shell that has read the cloud's `env` file, as a person would do it."""
    line = f". {shlex.quote(environment['LOCAL_DIR'])}/env; {command}"
    return subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=60)


AWS = shlex.quote(str(Path(sys.executable).parent / "aws"))
BOTO3 = """
import boto3, os
print(boto3.client("dynamodb").list_tables()["TableNames"])
print(boto3.client("sqs").list_queues()["QueueUrls"])
print([b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"]])
emr = boto3.client("emr-serverless")
print(emr.list_job_runs(applicationId=os.environ["EMR_APPLICATION_ID"])["jobRuns"])
"""


def test_boto3_reads_the_tables_queues_buckets_and_runs(running):
    answer = shell(running[1], f"{shlex.quote(sys.executable)} -c {shlex.quote(BOTO3)}")

    assert answer.returncode == 0, answer.stderr
    for name in ("cloud-data-platform-dev-jobs", "cloud-data-platform-dev-dlq", "cloud-data-platform-dev-raw"):
        assert name in answer.stdout


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("dynamodb list-tables", "cloud-data-platform-dev-jobs"),
        ('sqs list-queues --endpoint-url "$AWS_ENDPOINT_URL"', "cloud-data-platform-dev-dlq"),
        ("s3 ls", "cloud-data-platform-dev-raw"),
        ('emr-serverless list-job-runs --application-id "$EMR_APPLICATION_ID"', '"jobRuns": []'),
    ],
)
def test_the_aws_command_line_reads_them_too(running, command, shown):
    answer = shell(running[1], f"{AWS} {command}")

    assert answer.returncode == 0, answer.stderr
    assert shown in answer.stdout


def test_a_second_one_in_the_same_folder_says_that_one_runs(running):
    second = subprocess.run(
        [sys.executable, "-m", "local", "up"], cwd=ROOT, env=running[1], capture_output=True, text=True, timeout=60
    )

    assert second.returncode == 1
    for said in ("runs in", "14566 (LOCAL_AWS_PORT)", "14567 (LOCAL_EMR_PORT)", "18000 (API_PORT)", "LOCAL_DIR"):
        assert said in second.stderr


def test_a_second_one_elsewhere_says_which_port_is_taken_and_how_to_change_it(running, tmp_path):
    environment = {**running[1], "LOCAL_DIR": str(tmp_path)}

    second = subprocess.run(
        [sys.executable, "-m", "local", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )

    assert second.returncode == 1
    assert "14566" in second.stderr
    assert "LOCAL_AWS_PORT" in second.stderr


def test_ctrl_c_ends_every_process_that_was_started(running):
    process, environment = running
    started = processes_of(environment["LOCAL_DIR"])
    assert len(started) >= 5

    process.send_signal(signal.SIGINT)

    assert process.wait(DOWN_SECONDS) == 0
    assert wait_until(lambda: processes_of(environment["LOCAL_DIR"]) == [], 10)


def processes_of(folder: str) -> list[int]:
    """The processes whose environment names the folder, this one and its parent apart."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"LOCAL_DIR={folder}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
