"""The EventBridge side: events of runs that end or are at work, kept until SQS has taken them.

EventBridge sends to a queue at least once and tries for a day; the rules of the platform let the three terminal
states through, and what live runs are billed, so no others are made here.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.emr.faults import FaultBox
from local.emr.runs import Run, RunState
from local.emr.store import Store, StoredEvent
from local.settings import ACCOUNT_ID

log = logging.getLogger(__name__)
BATCH = 10  # SQS takes no more in one call
LONGEST_WAIT_SECONDS = 5.0
FIRST_RETRY_MS, LAST_RETRY_MS = 200, 5_000


def iso(epoch_ms: int) -> str:
    """A time as events write it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def envelope(run: Run, previous: RunState, region: str, event_id: str) -> str:
    """The event of a run that came into its state, as EventBridge delivers it."""
    detail = {
        "jobRunId": run.run_id,
        "applicationId": run.application_id,
        "arn": arn(run, region),
        "releaseLabel": run.release_label,
        "state": run.state,
        "previousState": previous,
        "createdBy": f"arn:aws:iam::{ACCOUNT_ID}:root",
        "updatedAt": iso(run.updated_ms),
        "createdAt": iso(run.created_ms),
    }
    return _event("EMR Serverless Job Run State Change", detail, run.updated_ms, [], region, event_id)


def utilization_envelope(run: Run, now_ms: int, figures: Mapping[str, Any], region: str, event_id: str) -> str:
    """The event of what a run used and is billed so far, as EventBridge delivers it."""
    detail = {
        "applicationId": run.application_id,
        "jobRunId": run.run_id,
        "attempt": 1,
        "mode": run.request.get("mode", "BATCH"),
        "createdAt": iso(run.created_ms),
        "startedAt": iso(run.started_ms or now_ms),
        "calculatedFrom": iso(run.started_ms or now_ms),
        "calculatedTo": iso(now_ms),
        **figures,
    }
    kind = "EMR Serverless Job Resource Utilization Update"
    return _event(kind, detail, now_ms, [arn(run, region)], region, event_id)


def arn(run: Run, region: str) -> str:
    """A run's ARN."""
    return f"arn:aws:emr-serverless:{region}:{ACCOUNT_ID}:/applications/{run.application_id}/jobruns/{run.run_id}"


def _event(
    kind: str, detail: Mapping[str, Any], at_ms: int, resources: Sequence[str], region: str, event_id: str
) -> str:
    return json.dumps(
        {
            "version": "0",
            "id": event_id,
            "detail-type": kind,
            "source": "aws.emr-serverless",
            "account": ACCOUNT_ID,
            "time": iso(at_ms)[:19] + "Z",
            "region": region,
            "resources": resources,
            "detail": detail,
        }
    )


class EventOutbox:
    """Keeps the event of each change that the rule lets through, with the faults that are in force."""

    def __init__(self, store: Store, faults: FaultBox, region: str, wake: Callable[[], None]) -> None:
        self._store, self._faults, self._region, self._wake = store, faults, region, wake

    def add(self, run: Run, previous: RunState) -> None:
        """Keep the event of `run` having come into its state, in the caller's transaction."""
        if run.state.is_terminal:
            self._keep(envelope(run, previous, self._region, str(uuid.uuid4())), run.updated_ms)

    def add_utilization(self, run: Run, now_ms: int, figures: Mapping[str, Any]) -> None:
        """Keep the event of what a run that is at work used and is billed so far."""
        self._keep(utilization_envelope(run, now_ms, figures, self._region, str(uuid.uuid4())), now_ms)

    def _keep(self, body: str, at_ms: int) -> None:
        faults = self._faults.faults
        if self._faults.happens(faults.events_lost):
            return
        for _ in range(faults.event_copies):
            self._store.add_event(body, at_ms + round(faults.events_late_seconds * 1000))
        self._wake()


class EventSender:
    """One thread that sends what the outbox holds to the queue, for as long as it takes."""

    def __init__(self, store: Store, queue_name: str, now_ms: Callable[[], int]) -> None:
        self._store, self._queue_name, self._now_ms = store, queue_name, now_ms
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._client: Any = None
        self._queue_url = ""

    def start(self) -> None:
        """Begin sending."""
        threading.Thread(target=self._run, name="event-sender", daemon=True).start()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    def stop(self) -> None:
        """Send no more; what is left stays in the outbox."""
        self._stopped.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                events = self._store.due_events(self._now_ms(), BATCH)
                if events:
                    self._send(events)
                    continue
            except Exception:  # the outermost loop: the thread must live, the events are still stored
                log.exception("the event sender failed")
            self._wake.wait(self._seconds_to_wait())

    def _seconds_to_wait(self) -> float:
        due = self._store.next_event_ms()
        if due is None:
            return LONGEST_WAIT_SECONDS
        return min(LONGEST_WAIT_SECONDS, max(0.01, (due - self._now_ms()) / 1000))

    def _send(self, events: Sequence[StoredEvent]) -> None:
        entries = [{"Id": str(event.event_id), "MessageBody": event.body} for event in events]
        try:
            answer = self._sqs().send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            log.info("events wait, since SQS cannot be reached: %s", error)
            self._postpone(events)
            return
        sent = {entry["Id"] for entry in answer.get("Successful", [])}
        self._store.forget_events([event for event in events if str(event.event_id) in sent])
        self._postpone([event for event in events if str(event.event_id) not in sent])

    def _postpone(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            delay_ms = min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(event.tries, 10))
            self._store.postpone_event(event, self._now_ms() + delay_ms)

    def _sqs(self) -> Any:
        if self._client is None:
            config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
            client = boto3.client("sqs", config=config)
            self._queue_url = client.get_queue_url(QueueName=self._queue_name)["QueueUrl"]
            self._client = client
        return self._client
