"""What operators see of a platform is what happened on it: lines by one correlation id, and counts to the unit."""

import json
import os
import signal
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.client import ApiClient, Record
from local.cloud import start_cloud
from local.marked import wait_until
from local.ports import free_ports
from tests.acceptance.conftest import PATIENCE_SECONDS, QUICK, Platform

TRANSIENT = "ExecutorLostFailure: the simulated executor went away"
WORKERS = ("worker-1", "worker-2")
STORY = {
    "api": {"audit", "job_submitted", "request_answered"},
    "worker": {"job_running", "run_recorded", "job_succeeded"},
    "spark": {"program_began", "program_succeeded"},
}
Samples = Counter[tuple[str, tuple[tuple[str, str], ...]]]


@pytest.fixture(scope="module")
def two() -> Iterator[Platform]:
    """A platform whose API is two processes, and which has two workers; nobody takes its spans."""
    variables = {**QUICK, "API_PROCESSES": "2", "TRACES_ENDPOINT": f"http://127.0.0.1:{free_ports(1)[0]}/v1/traces"}
    with start_cloud(("aws", "emr", "api", "workers"), variables, workers=2) as cloud:
        yield Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"]))


def lines_of(platform: Platform, *processes: str) -> list[dict[str, Any]]:
    """The log lines of processes, those that are whole."""
    texts = [(platform.cloud.directory / "logs" / f"{name}.log").read_text() for name in processes]
    return objects_in("".join(texts))


def objects_in(text: str) -> list[dict[str, Any]]:
    """The lines of a log that are JSON."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_one_correlation_id_finds_a_jobs_whole_story_over_all_processes(two: Platform):
    job = {
        "jobType": "csv-to-parquet",
        "inputs": [{"name": "table", "uri": two.upload("seen/table.csv", b"id\n1\n")}],
    }
    request = urllib.request.Request(
        f"{two.cloud.environment['CDP_API_URL']}/jobs",
        data=json.dumps(job).encode(),
        headers={"Content-Type": "application/json", "X-Correlation-Id": "nightly-import-42"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        ended = two.wait(json.loads(answer.read()))
    assert ended["status"] == "SUCCEEDED"
    of_driver = objects_in(two.api.logs(ended["jobId"])["text"])

    def found() -> list[dict[str, Any]]:
        lines = [*lines_of(two, "api", *WORKERS), *of_driver]
        return [line for line in lines if line.get("correlation_id") == "nightly-import-42"]

    def story() -> dict[str, set[str]]:
        return {service: {line["event"] for line in found() if line["service"] == service} for service in STORY}

    assert wait_until(lambda: all(story()[service] >= STORY[service] for service in STORY), PATIENCE_SECONDS)
    assert {line["job_id"] for line in found() if "job_id" in line} == {ended["jobId"]}
    assert {line["owner"] for line in found() if line["service"] != "spark"} == {"local"}
    assert len({line["trace_id"] for line in found() if line["event"] in set().union(*STORY.values())}) == 1
    (manifest,) = {line["manifest_sha256"] for line in found() if line["event"] == "program_succeeded"}
    assert manifest == two.api.outputs(ended["jobId"])["manifest"]["sha256"]


def samples_of(url: str) -> Samples:
    """What one process has counted, without buckets and times of creation."""
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    counted = [sample for family in families for sample in family.samples if sample.name.endswith(("_total", "_count"))]
    return Counter({(sample.name, tuple(sorted(sample.labels.items()))): int(sample.value) for sample in counted})


def samples_of_worker(platform: Platform, name: str) -> Samples:
    """The same of a worker, at the port that it said last."""
    ports = [line["health_port"] for line in lines_of(platform, name) if line["event"] == "worker_started"]
    return samples_of(f"http://127.0.0.1:{ports[-1]}/metrics")


def run_half(platform: Platform) -> list[Record]:
    """25 jobs: those that succeed, at once or at the second attempt, those that fail, and those that are cancelled."""
    jobs = platform.submit_simulated(14, seconds=0.2)
    jobs += platform.submit_simulated(4, seconds=0.2, fail=TRANSIENT, failAttempts=1)
    jobs += platform.submit_simulated(4, seconds=0.2, fail="no words that anybody knows")
    cancelled = platform.submit_simulated(3, seconds=600)
    for job in cancelled:
        platform.api.cancel(job["jobId"])
    return [platform.wait(job) for job in (*jobs, *cancelled)]


def end_one_process_of_the_api(platform: Platform) -> None:
    """gunicorn's first process starts another in its place."""
    parent = platform.cloud.processes["api"].pid

    def children() -> set[str]:
        with open(f"/proc/{parent}/task/{parent}/children") as file:
            return set(file.read().split())

    before = children()
    gone = min(before)
    os.kill(int(gone), signal.SIGTERM)
    assert wait_until(lambda: gone not in children() and len(children()) == len(before), PATIENCE_SECONDS)


def moves_of(platform: Platform, job: Record) -> Iterator[tuple[str, str]]:
    """A job's moves from status to status, by its history."""
    status = "NONE"
    for entry in platform.api.history(job["jobId"])["items"]:
        if entry["to"] != status:
            yield status, entry["to"]
            status = entry["to"]


def test_counts_equal_what_the_tables_say_after_processes_were_restarted(two: Platform):
    before = samples_of(f"{two.cloud.environment['CDP_API_URL']}/metrics")
    before += sum((samples_of_worker(two, name) for name in WORKERS), Samples())

    jobs = run_half(two)
    kept = samples_of_worker(two, "worker-1")
    two.cloud.restart("worker-1")
    end_one_process_of_the_api(two)
    jobs += run_half(two)

    def counted() -> Samples:
        now = kept + samples_of(f"{two.cloud.environment['CDP_API_URL']}/metrics")
        now += sum((samples_of_worker(two, name) for name in WORKERS), Samples())
        now.subtract(before)
        return now

    def total(name: str, **labels: str) -> int:
        return sum(
            count for (each, have), count in counted().items() if each == name and labels.items() <= dict(have).items()
        )

    moves = Counter(move for job in jobs for move in moves_of(two, job))
    failed = sum(job["status"] == "FAILED" for job in jobs)
    assert wait_until(lambda: total("cdp_dead_letters_sent_total", kind="job") == failed, PATIENCE_SECONDS)
    for (begin, end), times in moves.items():
        assert total("cdp_job_transitions_total", from_status=begin, to_status=end) == times, (begin, end)
    assert total("cdp_job_transitions_total") == sum(moves.values())
    assert total("cdp_job_attempts_total") == sum(job["attempt"] for job in jobs)
    assert total("cdp_job_attempts_ended_total") == sum(len(job["attempts"]) for job in jobs)
    assert (
        total("cdp_http_request_duration_seconds_count", method="POST", route="/jobs", status="202") == len(jobs) == 50
    )
