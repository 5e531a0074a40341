"""The composition root of the operators' commands: AWS by the settings, and who is at work."""

import getpass
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import click
import structlog

from shared.aws_clients import make_clients
from shared.config import read_settings
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.moments import utc_now
from shared.replays.replay_lease import ReplayLease
from shared.settings import OPERATOR, Settings
from shared.spark_runner import SparkRunner
from shared.transitions import JobStatusTransitionValidator


@dataclass(frozen=True)
class Aws:
    """What operators work on. `lease` makes the lease of the dead-letter queue, kept for so many seconds."""

    settings: Settings
    store: JobStore
    jobs_queue: JobQueue
    dead_letters: JobQueue
    runner: SparkRunner
    lease: Callable[[int], ReplayLease]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    operator: str


def aws_of(context: click.Context) -> Aws:
    """AWS for a command; connected when it is asked for, so that the others need no settings."""
    if not isinstance(context.obj, Aws):
        context.obj = connect()
    return context.obj


def connect() -> Aws:
    """The real services, none of which is asked for anything yet. Raises: ConfigurationError."""
    settings = read_settings(OPERATOR)
    # Stdout is for results.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    clients = make_clients(settings, threads=1)
    operator = f"{user_name()}@{socket.gethostname()}"

    def lease(keep_seconds: int) -> ReplayLease:
        holder = f"{operator} (process {os.getpid()})"
        return ReplayLease(clients.dynamodb, settings.control_table, holder, keep_seconds, utc_now)

    def queue(name: str) -> JobQueue:
        return JobQueue(clients.sqs, clients.sqs_receive, name)

    return Aws(
        settings=settings,
        store=JobStore(clients.dynamodb, settings.jobs_table, settings.control_table, JobStatusTransitionValidator()),
        jobs_queue=queue(settings.jobs_queue),
        dead_letters=queue(settings.dead_letter_queue),
        runner=SparkRunner(clients.emr, clients.emr_start),
        lease=lease,
        clock=utc_now,
        pause=time.sleep,
        operator=operator,
    )


def user_name() -> str:
    """Who is at work; in a container the user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
