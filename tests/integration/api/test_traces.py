"""Traces of real processes: one through API and worker, and what a collector that is away does to them."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.marked import wait_until
from local.observe.collector import Collector, collecting
from local.variables import process_environment
from tests.integration.api.conftest import MASTER_KEY, Start, make_resources, names_of
from tests.integration.api.server import HOST, NOWHERE, PATIENCE_SECONDS, ROOT

# A worker takes all jobs that there are, so these have tables and queues of their own.
PROJECT = "traces"
NAMES = names_of(PROJECT)
JOB = {
    "jobType": "csv-to-parquet",
    "inputs": [{"name": "flights", "uri": f"s3://{NAMES['RAW_BUCKET']}/flights/flights.csv"}],
}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
TRACED = {"TRACES_RATIO": "1"}
QUICK = {"LONG_POLL_SECONDS": "1", "TIMER_SECONDS": "0.2", "JOB_CONSUMERS": "1", "EMR_APPLICATION_ID": "00app"}
# Of a process that has nothing to do but to send its last spans to nobody.
LONGEST_END_SECONDS = 20

Work = Callable[..., "Worker"]


class Worker:
    """A worker as a process, and its log."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "worker"), cwd=ROOT, env=environment, stdout=output, stderr=output
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Its lines of an event."""
        found = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def stop(self) -> int:
        """Ask it to end, and say how it did."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module", autouse=True)
def _resources(aws: Callable[[str], Any]) -> None:
    make_resources(aws, PROJECT)


@pytest.fixture
def work(aws_cloud: LocalCloud, tmp_path: Path) -> Iterator[Work]:
    workers: list[Worker] = []

    def start_worker(**variables: str) -> Worker:
        own = {**NAMES, **QUICK, "CALLBACK_SIGNING_KEY": MASTER_KEY, "AWS_ENDPOINT_URL_EMR_SERVERLESS": NOWHERE}
        environment = process_environment({**aws_cloud.environment, **own, **variables})
        workers.append(Worker(environment, tmp_path / f"worker-{len(workers)}.log"))
        return workers[-1]

    yield start_worker
    for worker in workers:
        worker.process.kill()
        worker.process.wait()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def silence() -> Iterator[str]:
    """The address of a collector that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(64)
        yield f"http://{HOST}:{listener.getsockname()[1]}/v1/traces"


def test_one_trace_joins_the_request_its_message_and_the_step_in_another_process(
    start: Start, work: Work, collector: Collector
):
    server, worker = start(**NAMES, **TRACED, TRACES_ENDPOINT=collector.url), work(TRACES_ENDPOINT=collector.url)
    server.post("/jobs", json=JOB, headers=CALLER)
    assert wait_until(lambda: worker.lines("start_is_unsure"), PATIENCE_SECONDS)

    assert (server.stop(), worker.stop()) == (0, 0)

    (request,), (message,) = collector.named("POST /jobs"), collector.named(f"process {NAMES['JOBS_QUEUE']}")
    step = next(span for span in collector.named("advance") if span.parent_id == message.span_id)
    assert (request.service, message.service, step.service) == ("api", "worker", "worker")
    assert {span.trace_id for span in collector.spans} == {TRACE}
    assert (request.parent_id, message.parent_id) == (SPAN, request.span_id)
    calls = {(span.service, span.name, span.parent_id) for span in collector.spans if "." in span.name}
    assert ("api", "sqs.SendMessage", request.span_id) in calls
    assert ("worker", "emr-serverless.StartJobRun", step.span_id) in calls
    assert {line["trace_id"] for line in server.lines() if line["event"] == "job_submitted"} == {TRACE}
    assert {line["trace_id"] for line in worker.lines("job_running")} == {TRACE}


def test_a_collector_that_hangs_or_refuses_harms_no_request_no_job_and_no_end(start: Start, work: Work, silence: str):
    server, worker = start(**NAMES, **TRACED, TRACES_ENDPOINT=silence), work(TRACES_ENDPOINT=f"{NOWHERE}/v1/traces")

    answers = [server.post("/jobs", json=JOB) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    jobs = {answer.json()["jobId"] for answer in answers}
    assert wait_until(lambda: jobs & {line["job_id"] for line in worker.lines("job_running")}, PATIENCE_SECONDS)
    assert wait_until(lambda: worker.lines("traces_not_sent"), PATIENCE_SECONDS)
    began_at = time.monotonic()
    assert (server.stop(), worker.stop()) == (0, 0)
    assert time.monotonic() - began_at < LONGEST_END_SECONDS
    assert [line["event"] for line in server.lines()].count("traces_not_sent") == 1
