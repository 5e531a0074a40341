"""Secrets that come in anywhere come out nowhere: not in lines, metrics, spans, items, dead letters or refusals."""

import json
import re
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.client import ApiClient, Record
from local.cloud import start_cloud
from local.marked import wait_until
from local.observe.collector import Collector, collecting
from local.variables import process_environment
from shared.signatures import callback_key, sign
from tests.acceptance.conftest import PATIENCE_SECONDS, QUICK, Platform
from tests.acceptance.planted import JSON, MARK, SECRETS, Attempt, attempts_of, deep_attempts
from tests.integration.api.server import NOWHERE, Server

UNLIMITED = {f"RATE_{kind}_BURST": "1000000" for kind in ("READS", "WRITES", "UPLOADS", "LOGS", "DASHBOARDS")}
# Where a job's own request is kept as its owner wrote it, for its owner, its run and its replay.
AS_ASKED = {"request", "spec", "tagWords"}
# Its calls of AWS are made up, and are not kept as those that the product makes (docs/iam.md).
UNRECORDED = {"RECORD_AWS_CALLS": ""}


@dataclass
class Seen:
    """All that came out of a platform."""

    refusals: dict[str, str] = field(default_factory=dict)
    defects: list[Attempt] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    metrics: str = ""
    spans: list[bytes] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What came out, after secrets were planted wherever something comes in."""
    seen = Seen()
    with collecting() as collector:
        told = {
            "TRACES_ENDPOINT": collector.url,
            "TRACES_RATIO": "1",
            "CALLBACK_URL": NOWHERE,
            **QUICK,
            **UNLIMITED,
            **UNRECORDED,
        }
        with start_cloud(("aws", "emr", "api", "workers"), told, workers=1) as cloud:
            platform = Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"]))
            plant_in_requests(platform, seen)
            plant_in_tokens(platform, seen, tmp_path_factory.mktemp("closed") / "api.log")
            plant_in_messages(platform)
            plant_in_jobs(platform)
            look_at(platform, collector, seen)
    return seen


def plant_in_requests(platform: Platform, seen: Seen) -> None:
    """In each place of each operation."""
    url = platform.cloud.environment["CDP_API_URL"]
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=PATIENCE_SECONDS) as answer:
        document = json.loads(answer.read())
    for attempt in (*attempts_of(document), *deep_attempts()):
        send(attempt, url, seen)


def plant_in_tokens(platform: Platform, seen: Seen, log: Path) -> None:
    """In what is sent as a token to an API that asks for one, and whose OpenID provider is away."""
    oidc = {"AUTH_MODE": "oidc", "OIDC_ISSUER": NOWHERE, "OIDC_AUDIENCE": "cdp", "API_PROCESSES": "1"}
    server = Server(process_environment({**platform.cloud.environment, **oidc}), log)
    for secret in SECRETS.values():
        for value in (secret, f"Bearer {secret}", f"Basic {secret}"):
            send(Attempt("GET", "/jobs", headers={"Authorization": value}), server.url, seen)
        send(Attempt("GET", "/jobs", query={"access_token": secret}), server.url, seen)
    server.stop()
    seen.lines += log.read_text().splitlines()


def send(attempt: Attempt, url: str, seen: Seen) -> None:
    """Send it, and keep the answer if it is a refusal."""
    answer = attempt.send(url)
    if answer.status_code >= 400:
        seen.refusals[str(attempt)] = f"{answer.headers} {answer.text}"
    if answer.status_code == 500:
        seen.defects.append(attempt)


def plant_in_messages(platform: Platform) -> None:
    """In messages of both queues, which nobody can read."""
    sqs = platform.aws("sqs")
    for secret in SECRETS.values():
        for queue in ("JOBS_QUEUE", "EVENTS_QUEUE"):
            url = sqs.get_queue_url(QueueName=platform.cloud.environment[queue])["QueueUrl"]
            for body in ({"kind": secret}, {"kind": "job", "jobId": secret}, {"source": secret, "detail": {secret: 1}}):
                sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"schemaVersion": 1, **body}))
            sqs.send_message(QueueUrl=url, MessageBody=f"no JSON, but {secret}")


def plant_in_jobs(platform: Platform) -> None:
    """In parameters, tags, EMR's words of a run, what programs leave and report, and the reasons that owners give."""
    mail = {"contact": SECRETS["e-mail"]}
    ended: list[Record] = []
    for secret in SECRETS.values():
        wordy, leaving, reporting, cancelled = (
            platform.api.submit({"jobType": "simulated", "inputs": [], "parameters": parameters, "tags": mail})
            for parameters in (
                {"seconds": 0, "fail": f"ValueError: {secret}"},
                {"seconds": 2, "fail": "no words that anybody knows"},
                {"seconds": 600},
                {"seconds": 600},
            )
        )
        leave_files(platform, leaving, secret)
        platform.api.cancel(cancelled["jobId"], secret)
        assert wait_until(lambda job=reporting: platform.api.get(job["jobId"])["attempt"] == 1, PATIENCE_SECONDS)
        report(platform, reporting, secret)
        ended += [wordy, leaving, reporting, cancelled]
    for job, secret in zip(ended[::4], SECRETS.values(), strict=True):
        platform.wait(job)
        platform.api.replay(job["jobId"], {}, reason=secret)
    for job in ended:
        platform.wait(job)


def leave_files(platform: Platform, job: Record, secret: str) -> None:
    """What the program of its first attempt leaves: why it failed, and what it reported in vain."""
    failure = {"message": f"It said {secret}.", "causes": [f"ValueError: {secret}"]}
    reports = {"reports": [{"status": secret, "at": secret, "why": secret}]}
    for name, content in (("_failure.json", failure), ("_reports.json", reports)):
        platform.aws("s3").put_object(
            Bucket=platform.cloud.environment["PROCESSED_BUCKET"],
            Key=f"jobs/{job['jobId']}/attempt-1/{name}",
            Body=json.dumps(content).encode(),
        )


def report(platform: Platform, job: Record, secret: str) -> None:
    """A signed report of its first attempt, which ends the job."""
    said = {"statusMessage": f"It said {secret}.", "exceptions": f"ValueError: {secret}"}
    body = json.dumps({"status": "FAILED", "attempt": 1, "failureReason": "INVALID_INPUT", **said}).encode()
    master_key = platform.cloud.environment["CALLBACK_SIGNING_KEY"]
    message_id, now = f"{uuid.uuid4().hex}.{SECRETS['e-mail']}", int(time.time())
    signed = {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(callback_key(master_key, job["jobId"], 1), message_id, now, body),
    }
    attempt = Attempt("POST", f"/internal/jobs/{job['jobId']}/status", headers=JSON | signed, body=body)
    assert attempt.send(platform.cloud.environment["CDP_API_URL"]).status_code == 200


def look_at(platform: Platform, collector: Collector, seen: Seen) -> None:
    """Keep all that the platform says and holds; its last spans are sent when it ends."""
    cloud = platform.cloud
    expected = len(SECRETS) * (4 * 2 + 5)  # unreadable messages of two queues, and failed jobs

    def are_all_there() -> bool:
        seen.dead_letters += [json.dumps(without_what_was_asked(letter)) for letter in platform.dead_letters()]
        return len(set(seen.dead_letters)) >= expected

    assert wait_until(are_all_there, PATIENCE_SECONDS)
    for table in ("JOBS_TABLE", "CONTROL_TABLE"):
        pages = platform.aws("dynamodb").get_paginator("scan").paginate(TableName=cloud.environment[table])
        items = [item for page in pages for item in page["Items"]]
        seen.items += [json.dumps(without_what_was_asked(item), default=str) for item in items]
    (started,) = re.findall(r'"health_port": ?(\d+)', log_of(platform, "worker-1"))
    for url in (cloud.environment["CDP_API_URL"], f"http://127.0.0.1:{started}"):
        with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE_SECONDS) as answer:
            seen.metrics += answer.read().decode()
    for name in ("api", "worker-1"):
        cloud.processes[name].begin_stop()
        cloud.processes[name].finish_stop()
        seen.lines += log_of(platform, name).splitlines()
    seen.spans = collector.bodies


def log_of(platform: Platform, process: str) -> str:
    """All that a process wrote."""
    return (platform.cloud.directory / "logs" / f"{process}.log").read_text()


def without_what_was_asked(thing: Record) -> dict[str, Any]:
    """An item or a dead letter but for the job's own request."""
    return {name: value for name, value in thing.items() if name not in AS_ASKED}


def those_with_a_secret(texts: Any) -> list[str]:
    """Of texts those that hold a secret; few, since each says enough."""
    return [str(text) for text in texts if MARK in str(text).lower()][:5]


def test_no_refusal_holds_a_secret_of_its_request(seen: Seen):
    assert len(seen.refusals) > 1000
    assert seen.defects == []
    assert [item for item in seen.refusals.items() if MARK in item[1].lower()][:5] == []


def test_no_line_of_a_log_holds_a_secret(seen: Seen):
    assert any("***" in line for line in seen.lines)
    assert those_with_a_secret(seen.lines) == []


def test_no_metric_holds_a_secret(seen: Seen):
    assert "cdp_http_requests" in seen.metrics or "cdp_http_request_duration_seconds" in seen.metrics
    assert those_with_a_secret(seen.metrics.splitlines()) == []


def test_no_span_holds_a_secret(seen: Seen):
    assert any(b"POST /jobs" in body for body in seen.spans)
    assert those_with_a_secret(seen.spans) == []


def test_no_item_holds_a_secret_but_in_the_request_that_it_keeps(seen: Seen):
    assert any("***" in item for item in seen.items)
    assert those_with_a_secret(seen.items) == []


def test_no_dead_letter_holds_a_secret_but_in_the_request_that_it_keeps(seen: Seen):
    assert any("***" in letter for letter in seen.dead_letters)
    assert those_with_a_secret(seen.dead_letters) == []
