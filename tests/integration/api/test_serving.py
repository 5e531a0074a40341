"""Jobs over HTTP: submitted, listed, cancelled, reported, and their outputs fetched."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from local.cloud import LocalCloud
from local.variables import process_environment
from shared.job_store import JobStore
from shared.models import FailureReason, Job, JobInput
from shared.settings import Settings
from shared.signatures import callback_key, sign
from shared.transitions import JobStatus
from tests.fakes.jobs import submitted_job
from tests.integration.api.conftest import MASTER_KEY, OWN, Start
from tests.integration.api.server import ROOT, Server
from worker.envelopes import failed_job_envelope

RAW, PROCESSED = OWN["RAW_BUCKET"], OWN["PROCESSED_BUCKET"]
CSV = {"jobType": "csv-to-parquet", "inputs": [{"name": "flights", "uri": f"s3://{RAW}/flights/flights.csv"}]}
INPUTS = (JobInput("flights", f"s3://{RAW}/flights/flights.csv"),)
# Written by hand: the answer to a report of each status about a job of each status.
PAIRS = {
    "SUBMITTED": {"SUBMITTED": 400, "RUNNING": 200, "SUCCEEDED": 400, "FAILED": 400},
    "RUNNING": {"SUBMITTED": 400, "RUNNING": 200, "SUCCEEDED": 200, "FAILED": 200},
    "SUCCEEDED": {"SUBMITTED": 400, "RUNNING": 400, "SUCCEEDED": 400, "FAILED": 400},
    "FAILED": {"SUBMITTED": 400, "RUNNING": 400, "SUCCEEDED": 400, "FAILED": 400},
}


def put_job(store: JobStore, status: JobStatus, **changes: Any) -> Job:
    """A job of some status, stored with an id of its own."""
    running = status is not JobStatus.SUBMITTED
    begun = {"attempt": 1, "run_id": "run-1"} if running else {}
    outcome = store.create(replace(submitted_job(), job_id=str(uuid.uuid4()), status=status, **{**begun, **changes}))
    assert outcome.job is not None
    return outcome.job


def report(server: Server, job: Job, status: str, **more: Any) -> requests.Response:
    """A report of a job's current attempt, signed."""
    fields = {"status": status, "attempt": job.attempt, **more}
    body = json.dumps(fields).encode()
    message_id, timestamp = str(uuid.uuid4()), int(time.time())
    signature = sign(callback_key(MASTER_KEY, job.job_id, job.attempt), message_id, timestamp, body)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    headers["Content-Type"] = "application/json"
    return server.post(f"/internal/jobs/{job.job_id}/status", data=body, headers=headers)


def messages_of(aws: Callable[[str], Any], job_id: str) -> int:
    """How many messages about a job wait in the queue; those of others are let go."""
    sqs, found = aws("sqs"), 0
    url = sqs.get_queue_url(QueueName=OWN["JOBS_QUEUE"])["QueueUrl"]
    while rows := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += sum(json.loads(row["Body"])["jobId"] == job_id for row in rows)
        for row in rows:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=row["ReceiptHandle"])
    return found


def but_for_times(record: dict[str, Any]) -> dict[str, Any]:
    """A job's record without how long it was where, which goes on between two looks."""
    return {name: value for name, value in record.items() if name != "times"}


def test_a_submitted_job_is_an_item_and_a_message(server: Server, store: JobStore, aws: Callable[[str], Any]):
    response = server.post("/jobs", json=CSV, headers={"X-Correlation-Id": "from-the-test"})

    record = response.json()
    job = store.get(record["jobId"])
    assert (response.status_code, response.headers["Location"]) == (202, f"/jobs/{job.job_id}")
    assert (job.status, job.correlation_id, job.due_at is not None) == ("SUBMITTED", "from-the-test", True)
    assert but_for_times(server.get(response.headers["Location"]).json()) == but_for_times(record)
    assert messages_of(aws, job.job_id) == 1


def test_50_requests_of_one_key_at_once_make_one_job_and_one_message(server: Server, aws: Callable[[str], Any]):
    key = {"Idempotency-Key": str(uuid.uuid4())}

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: server.post("/jobs", json=CSV, headers=key), range(50)))

    first = [answer for answer in answers if "Idempotency-Replayed" not in answer.headers]
    assert ({answer.status_code for answer in answers}, len(first)) == ({202}, 1)
    assert len({answer.text for answer in answers}) == 1
    assert messages_of(aws, first[0].json()["jobId"]) == 1


def test_a_batch_makes_a_job_of_each_submission_that_is_right(server: Server, aws: Callable[[str], Any]):
    entries = [{**CSV, "idempotencyKey": str(uuid.uuid4())} for _ in range(12)]
    entries[5]["size"] = "huge"

    first, again = (server.post("/jobs/batch", json={"jobs": entries}).json()["items"] for _ in range(2))

    assert [item["status"] for item in first] == [202] * 5 + [422] + [202] * 6
    assert [item["replayed"] for item in again] == [True] * 5 + [False] + [True] * 6
    assert [item["job"] for item in again] == [item["job"] for item in first]
    shown = server.get(f"/jobs/{first[11]['job']['jobId']}").json()
    assert but_for_times(shown) == but_for_times(first[11]["job"])
    assert messages_of(aws, first[11]["job"]["jobId"]) == 1


def test_a_batch_may_be_larger_than_other_bodies(server: Server):
    body = json.dumps({"jobs": [CSV] * 10}).encode().ljust(20_000)

    batch = server.post("/jobs/batch", data=body, headers={"Content-Type": "application/json"})
    alone = server.post("/jobs", data=body, headers={"Content-Type": "application/json"})

    assert (batch.status_code, alone.status_code) == (200, 413)


def test_a_dry_run_shows_the_start_and_stores_nothing(server: Server):
    key = {"Idempotency-Key": str(uuid.uuid4()), "X-Correlation-Id": "a-dry-run"}

    shown = server.post("/jobs?dryRun=true", json=CSV, headers=key).json()

    assert server.get(f"/jobs/{shown['wouldBe']['jobId']}").status_code == 404
    made = server.post("/jobs", json=CSV, headers=key)
    assert "Idempotency-Replayed" not in made.headers
    assert made.json()["jobId"] in shown["startJobRun"]["name"]


def test_racing_replays_of_one_failed_job_make_one_job(server: Server, store: JobStore, aws: Callable[[str], Any]):
    old = put_job(store, JobStatus.FAILED, due_at=None, request=replace(submitted_job().request, inputs=INPUTS))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: server.post(f"/jobs/{old.job_id}/replay", json={}), range(8)))

    first = [answer for answer in answers if "Idempotency-Replayed" not in answer.headers]
    assert ({answer.status_code for answer in answers}, len(first)) == ({202}, 1)
    assert len({answer.text for answer in answers}) == 1
    assert store.get(old.job_id).replayed_by == (first[0].json()["jobId"],)
    assert messages_of(aws, first[0].json()["jobId"]) == 1


def test_an_operator_finds_replayed_what_its_owner_has_replayed(
    server: Server, store: JobStore, aws: Callable[[str], Any], aws_cloud: LocalCloud
):
    old = put_job(store, JobStatus.FAILED, due_at=None, request=replace(submitted_job().request, inputs=INPUTS))
    old = store.get(old.job_id)
    envelope = json.dumps(failed_job_envelope(replace(old, failure_reason=FailureReason.CAPACITY), Settings()))
    url = aws("sqs").get_queue_url(QueueName=OWN["DEAD_LETTER_QUEUE"])["QueueUrl"]
    aws("sqs").send_message(QueueUrl=url, MessageBody=envelope)

    made = server.post(f"/jobs/{old.job_id}/replay", json={"overrides": {"parameters": {"delimiter": ";"}}}).json()
    command = ["dlq", "replay", "--id", old.job_id, "--set", "parameters.delimiter=;", "--yes", "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *command],
        env=process_environment({**aws_cloud.environment, **OWN, "EMR_APPLICATION_ID": "00app"}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    (item,) = json.loads(ended.stdout)["items"]
    assert (item["result"], item["newJobId"]) == ("already replayed", made["jobId"])
    assert store.get(old.job_id).replayed_by == (made["jobId"],)
    assert "Messages" not in aws("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1)


WRITES_AT_ONCE, WRITES_PER_SECOND = 5, 0.01


@pytest.fixture
def few_writes(start: Start, aws: Callable[[str], Any]) -> Iterator[Server]:
    """Two processes that let each caller write five times; the bucket is that of all tests, and is left as it was."""
    bucket = {"TableName": OWN["CONTROL_TABLE"], "Key": {"key": {"S": "RATE#writes#local"}}}
    limit = {"RATE_WRITES_BURST": str(WRITES_AT_ONCE), "RATE_WRITES_PER_SECOND": str(WRITES_PER_SECOND)}
    aws("dynamodb").delete_item(**bucket)
    yield start(API_PROCESSES="2", **limit)
    aws("dynamodb").delete_item(**bucket)


def left_to_write(response: requests.Response) -> int:
    """How many more writes an answer says may come at once."""
    name, left = response.headers["RateLimit"].partition(";t=")[0].split(";r=")
    assert name == '"writes"'
    return int(left)


def test_processes_share_the_limit_of_writes(few_writes: Server):
    began = time.monotonic()
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: few_writes.post("/jobs?dryRun=true", json=CSV), range(60)))
    took_seconds = time.monotonic() - began

    passed, refused = ([each for each in answers if each.ok is ok] for ok in (True, False))
    grown_back = int(took_seconds * WRITES_PER_SECOND)  # none, but on a machine that is very slow
    assert WRITES_AT_ONCE <= len(passed) <= WRITES_AT_ONCE + grown_back
    assert {(each.json()["code"], left_to_write(each)) for each in refused} == {("rate_limited", 0)}
    # A process may read its clock, and come to the bucket after one that read its own later: then less has grown back.
    longest = 1 / WRITES_PER_SECOND + took_seconds + 1
    assert all(0 < int(each.headers["Retry-After"]) <= longest for each in refused)
    told = sorted(map(left_to_write, passed), reverse=True)
    for each, left in zip(told, reversed(range(WRITES_AT_ONCE)), strict=False):
        assert max(0, left - 1) <= each <= left + grown_back, told
    assert few_writes.get("/jobs?limit=1").status_code == 200, "reads have a limit of their own"


def test_pages_show_every_job_once(server: Server):
    made = {server.post("/jobs", json=CSV).json()["jobId"] for _ in range(5)}

    shown, cursor = [], ""
    while cursor is not None:
        page = server.get(
            "/jobs", params={"limit": "2", "status": "SUBMITTED", **({"cursor": cursor} if cursor else {})}
        )
        shown += [item["jobId"] for item in page.json()["items"]]
        cursor = page.json()["nextCursor"]

    assert made <= set(shown)
    assert len(shown) == len(set(shown))


def test_a_cancelled_job_is_due_and_asking_again_changes_nothing(server: Server, store: JobStore):
    job_id = server.post("/jobs", json=CSV).json()["jobId"]

    first, again = (server.post(f"/jobs/{job_id}/cancel", json={"reason": "wrong file"}) for _ in range(2))

    stored = store.get(job_id)
    assert (first.status_code, again.status_code) == (202, 202)
    assert but_for_times(first.json()) == but_for_times(again.json())
    assert stored.due_at == stored.cancel_requested_at
    assert len(server.get(f"/jobs/{job_id}/history").json()["items"]) == 2


def test_a_cancellation_needs_no_body(server: Server, store: JobStore):
    job = put_job(store, JobStatus.RUNNING)

    assert server.post(f"/jobs/{job.job_id}/cancel").status_code == 202


def test_a_job_that_ended_cannot_be_cancelled(server: Server, store: JobStore):
    job = put_job(store, JobStatus.FAILED, due_at=None)

    response = server.post(f"/jobs/{job.job_id}/cancel")

    assert (response.status_code, response.json()["code"]) == (409, "job_already_ended")
    assert "FAILED" in response.json()["detail"]


@pytest.mark.parametrize(("current", "target"), [(current, target) for current in PAIRS for target in PAIRS])
def test_a_report_moves_a_job_along_the_table_of_moves_only(server: Server, store: JobStore, current: str, target: str):
    job = put_job(store, JobStatus(current))

    response = report(server, job, target)

    assert response.status_code == PAIRS[current][target]
    stored = store.get(job.job_id)
    if response.ok:
        assert stored.status == response.json()["status"] == target
    else:
        assert response.json()["code"] == "invalid_transition"
        assert stored == job


def test_a_reports_message_is_taken_once(server: Server, store: JobStore):
    job = put_job(store, JobStatus.RUNNING)
    sent = report(server, job, "RUNNING", statusMessage="Half of it is done.").request

    again = server.call("POST", sent.path_url, data=sent.body, headers=dict(sent.headers))

    assert (again.status_code, again.json()["code"]) == (401, "message_already_seen")
    assert store.get(job.job_id).status_message == "Half of it is done."


def test_the_links_to_a_jobs_files_lead_to_them(server: Server, store: JobStore, aws: Callable[[str], Any]):
    job = put_job(store, JobStatus.SUCCEEDED, due_at=None)
    folder = f"jobs/{job.job_id}/attempt-1/"
    file = {"path": "data/part 0+1.parquet", "sizeBytes": 4, "rows": 1, "sha256": "ab" * 32}
    manifest = {
        "createdAt": "2026-11-23T12:00:00.000Z",
        "files": [file],
        "totals": {"files": 1, "rows": 1, "sizeBytes": 4},
        "counts": {"rowsRead": 1, "rowsWritten": 1, "rowsRejected": 0},
        "schema": None,
    }
    aws("s3").put_object(Bucket=PROCESSED, Key=folder + file["path"], Body=b"PAR1")
    aws("s3").put_object(Bucket=PROCESSED, Key=f"{folder}_manifest.json", Body=json.dumps(manifest).encode())

    (shown,) = server.get(f"/jobs/{job.job_id}/outputs").json()["files"]

    assert requests.get(shown["url"], timeout=10).content == b"PAR1"
    assert shown["uri"] == f"s3://{PROCESSED}/{folder}data/part 0+1.parquet"


def test_an_input_that_does_not_exist_is_refused(server: Server):
    body = {**CSV, "inputs": [{"name": "flights", "uri": f"s3://{RAW}/nothing.csv"}]}

    response = server.post("/jobs", json=body)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/inputs/0/uri")


def test_the_page_and_its_parts_are_served(server: Server):
    for path in ("/docs", "/docs/init.js", "/docs/swagger-ui-bundle.js", "/openapi.json", "/health/ready"):
        assert server.get(path).status_code == 200
