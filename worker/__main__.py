"""The worker process: builds everything from the settings and runs it until it is told to stop."""

import os
import random
import signal
import sys
import threading
import time
from types import FrameType

import structlog

from shared.aws_clients import make_clients
from shared.config import ConfigurationError, read_settings
from shared.control_store import ControlStore
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.uploads import UploadStore
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.log_setup import set_up_logging
from shared.moments import utc_now
from shared.object_store import ObjectStore
from shared.settings import WORKER, Settings
from shared.spark_runner import SparkRunner
from shared.tracing import set_up_tracing
from shared.transitions import JobStatusTransitionValidator
from worker.advance import Advance
from worker.callback_keys import CallbackKeys
from worker.consumer import EventsConsumer, JobsConsumer
from worker.dataset_scans import DatasetScans
from worker.health import start_health_server
from worker.loops import Loop, run_until_stopped
from worker.start_gate import StartGate
from worker.timer import Timer

log = structlog.get_logger()


def build(settings: Settings, stop: threading.Event) -> tuple[list[Loop], StartGate]:
    """Every part of the worker, and its loops."""
    threads = settings.job_consumers + settings.event_consumers + 1
    clients = make_clients(settings, threads)
    gate = StartGate(utc_now, settings.hold_seconds)
    gate.watch_clock(clients.dynamodb)
    store = JobStore(clients.dynamodb, settings.jobs_table, settings.control_table, JobStatusTransitionValidator())
    control = ControlStore(
        clients.dynamodb,
        settings.control_table,
        settings.start_rate_per_second,
        settings.start_burst,
        pause=lambda tries: time.sleep(random.uniform(0.02, 0.05 * tries)),
    )
    runner = SparkRunner(clients.emr, clients.emr_start)

    def queue(name: str) -> JobQueue:
        return JobQueue(clients.sqs, clients.sqs_receive, name)

    jobs, events, dead = (queue(n) for n in (settings.jobs_queue, settings.events_queue, settings.dead_letter_queue))
    objects = ObjectStore(clients.s3)
    datasets = DatasetStore(clients.dynamodb, settings.datasets_table, settings.control_table)
    scans = DatasetScans(datasets, UploadStore(clients.s3), objects, settings)
    keys = CallbackKeys(ObjectStore(clients.s3_before_start), settings)
    advance = Advance(store, runner, objects, control, dead, scans, gate, keys, settings, utc_now)
    permit_pause = (1 / settings.start_rate_per_second, 5.0)
    loops = [
        Loop(
            f"jobs-{n}",
            JobsConsumer(jobs, dead, store, advance, settings, utc_now),
            lambda: random.uniform(*permit_pause),
            stop,
        )
        for n in range(settings.job_consumers)
    ]
    loops += [
        Loop(f"events-{n}", EventsConsumer(events, dead, store, runner, advance, settings, utc_now), lambda: 0.0, stop)
        for n in range(settings.event_consumers)
    ]
    timer = Timer(store, advance, settings, utc_now)
    return [*loops, Loop("timer", timer, lambda: settings.timer_seconds, stop)], gate


def main() -> int:
    """Run until SIGTERM or SIGINT; 0 when all steps in hand were finished in time."""
    try:
        settings = read_settings(WORKER)
    except ConfigurationError as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    set_up_logging(settings, WORKER)
    set_up_tracing(settings, WORKER)
    stop = threading.Event()

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    loops, gate = build(settings, stop)
    server = start_health_server(settings.health_port, loops, gate, settings.stale_seconds)
    log.info("worker_started", health_port=server.server_port, loops=[loop.name for loop in loops])
    drained = run_until_stopped(loops, stop, settings.drain_seconds)
    log.info("worker_stopped", drained=drained)
    return 0 if drained else 1


if __name__ == "__main__":
    sys.exit(main())
