"""The local cloud as a whole: what it makes, what it refuses, and that it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.deploy import deploy_data, make_client
from local.marked import marked_pids
from local.processes import CLOUD_MARK
from local.settings import ROOT
from shared.settings import Settings
from tests.integration.emr.waiting import wait_for

# The stack


def test_the_stack_has_exactly_the_tables_queues_and_buckets_that_the_settings_name(cloud: LocalCloud) -> None:
    names = Settings()
    client = {service: make_client(service, cloud.environment) for service in ("dynamodb", "sqs", "s3")}

    tables = client["dynamodb"].list_tables()["TableNames"]
    queues = [url.rpartition("/")[2] for url in client["sqs"].list_queues()["QueueUrls"]]
    buckets = [bucket["Name"] for bucket in client["s3"].list_buckets()["Buckets"]]

    assert set(tables) == {names.jobs_table, names.control_table, names.contracts_table, names.datasets_table}
    assert set(queues) == {names.jobs_queue, names.events_queue, names.dead_letter_queue}
    # That of access logs is written by S3 alone.
    ours = {names.raw_bucket, names.processed_bucket, names.artifacts_bucket, names.logs_bucket}
    assert set(buckets) == {*ours, "cloud-data-platform-dev-access-logs"}


def test_deploying_again_changes_nothing(cloud: LocalCloud, s3: Any) -> None:
    s3.put_object(Bucket=Settings().raw_bucket, Key="kept.txt", Body=b"kept")

    deploy_data(cloud.environment)

    assert s3.get_object(Bucket=Settings().raw_bucket, Key="kept.txt")["Body"].read() == b"kept"


def test_the_spark_code_lies_where_the_settings_say(cloud: LocalCloud, s3: Any) -> None:
    bucket, _, prefix = Settings().spark_code_uri.removeprefix("s3://").partition("/")

    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]

    assert keys == [f"{prefix}main.py", f"{prefix}spark_jobs.zip"]


# `python -m local up`


class Up:
    """`python -m local up --only emr` in a process of its own."""

    def __init__(self, directory: Path, **variables: str) -> None:
        free = {"LOCAL_AWS_PORT": "0", "LOCAL_EMR_PORT": "0", "LOCAL_DIR": str(directory)}
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "up", "--only", "emr"],
            cwd=ROOT,
            env={**os.environ, **free, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until(self, text: str) -> str:
        """What it printed, up to the line with `text`; fails when it ends before that."""
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if text in line:
                return printed
        raise AssertionError(f"it ended without saying {text!r}: {printed}")

    def variables(self) -> dict[str, str]:
        """What its env file exports."""
        return dict(re.findall(r"^export (\w+)=(\S*)$", (self.directory / "env").read_text(), re.MULTILINE))

    def emr_pid(self) -> int:
        """The process of its EMR Serverless."""
        mark = self._mark()
        (pid,) = [
            pid for pid in marked_pids(CLOUD_MARK, mark) if b"local.emr\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        return pid

    def pids(self) -> list[int]:
        """All processes that read this folder's settings."""
        return marked_pids("LOCAL_DIR", str(self.directory))

    def answers(self) -> bool:
        """Whether its EMR Serverless answers."""
        url = f"{self.variables()['AWS_ENDPOINT_URL_EMR_SERVERLESS']}/_local/health"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _mark(self) -> str:
        for pid in self.pids():
            found = re.search(rb"LOCAL_CLOUD=([^\0]+)", Path(f"/proc/{pid}/environ").read_bytes())
            if found:
                return found[1].decode()
        raise AssertionError("no process carries the mark")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A running `up`."""
    started = Up(tmp_path / "cloud")
    yield started
    started.process.kill()
    started.process.wait()
    wait_for(lambda: not started.pids(), "everything to end")


def test_up_says_where_everything_is_and_writes_a_private_env_file(up: Up) -> None:
    printed = up.read_until("logs:")

    assert up.variables()["AWS_ENDPOINT_URL_EMR_SERVERLESS"] in printed
    assert "AWS_ACCESS_KEY_ID" in up.variables()
    assert len(up.variables()["CALLBACK_SIGNING_KEY"]) >= 32
    assert up.variables()["EMR_APPLICATION_ID"].startswith("00")
    for name in ("env", "keys.json"):
        assert (up.directory / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process(up: Up, signal_number: int) -> None:
    up.read_until("logs:")

    up.process.send_signal(signal_number)
    up.read_until("everything has stopped")

    assert up.process.wait(timeout=10) == 0
    assert up.pids() == []


def test_killing_up_ends_every_process_too(up: Up) -> None:
    up.read_until("logs:")
    assert up.pids()

    up.process.kill()

    wait_for(lambda: not up.pids(), "everything to end")


def test_up_again_right_after_a_kill_waits_for_what_is_left_to_end(up: Up) -> None:
    up.read_until("logs:")
    up.process.kill()

    second = Up(up.directory)
    try:
        second.read_until("logs:")
        assert second.answers()
    finally:
        second.process.kill()


def test_a_process_that_dies_is_started_again_and_said_so(up: Up) -> None:
    up.read_until("logs:")

    os.kill(up.emr_pid(), signal.SIGKILL)

    assert "emr ended unexpectedly (exit code -9)" in up.read_until("ended unexpectedly")
    wait_for(up.answers, "the service to answer again")


def test_up_twice_in_one_folder_says_who_is_there_already(up: Up) -> None:
    up.read_until("logs:")

    second = Up(up.directory)
    printed = second.read_until("already")

    assert f"process {up.process.pid}" in printed
    assert second.process.wait(timeout=10) == 1
    assert up.answers()


def test_a_taken_port_is_named_with_its_setting_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])

        refused = Up(tmp_path / "cloud", LOCAL_EMR_PORT=port)
        printed = refused.read_until("taken")

    assert re.search(rf"Port {port} of 127\.0\.0\.1 is taken; set LOCAL_EMR_PORT", printed)
    assert refused.process.wait(timeout=10) == 1
    assert refused.pids() == []
