"""What an operator has: the `cdp` command in processes of its own, and AWS to see what it did."""

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.deploy import make_client
from local.variables import process_environment
from shared.dynamodb import from_dynamodb
from shared.job_queue import JobQueue, Message
from shared.job_store import JobStore, Won
from shared.models import FailureReason, Job, job_from_item
from shared.moments import utc_now
from shared.settings import Settings
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.jobs import ended_job
from worker.envelopes import failed_job_envelope, unprocessable_envelope

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 90
# What a killed command held comes back after this.
HOLD = "5"
POISON = (
    json.dumps(unprocessable_envelope("m-1", "jobs", "it is not JSON", "{")),
    "{no json",
    '"\\ud800"',
    "x" * 200_000,
    '{"hello": "world"}',
    '{"envelope": "job-failed", "schemaVersion": 1, "id": 7}',
    '{"envelope": "job-failed", "schemaVersion": 99}',
)


def heed_interrupts() -> None:
    """As at a terminal: a shell starts what it runs in the background deaf to Ctrl-C, and tests may run so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Desk:
    """One operator's view of a cloud."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.settings = replace(Settings(), emr_application_id=variables["EMR_APPLICATION_ID"])
        self._dynamodb = make_client("dynamodb", variables)
        self._sqs = make_client("sqs", variables)
        self.emr = make_client("emr-serverless", variables)
        self.store = JobStore(
            self._dynamodb, self.settings.jobs_table, self.settings.control_table, JobStatusTransitionValidator()
        )
        self._processes: list[subprocess.Popen[str]] = []

    def queue(self, name: str) -> JobQueue:
        return JobQueue(self._sqs, self._sqs, name)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command that runs."""
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env=process_environment(dict(self.variables)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,
        )
        self._processes.append(process)
        return process

    def cdp(self, *arguments: str) -> tuple[int, str, str]:
        """A command that ended: its exit code, and what it printed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err

    def cdp_until_free(self, *arguments: str) -> tuple[int, str, str]:
        """The same, tried until nobody else has the lease."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            code, out, err = self.cdp(*arguments)
            if "works on the dead-letter queue" not in err or time.monotonic() > deadline:
                return code, out, err

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def fail(self, reasons: list[FailureReason]) -> list[Job]:
        """Jobs that failed for these reasons, in the table and on the dead-letter queue."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self._fail, reasons))

    def _fail(self, reason: FailureReason) -> Job:
        job = ended_job(
            JobStatus.FAILED,
            job_id=str(uuid.uuid4()),
            failure_reason=reason,
            failure_detail="Boom.",
            finished_at=utc_now(),
        )
        created = self.store.create(job)
        assert isinstance(created, Won)
        self.queue(self.settings.dead_letter_queue).send(failed_job_envelope(created.job, self.settings))
        return created.job

    def poison(self) -> None:
        """One message of each kind that no replay can do anything with."""
        url = self._sqs.get_queue_url(QueueName=self.settings.dead_letter_queue)["QueueUrl"]
        for body in POISON:
            self._sqs.send_message(QueueUrl=url, MessageBody=body)

    def jobs(self) -> list[Job]:
        """All jobs there are."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self.settings.jobs_table, ConsistentRead=True)
        return [job_from_item(from_dynamodb(item)) for page in pages for item in page["Items"]]

    def replays_of(self, jobs: list[Job]) -> list[Job]:
        """The jobs that repeat these."""
        wanted = {job.job_id for job in jobs}
        return [job for job in self.jobs() if job.replay_of in wanted]

    def empty_queues(self) -> None:
        for name in (self.settings.dead_letter_queue, self.settings.jobs_queue):
            self.drain(name)

    def drain(self, name: str) -> list[str]:
        """The bodies of all messages of a queue, hidden ones too; it is empty afterwards."""
        queue, found = self.queue(name), []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._count(name) and time.monotonic() < deadline:
            messages: list[Message] = queue.receive(10, 1, 30)
            found += [message.body for message in messages]
            queue.delete(messages)
        return found

    def dead_letters(self) -> list[str]:
        return self.drain(self.settings.dead_letter_queue)

    def hidden(self) -> int:
        """How many dead letters nobody could receive now."""
        return int(self._attributes(self.settings.dead_letter_queue)["ApproximateNumberOfMessagesNotVisible"])

    def _count(self, name: str) -> int:
        attributes = self._attributes(name)
        return sum(int(attributes[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible"))

    def _attributes(self, name: str) -> dict[str, Any]:
        url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found: dict[str, Any] = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once it holds; fail if it does not in time."""
        deadline = time.monotonic() + timedelta(seconds=PATIENCE_SECONDS).total_seconds()
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)
