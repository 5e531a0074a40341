"""The worker as a process: how it starts, tells its health, and ends."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.deploy import make_client
from local.marked import wait_until
from local.variables import process_environment
from tests.integration.conftest import copy_table

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
QUICK = {"LONG_POLL_SECONDS": "1", "TIMER_SECONDS": "0.2", "EMR_APPLICATION_ID": "00app"}
NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_EMR_SERVERLESS": "http://127.0.0.1:9"}

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(aws_cloud: LocalCloud) -> Iterator[Start]:
    processes = []

    def start_worker(**variables: str) -> subprocess.Popen:
        environment = process_environment({**aws_cloud.environment, **QUICK, **variables})
        process = subprocess.Popen(
            [sys.executable, "-m", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield start_worker
    for process in processes:
        process.kill()
        process.wait()


def read_event(process: subprocess.Popen, event: str) -> dict:
    """The first line of its log that has this event."""
    for line in process.stdout:
        if line.startswith("{") and (found := json.loads(line))["event"] == event:
            return found
    raise AssertionError(f"the worker ended ({process.wait()}) without {event!r}")


def health(port: int) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def own_tables(cloud: LocalCloud) -> dict[str, str]:
    """Settings of tables without the due jobs that other tests left, of which a worker would send hints too."""
    dynamodb = make_client("dynamodb", cloud.environment)
    names = {setting: f"counted-{setting.lower()}" for setting in ("JOBS_TABLE", "CONTROL_TABLE")}
    for setting, copy in names.items():
        copy_table(dynamodb, dynamodb, cloud.environment[setting], copy)
    return names


def test_a_worker_starts_is_healthy_and_ends_with_zero_when_asked_to(start):
    process = start()
    port = read_event(process, "worker_started")["health_port"]

    status, facts = health(port)
    process.send_signal(signal.SIGTERM)

    assert (status, facts["healthy"]) == (200, True)
    assert set(facts["loopAgeSeconds"]) == {"jobs-0", "jobs-1", "events-0", "timer"}
    assert read_event(process, "worker_stopped")["drained"] is True
    assert process.wait(PATIENCE_SECONDS) == 0


def test_what_a_worker_counts_can_be_read_beside_its_health(start, aws_cloud):
    sqs = make_client("sqs", aws_cloud.environment)
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("counted-jobs", "counted-dlq")}
    sqs.send_message(QueueUrl=urls["counted-jobs"], MessageBody="{")
    own = {"JOBS_QUEUE": "counted-jobs", "DEAD_LETTER_QUEUE": "counted-dlq", **own_tables(aws_cloud)}
    port = read_event(start(JOB_CONSUMERS="1", **own), "worker_started")["health_port"]

    def metrics() -> list[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.read().decode().splitlines()

    assert wait_until(lambda: 'cdp_dead_letters_sent_total{kind="message"} 1.0' in metrics(), PATIENCE_SECONDS)
    lines = metrics()
    assert 'cdp_message_lag_seconds_count{queue="jobs"} 1.0' in lines
    assert 'cdp_aws_calls_total{operation="SendMessage",outcome="ok",service="sqs"} 1.0' in lines
    assert any(line.startswith('cdp_worker_loop_age_seconds{loop="timer"}') for line in lines)


def test_a_worker_without_aws_says_so_once_for_each_loop_and_can_still_be_stopped(start):
    process = start(**NOWHERE)
    paused = [read_event(process, "loop_pauses")["loop"] for _ in range(4)]

    process.send_signal(signal.SIGINT)

    assert sorted(paused) == ["events-0", "jobs-0", "jobs-1", "timer"]
    rest = process.communicate(timeout=PATIENCE_SECONDS)[0]
    assert "loop_pauses" not in rest
    assert process.returncode == 0


def test_in_production_a_worker_refuses_to_start_without_its_settings(start):
    process = start(ENVIRONMENT="production", CALLBACK_SIGNING_KEY="")

    output = process.communicate(timeout=PATIENCE_SECONDS)[0]

    assert process.returncode == 2
    assert output.startswith("worker: ENVIRONMENT=production needs: CALLBACK_SIGNING_KEY (")
    assert output.count("\n") == 1
