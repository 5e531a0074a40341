"""When this process must not start anything: EMR gives no answers, it refuses us, or our clock is wrong."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = structlog.get_logger()

UNSURE_STARTS = 3
UNSURE_WINDOW = timedelta(seconds=60)
REFUSALS_IN_A_ROW = 5
# The protocol's fences allow for this much between two clocks.
MOST_SKEW = timedelta(seconds=10)


class StartGate:
    """Shut for a while after several starts without an answer, or several refusals that an operator must mend."""

    def __init__(self, clock: Callable[[], datetime], pause_seconds: float) -> None:
        self._clock = clock
        self._pause = timedelta(seconds=pause_seconds)
        self._lock = threading.Lock()
        self._unsure_at: deque[datetime] = deque(maxlen=UNSURE_STARTS)
        self._refusals = 0
        self._shut_until: datetime | None = None
        self.skew = timedelta()

    def is_open(self) -> bool:
        """Whether a run may be started now."""
        with self._lock:
            paused = self._shut_until is not None and self._clock() < self._shut_until
            return not paused and not self.clock_is_wrong

    @property
    def clock_is_wrong(self) -> bool:
        """Whether this machine's clock and DynamoDB's are further apart than the protocol allows."""
        return abs(self.skew) > MOST_SKEW

    def accepted(self) -> None:
        """A start was answered with a run."""
        with self._lock:
            self._refusals = 0
            self._unsure_at.clear()

    def unsure(self) -> None:
        """A start got no answer that says anything."""
        with self._lock:
            now = self._clock()
            self._unsure_at.append(now)
            if len(self._unsure_at) == UNSURE_STARTS and now - self._unsure_at[0] <= UNSURE_WINDOW:
                self._shut(now, "EMR Serverless does not answer starts")

    def refused(self) -> None:
        """A start was refused for a reason that lies with this platform, not with the job."""
        with self._lock:
            self._refusals += 1
            if self._refusals >= REFUSALS_IN_A_ROW:
                self._shut(self._clock(), "EMR Serverless refuses every start of this platform")

    def _shut(self, now: datetime, reason: str) -> None:
        self._shut_until = now + self._pause
        log.error("starting_paused", reason=reason, seconds=self._pause.total_seconds())

    def watch_clock(self, client: "DynamoDBClient") -> None:
        """Compare this machine's clock with the `Date` of every answer of DynamoDB; costs no call."""
        client.meta.events.register("after-call.dynamodb", self._note_date)

    def _note_date(self, parsed: Any, **_: Any) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if not date:
            return
        was_wrong, self.skew = self.clock_is_wrong, self._clock() - parsedate_to_datetime(date)
        if self.clock_is_wrong and not was_wrong:
            log.error("clock_is_wrong", skew_seconds=self.skew.total_seconds())
