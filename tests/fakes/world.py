"""The whole platform behind the API on fakes and a virtual clock: real stores, real workers, no network."""

import json
from dataclasses import replace
from typing import Any

from shared.job_queue import JobQueue, job_message
from shared.job_store import JobStore
from shared.models import Item, Job
from shared.settings import Settings
from shared.transitions import JobStatusTransitionValidator
from tests.fakes.clock import Clock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.emr import FakeEMR, FakeRun
from tests.fakes.s3 import FakeS3
from tests.fakes.seam import Client, Seam
from tests.fakes.sqs import FakeSQS
from tests.fakes.worker import FakeWorker


def never() -> bool:
    """Nobody is stopping."""
    return False


class World:
    """AWS, and one worker in it."""

    def __init__(self, dynamodb: Any = None, **settings: Any) -> None:
        self.settings = replace(Settings(), emr_application_id="00app", **settings)
        self.clock = Clock()
        self.seam = Seam()
        self.dynamodb, self.emr, self.s3 = dynamodb or FakeDynamoDB(), FakeEMR(self.clock), FakeS3()
        self.emr.watch = self._write_manifest
        names = [self.settings.jobs_queue, self.settings.events_queue]
        self.sqs = FakeSQS(self.clock, names, self.settings.dead_letter_queue)
        self.store = JobStore(
            self.client(self.dynamodb),
            self.settings.jobs_table,
            self.settings.control_table,
            JobStatusTransitionValidator(),
        )
        self.jobs_queue = self.queue(self.settings.jobs_queue)
        self.start_worker()

    def _write_manifest(self, run: FakeRun) -> None:
        """A run that will succeed leaves its manifest; that it lies there early is seen by nobody."""
        if run.plan.succeeds:
            self.s3.leave_manifest(self.settings.processed_bucket, run.name)

    def client(self, service: Any, attempts: int = 1) -> Any:
        """A client of a fake service that passes the seam. Here no call is sent again by itself."""
        return Client(service, self.seam, self.clock)

    def queue(self, name: str) -> JobQueue:
        """One of the queues."""
        sqs = self.client(self.sqs)
        return JobQueue(sqs, sqs, name)

    def start_worker(self) -> None:
        """A worker that remembers nothing of the one before."""
        worker = FakeWorker(self.settings, self.clock, self.client, self, shuffle=lambda shards: None)
        self.runner, self.control, self.gate = worker.runner, worker.control, worker.gate
        self.advance, self.jobs, self.events, self.timer = worker.advance, worker.jobs, worker.events, worker.timer

    def submit(self, job: Job) -> Job:
        """Store a job and send its hint, as the API does."""
        self.store.create(job)
        self.jobs_queue.send(job_message(job.job_id))
        return job

    def send_events(self) -> None:
        """Send the event of every run that has ended, as EventBridge does (again, each time it is called)."""
        for run in self.emr.runs.values():
            if self.emr.state_of(run) in ("SUCCESS", "FAILED", "CANCELLED"):
                body = json.dumps(self.emr.event_of(run))
                self.sqs.send_message(QueueUrl=self.settings.events_queue, MessageBody=body)

    def turn(self) -> None:
        """One turn of each of the worker's loops."""
        self.jobs.run_once(never)
        self.events.run_once(never)
        self.timer.run_once(never)

    def run_for(self, seconds: float, step_seconds: float = 5.0) -> None:
        """Let the worker's loops turn while time passes; events come only if `send_events` is called."""
        for _ in range(int(seconds / step_seconds)):
            self.turn()
            self.clock.forward(step_seconds)

    def job(self, job: Job) -> Job:
        """The job as it is stored now."""
        return self.store.get(job.job_id)

    def item(self, job: Job) -> Item:
        """The job's item, to be read or spoilt."""
        return self.dynamodb.items(self.settings.jobs_table)[job.job_id]

    def dead_letters(self) -> list[dict[str, Any]]:
        """What lies on the dead-letter queue."""
        return [json.loads(body) for body in self.sqs.bodies(self.settings.dead_letter_queue)]
