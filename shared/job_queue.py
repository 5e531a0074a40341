"""SQS behind our words. A message is only a hint to look at a job, so nothing here knows what a job is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from shared import tracing
from shared.errors import QueueUnavailable
from shared.moments import from_epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = structlog.get_logger()

MESSAGE_SCHEMA_VERSION = 1
# Of one call of SQS.
BATCH = 10
# The attribute of a message by which its receiver goes on with the trace.
TRACEPARENT = "traceparent"


@dataclass(frozen=True)
class Message:
    """A received message; `receipt` is what deletes it or gives it back. `sent_at` is None where SQS did not say, and
    `traceparent` where it was sent outside of traces.
    """

    message_id: str
    receipt: str
    body: str
    sent_at: datetime | None = None
    traceparent: str | None = None


@contextmanager
def queue_errors() -> Iterator[None]:
    """Translate every error of SQS: all are worth another try, since a message is never half-sent."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise QueueUnavailable(f"SQS did not answer: {error}") from error


class JobQueue:
    """One queue, by name. Its URL is asked for once, at the first use, so that a process starts without SQS."""

    def __init__(self, client: "SQSClient", receiver: "SQSClient", name: str) -> None:
        self._client = client
        self._receiver = receiver
        self.name = name
        self._known_url: str | None = None

    def _url(self) -> str:
        if self._known_url is None:
            self._known_url = self._client.get_queue_url(QueueName=self.name)["QueueUrl"]
        return self._known_url

    def send(self, body: Mapping[str, Any], attributes: Mapping[str, str] | None = None) -> None:
        """Send one message, a JSON object. Raises: QueueUnavailable."""
        with queue_errors():
            self._client.send_message(QueueUrl=self._url(), **_outgoing(body, attributes or {}))

    def send_all(self, bodies: Sequence[Mapping[str, Any]], attributes: Mapping[str, str]) -> list[int]:
        """Send many messages, ten in a call: the positions of those that SQS did not take, or not for certain.

        Once a call fails, the rest is not tried. Raises nothing.
        """
        left: list[int] = []
        for start in range(0, len(bodies), BATCH):
            try:
                left += [start + position for position in self._send_batch(bodies[start : start + BATCH], attributes)]
            except QueueUnavailable as error:
                log.warning("messages_not_sent", queue=self.name, count=len(bodies) - start, reason=error.detail)
                return [*left, *range(start, len(bodies))]
        return left

    def _send_batch(self, bodies: Sequence[Mapping[str, Any]], attributes: Mapping[str, str]) -> list[int]:
        entries: Any = [{"Id": str(n), **_outgoing(body, attributes)} for n, body in enumerate(bodies)]
        with queue_errors():
            answer = self._client.send_message_batch(QueueUrl=self._url(), Entries=entries)
        return sorted(int(entry["Id"]) for entry in answer.get("Failed", []))

    def receive(self, most: int, wait_seconds: int, visibility_seconds: int) -> list[Message]:
        """Up to `most` messages, hidden from others for a while; none after the wait. Raises: QueueUnavailable."""
        with queue_errors():
            answer = self._receiver.receive_message(
                QueueUrl=self._url(),
                MaxNumberOfMessages=most,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_seconds,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=[TRACEPARENT],
            )
        return [_message(row) for row in answer.get("Messages", [])]

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete up to ten messages; one that stays comes back and finds nothing to do. Raises: QueueUnavailable."""
        if not messages:
            return
        entries: Any = [{"Id": str(n), "ReceiptHandle": message.receipt} for n, message in enumerate(messages)]
        with queue_errors():
            answer = self._client.delete_message_batch(QueueUrl=self._url(), Entries=entries)
            left = {entry["Id"] for entry in answer.get("Failed", [])}
            if left:
                again = [entry for entry in entries if entry["Id"] in left]
                self._client.delete_message_batch(QueueUrl=self._url(), Entries=again)

    def release(self, messages: Sequence[Message], after_seconds: int = 0) -> None:
        """Let others have up to ten messages, at once or after a while. Raises: QueueUnavailable."""
        if not messages:
            return
        entries: Any = [
            {"Id": str(n), "ReceiptHandle": message.receipt, "VisibilityTimeout": after_seconds}
            for n, message in enumerate(messages)
        ]
        with queue_errors():
            self._client.change_message_visibility_batch(QueueUrl=self._url(), Entries=entries)


def _message(row: Mapping[str, Any]) -> Message:
    sent_ms = row.get("Attributes", {}).get("SentTimestamp")
    sent_at = None if sent_ms is None else from_epoch_ms(int(sent_ms))
    traceparent = row.get("MessageAttributes", {}).get(TRACEPARENT, {}).get("StringValue")
    return Message(row["MessageId"], row["ReceiptHandle"], row["Body"], sent_at, traceparent)


def _outgoing(body: Mapping[str, Any], attributes: Mapping[str, str]) -> dict[str, Any]:
    """What SendMessage and each entry of SendMessageBatch have in common; the current trace goes with it."""
    traceparent = tracing.carried()
    attributes = {**attributes, **({TRACEPARENT: traceparent} if traceparent else {})}
    return {
        "MessageBody": json.dumps(body, ensure_ascii=False),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }


def job_message(job_id: str) -> dict[str, Any]:
    """The hint that a job waits: everything else is in its item."""
    return {"schemaVersion": MESSAGE_SCHEMA_VERSION, "kind": "job", "jobId": job_id}
