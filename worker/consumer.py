"""The two loops that take messages: submitted jobs, and events of runs. They never see a job's fields.

A message is deleted once its job has been read and its step returned: whatever remains to be done is in the
job's `due_at`. It stays in the queue on any error and comes back by itself.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from shared.bills import Usage
from shared.errors import JobNotFound, StoredJobUnreadable
from shared.job_queue import MESSAGE_SCHEMA_VERSION, JobQueue, Message
from shared.job_store import JobStore
from shared.redaction import clean_text
from shared.schema_versions import reads
from shared.settings import Settings
from shared.spark_runner import Run, SparkRunner, usage_from
from shared.tracing import message_span
from shared.transitions import JobStatus
from worker.advance import Advance
from worker.decide import NOTHING_YET
from worker.envelopes import unprocessable_envelope
from worker.metrics import DEAD_LETTERS, note_lag

log = structlog.get_logger()

# A message of a newer version waits for a newer worker.
NEWER_VERSION_WAIT_SECONDS = 60
EVENT_SOURCE = "aws.emr-serverless"
UTILIZATION = "EMR Serverless Job Resource Utilization Update"
JOB_ID_CHARACTERS = 36


@dataclass(frozen=True)
class RunEvent:
    """Which run to look at, and what EMR bills of it so far if the event says so.

    `is_last_bill`: the run is over and only its bill is told, which the timer asks for where it is owed.
    """

    application_id: str
    run_id: str
    usage: Usage | None = None
    is_last_bill: bool = False


class UnreadableMessage(Exception):
    """A message that can never be handled, and why."""


class NewerMessage(Exception):
    """A message of a version that this worker does not read."""


class JobsConsumer:
    """Takes one start permit, then one submitted job: a backlog waits in the queue, in its order."""

    name = "jobs"

    def __init__(
        self,
        queue: JobQueue,
        dead_letters: JobQueue,
        store: JobStore,
        advance: Advance,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._dead_letters = dead_letters
        self._store = store
        self._advance = advance
        self._settings = settings
        self._clock = clock
        self._permit = advance.new_permit()

    def run_once(self, stopping: Callable[[], bool]) -> bool:
        """Handle at most one job; False when no run may be started for now. Raises: ServiceUnavailable."""
        if not self._advance.may_start() or not self._permit.take():
            return False
        messages = self._queue.receive(1, self._settings.long_poll_seconds, self._settings.visibility_seconds)
        if stopping():
            self._queue.release(messages)
            return True
        for message in messages:
            note_lag(self.name, message, self._clock())
            handle_one(message, self._handle, self._queue, self._dead_letters)
        return True

    def _handle(self, message: Message) -> bool:
        job = self._store.get(job_id_of(message.body))
        if job.status is JobStatus.SUBMITTED:
            self._advance(job, NOTHING_YET, self._permit, mine=False)
        return True


class EventsConsumer:
    """Takes the ends of runs, and what live ones are billed. An event says which run to look at: it names no job."""

    name = "events"

    def __init__(
        self,
        queue: JobQueue,
        dead_letters: JobQueue,
        store: JobStore,
        runner: SparkRunner,
        advance: Advance,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._dead_letters = dead_letters
        self._store = store
        self._runner = runner
        self._advance = advance
        self._settings = settings
        self._clock = clock

    def run_once(self, stopping: Callable[[], bool]) -> bool:
        """Handle the events of one receive. Raises: ServiceUnavailable; what was not handled comes back."""
        wait, hidden = self._settings.long_poll_seconds, self._settings.visibility_seconds
        messages = self._queue.receive(self._settings.event_batch, wait, hidden)
        done: list[Message] = []
        try:
            for position, message in enumerate(messages):
                if stopping():
                    self._queue.release(messages[position:])
                    break
                note_lag(self.name, message, self._clock())
                if try_one(message, self._handle, self._queue, self._dead_letters):
                    done.append(message)
        finally:  # one event that fails must not bring back those that were handled
            self._queue.delete(done)
        return True

    def _handle(self, message: Message) -> bool:
        event = event_of(message.body)
        run = None if event.is_last_bill else self._runner.look(event.application_id, event.run_id)
        if not isinstance(run, Run):
            return True
        job_id, _, _ = run.name.partition(".")
        if len(job_id) != JOB_ID_CHARACTERS:
            return True  # a run that somebody else started
        try:
            job = self._store.get(job_id)
        except JobNotFound:
            return True
        seen = self._advance.observe(job, run.with_usage(event.usage))
        self._advance(job, seen, self._advance.new_permit(), mine=False)
        return True


def handle_one(message: Message, handle: Callable[[Message], bool], queue: JobQueue, dead_letters: JobQueue) -> None:
    """Handle one message, and delete it if that is all there is to do."""
    if try_one(message, handle, queue, dead_letters):
        queue.delete([message])


def try_one(message: Message, handle: Callable[[Message], bool], queue: JobQueue, dead_letters: JobQueue) -> bool:
    """Whether the message may be deleted. A bad one is set aside first; one that fails is left to come back."""
    try:
        with message_span(queue.name, message.message_id, message.traceparent):
            return handle(message)
    except UnreadableMessage as error:
        log.warning("message_set_aside", queue=queue.name, message_id=message.message_id, reason=str(error))
        dead_letters.send(unprocessable_envelope(message.message_id, queue.name, str(error), message.body))
        DEAD_LETTERS.labels("message").inc()
        return True
    except NewerMessage:
        queue.release([message], NEWER_VERSION_WAIT_SECONDS)
        return False
    except (JobNotFound, StoredJobUnreadable) as error:
        # SQS moves it to the dead-letter queue after its last receive.
        log.warning("message_left", queue=queue.name, message_id=message.message_id, reason=error.detail)
        return False


def job_id_of(body: str) -> str:
    """The job that a message of the jobs queue names. Raises: UnreadableMessage, NewerMessage."""
    message = _object(body)
    version = message.get("schemaVersion")
    if isinstance(version, int) and not reads(version, MESSAGE_SCHEMA_VERSION):
        raise NewerMessage
    if message.get("kind") != "job":
        raise UnreadableMessage(f"its kind is {message.get('kind')!r}, not 'job'")
    job_id = message.get("jobId")
    # One that is left to come back ends on the dead-letter queue as it is, so it must be an id at most.
    if not isinstance(job_id, str) or not job_id or clean_text(job_id) != job_id:
        raise UnreadableMessage("it names no jobId")
    return job_id


def event_of(body: str) -> RunEvent:
    """What an event says of which run. Raises: UnreadableMessage."""
    event = _object(body)
    detail = event.get("detail")
    if event.get("source") != EVENT_SOURCE or not isinstance(detail, dict):
        raise UnreadableMessage(f"it is no event of {EVENT_SOURCE}")
    application_id, run_id = detail.get("applicationId"), detail.get("jobRunId")
    if not isinstance(application_id, str) or not isinstance(run_id, str):
        raise UnreadableMessage("it names no applicationId and jobRunId")
    if event.get("detail-type") != UTILIZATION:
        return RunEvent(application_id, run_id)
    usage = usage_from(detail.get("totalBilledResourceUtilization"))
    return RunEvent(application_id, run_id, usage, detail.get("resourceUtilizationFinal") is True)


def _object(body: str) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage("it is not JSON") from error
    if not isinstance(message, dict):
        raise UnreadableMessage("it is no JSON object")
    return message
