"""One worker process on fake clients, built as `worker/__main__.py` builds the real one."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.aws_clients import ATTEMPTS, PUT_ATTEMPTS, START_ATTEMPTS
from shared.control_store import ControlStore
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.uploads import UploadStore
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.object_store import ObjectStore
from shared.settings import WORKER, Settings
from shared.spark_runner import SparkRunner
from shared.transitions import JobStatusTransitionValidator
from tests.fakes.settings import as_given_to
from worker.advance import Advance
from worker.callback_keys import CallbackKeys
from worker.consumer import EventsConsumer, JobsConsumer
from worker.dataset_scans import DatasetScans
from worker.start_gate import StartGate
from worker.timer import Timer

# Makes a client of a fake service that sends a call so many times.
MakeClient = Callable[[Any, int], Any]


class FakeWorker:
    """All parts of a worker; it remembers nothing of any before it."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        client: MakeClient,
        services: Any,
        shuffle: Callable[[list[str]], None],
        new_rev: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """`services` has the fakes: dynamodb, sqs, emr and s3."""
        settings = as_given_to(WORKER, settings)
        dynamodb, sqs = client(services.dynamodb, ATTEMPTS), client(services.sqs, ATTEMPTS)

        def queue(name: str) -> JobQueue:
            return JobQueue(sqs, sqs, name)

        self.gate = StartGate(clock, settings.hold_seconds)
        self.gate.watch_clock(dynamodb)
        self.store = JobStore(
            dynamodb, settings.jobs_table, settings.control_table, JobStatusTransitionValidator(), new_rev
        )
        self.control = ControlStore(
            dynamodb, settings.control_table, settings.start_rate_per_second, settings.start_burst, lambda tries: None
        )
        self.runner = SparkRunner(client(services.emr, ATTEMPTS), client(services.emr, START_ATTEMPTS))
        s3 = client(services.s3, ATTEMPTS)
        objects = ObjectStore(s3)
        datasets = DatasetStore(dynamodb, settings.datasets_table, settings.control_table, lambda tries: None)
        scans = DatasetScans(datasets, UploadStore(s3), objects, settings)
        jobs, events = queue(settings.jobs_queue), queue(settings.events_queue)
        dead = queue(settings.dead_letter_queue)
        keys = CallbackKeys(ObjectStore(client(services.s3, PUT_ATTEMPTS)), settings)
        self.advance = Advance(
            self.store, self.runner, objects, self.control, dead, scans, self.gate, keys, settings, clock
        )
        self.jobs = JobsConsumer(jobs, dead, self.store, self.advance, settings, clock)
        self.events = EventsConsumer(events, dead, self.store, self.runner, self.advance, settings, clock)
        self.timer = Timer(self.store, self.advance, settings, clock, shuffle=shuffle)
