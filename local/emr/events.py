"""The EventBridge side: an event for each run that ends, kept until SQS has taken it.

EventBridge sends to a queue at least once and tries for a day; the rule of the platform lets the three
terminal states through, so no others are made here.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
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
    return json.dumps(
        {
            "version": "0",
            "id": event_id,
            "detail-type": "EMR Serverless Job Run State Change",
            "source": "aws.emr-serverless",
            "account": ACCOUNT_ID,
            "time": iso(run.updated_ms)[:19] + "Z",
            "region": region,
            "resources": [],
            "detail": {
                "jobRunId": run.run_id,
                "applicationId": run.application_id,
                "arn": f"arn:aws:emr-serverless:{region}:{ACCOUNT_ID}:/applications/{run.application_id}"
                f"/jobruns/{run.run_id}",
                "releaseLabel": run.release_label,
                "state": run.state,
                "previousState": previous,
                "createdBy": f"arn:aws:iam::{ACCOUNT_ID}:root",
                "updatedAt": iso(run.updated_ms),
                "createdAt": iso(run.created_ms),
            },
        }
    )


class EventOutbox:
    """Keeps the event of each change that the rule lets through, with the faults that are in force."""

    def __init__(self, store: Store, faults: FaultBox, region: str, wake: Callable[[], None]) -> None:
        self._store, self._faults, self._region, self._wake = store, faults, region, wake

    def add(self, run: Run, previous: RunState) -> None:
        """Keep the event of `run` having come into its state, in the caller's transaction."""
        faults = self._faults.faults
        if not run.state.is_terminal or self._faults.happens(faults.events_lost):
            return
        body = envelope(run, previous, self._region, str(uuid.uuid4()))
        for _ in range(faults.event_copies):
            self._store.add_event(body, run.updated_ms + round(faults.events_late_seconds * 1000))
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
