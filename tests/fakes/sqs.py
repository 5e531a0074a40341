"""SQS queues in memory: visibility, receive counts and redrive, on a virtual clock."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.moments import epoch_ms
from tests.fakes.clock import Clock
from tests.fakes.seam import aws_error


@dataclass
class StoredMessage:
    """A message as the queue keeps it."""

    message_id: str
    body: str
    visible_at: datetime
    receive_count: int = 0
    receipt: str = ""
    sent_at: datetime | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def attributes_of(message: StoredMessage) -> dict[str, str]:
    """What SQS knows of a message: when it was sent, unless a test put it here by itself."""
    return {} if message.sent_at is None else {"SentTimestamp": str(epoch_ms(message.sent_at))}


class FakeSQS:
    """Queues by name; a message received `most_receives` times goes to the dead-letter queue, if there is one.

    A standard queue may deliver a message several times, late, and in any order: `delays` gives the seconds after
    which each copy of a message that is sent to a queue can be received, `order` may reorder what a receive finds,
    `refuses` says which bodies of a batch are not taken, and `watch` sees every message that is sent.
    """

    def __init__(self, clock: Clock, queues: list[str], dead_letter_queue: str, most_receives: int = 10) -> None:
        self._clock = clock
        self.queues: dict[str, list[StoredMessage]] = {name: [] for name in [*queues, dead_letter_queue]}
        self._dead_letter_queue = dead_letter_queue
        self._most_receives = most_receives
        self._numbers = itertools.count(1)
        self.delays: Callable[[str], tuple[float, ...]] = lambda queue: (0.0,)
        self.order: Callable[[list[StoredMessage]], None] = lambda messages: None
        self.refuses: Callable[[str], bool] = lambda body: False
        self.watch: Callable[[str, str], None] = lambda queue, body: None

    def bodies(self, queue: str) -> list[str]:
        """The bodies of all messages of a queue, hidden ones too."""
        return [message.body for message in self.queues[queue]]

    def get_queue_url(self, QueueName: str) -> Any:
        """GetQueueUrl: the name is the URL."""
        if QueueName not in self.queues:
            raise aws_error("GetQueueUrl", "AWS.SimpleQueueService.NonExistentQueue")
        return {"QueueUrl": QueueName}

    def send_message(self, QueueUrl: str, MessageBody: str, MessageAttributes: Any = None) -> Any:
        """SendMessage."""
        message_id = f"message-{next(self._numbers)}"
        for delay in self.delays(QueueUrl):
            shown_at = self._clock() + timedelta(seconds=delay)
            message = StoredMessage(message_id, MessageBody, shown_at, sent_at=self._clock())
            message.attributes = dict(MessageAttributes or {})
            self.queues[QueueUrl].append(message)
        self.watch(QueueUrl, MessageBody)
        return {"MessageId": message_id}

    def send_message_batch(self, QueueUrl: str, Entries: Any) -> Any:
        """SendMessageBatch, of at most ten; an entry whose body `refuses` names is not taken."""
        if not 1 <= len(Entries) <= 10:
            raise aws_error("SendMessageBatch", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
        failed = [entry for entry in Entries if self.refuses(entry["MessageBody"])]
        for entry in Entries:
            if entry not in failed:
                self.send_message(QueueUrl, entry["MessageBody"], entry.get("MessageAttributes"))
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in failed]}

    def receive_message(
        self,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
        VisibilityTimeout: int,
        MessageSystemAttributeNames: Any,
        MessageAttributeNames: Any,
    ) -> Any:
        """ReceiveMessage; a wait that finds nothing takes no time here."""
        self._redrive(QueueUrl)
        visible = [message for message in self.queues[QueueUrl] if message.visible_at <= self._clock()]
        self.order(visible)
        taken = visible[:MaxNumberOfMessages]
        for message in taken:
            message.receive_count += 1
            message.receipt = f"{message.message_id}/{next(self._numbers)}"
            message.visible_at = self._clock() + timedelta(seconds=VisibilityTimeout)
        rows = [
            {
                "MessageId": m.message_id,
                "ReceiptHandle": m.receipt,
                "Body": m.body,
                "Attributes": attributes_of(m),
                "MessageAttributes": {n: a for n, a in m.attributes.items() if n in MessageAttributeNames},
            }
            for m in taken
        ]
        return {"Messages": rows} if rows else {}

    def delete_message_batch(self, QueueUrl: str, Entries: Any) -> Any:
        """DeleteMessageBatch; a stale receipt is accepted and deletes nothing, as SQS may do."""
        receipts = {entry["ReceiptHandle"] for entry in Entries}
        self.queues[QueueUrl] = [message for message in self.queues[QueueUrl] if message.receipt not in receipts]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def change_message_visibility_batch(self, QueueUrl: str, Entries: Any) -> Any:
        """ChangeMessageVisibilityBatch."""
        waits = {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in Entries}
        for message in self.queues[QueueUrl]:
            if message.receipt in waits:
                message.visible_at = self._clock() + timedelta(seconds=waits[message.receipt])
        return {}

    def _redrive(self, queue: str) -> None:
        if queue == self._dead_letter_queue:
            return
        spent = [
            m for m in self.queues[queue] if m.receive_count >= self._most_receives and m.visible_at <= self._clock()
        ]
        for message in spent:
            self.queues[queue] = [other for other in self.queues[queue] if other is not message]
            set_aside = StoredMessage(message.message_id, message.body, self._clock(), attributes=message.attributes)
            self.queues[self._dead_letter_queue].append(set_aside)
