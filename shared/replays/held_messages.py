"""Reading a queue without losing anything: all of its messages in hand for a while, and every one given back.

SQS shows a message to nobody else while it is in hand. The hold is short and is renewed, so that what a killed
process held comes back soon.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from types import TracebackType

from shared.errors import QueueUnavailable
from shared.job_queue import JobQueue, Message

# Of one call, and of one batch.
MESSAGES_AT_ONCE = 10
# Long polling asks all of a queue's servers; without it SQS asks some, and a message may seem not to be there.
WAIT_SECONDS = 1
# A queue is read when this many rounds in a row brought nothing new.
ROUNDS_WITHOUT_NEWS = 2
# SQS lets 120,000 messages of a queue be in flight; this many fit into a process's memory.
MOST_MESSAGES = 20_000
# Renewed when this part of the hold has passed.
RENEWAL = 1 / 3


class HeldMessages:
    """The messages of one queue in hand. Use it in a `with` statement: its end gives back what is left."""

    def __init__(
        self,
        queue: JobQueue,
        hold_seconds: int,
        clock: Callable[[], datetime],
        renew_too: Callable[[], None] = lambda: None,
        most: int = MOST_MESSAGES,
    ) -> None:
        """`renew_too` is called whenever the hold may have to be renewed, for what else the caller has in hand."""
        self._queue = queue
        self._hold_seconds = hold_seconds
        self._clock = clock
        self._renew_too = renew_too
        self._most = most
        self._held: dict[str, Message] = {}
        self._renewed_at = clock()
        self.is_complete = False
        self.given_back = True

    def __enter__(self) -> "HeldMessages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    def read(self, progress: Callable[[int], None]) -> Iterator[Message]:
        """Every message of the queue, once each, up to a bound; `is_complete` says whether that was all.

        `progress` is told how many there are so far. Raises: QueueUnavailable.
        """
        quiet_rounds = 0
        while quiet_rounds < ROUNDS_WITHOUT_NEWS:
            if len(self._held) >= self._most:
                return
            received = self._queue.receive(MESSAGES_AT_ONCE, WAIT_SECONDS, self._hold_seconds)
            fresh = [message for message in received if message.message_id not in self._held]
            # One that comes again has a new receipt, and only that gives it back.
            self._held |= {message.message_id: message for message in received}
            quiet_rounds = 0 if fresh else quiet_rounds + 1
            yield from fresh
            self.renew()
            progress(len(self._held))
        self.is_complete = True

    def renew(self) -> None:
        """Keep what is in hand for longer, once a part of the hold has passed.

        Raises: QueueUnavailable, and what `renew_too` does.
        """
        self._renew_too()
        if self._clock() < self._renewed_at + timedelta(seconds=self._hold_seconds * RENEWAL):
            return
        self._renewed_at = self._clock()
        for batch in batches(list(self._held.values())):
            self._queue.release(batch, self._hold_seconds)

    def delete(self, message_id: str) -> None:
        """Take a message out of the queue for good. Raises: QueueUnavailable."""
        self._queue.delete([self._held[message_id]])
        del self._held[message_id]

    def _give_back(self) -> None:
        """Show all that is left to others again, at once; without SQS they come back when the hold ends."""
        try:
            for batch in batches(list(self._held.values())):
                self._queue.release(batch)
        except QueueUnavailable:
            self.given_back = False
        self._held.clear()


def batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """The messages, as many at a time as SQS takes."""
    for start in range(0, len(messages), MESSAGES_AT_ONCE):
        yield messages[start : start + MESSAGES_AT_ONCE]
