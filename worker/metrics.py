"""What only workers count."""

from datetime import datetime

from prometheus_client import Counter, Histogram

from shared.job_metrics import seconds_between
from shared.job_queue import Message
from shared.metrics import METRICS

LAGS = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3600)

MESSAGE_LAG_SECONDS = Histogram(
    "cdp_message_lag_seconds",
    "From the sending of a message to each time that a worker takes it up",
    ["queue"],
    buckets=LAGS,
    registry=METRICS,
)
DUE_LAG_SECONDS = Histogram(
    "cdp_due_lag_seconds", "How long the jobs that the timer took over were due", buckets=LAGS, registry=METRICS
)
PERMIT_REFUSALS = Counter(
    "cdp_start_permit_refusals_total", "Times that a start had to wait for the fleet's pace", registry=METRICS
)
DEAD_LETTERS = Counter(
    "cdp_dead_letters_sent_total",
    "Messages sent to the dead-letter queue: failed jobs, and messages that nobody can read",
    ["kind"],
    registry=METRICS,
)


def note_lag(queue: str, message: Message, now: datetime) -> None:
    """A message of the queue of jobs or of events is taken up now."""
    if message.sent_at is not None:
        MESSAGE_LAG_SECONDS.labels(queue).observe(seconds_between(message.sent_at, now))
