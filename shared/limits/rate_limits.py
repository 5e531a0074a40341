"""How often somebody may ask: a bucket of requests that fills up again by itself (GCRA). Pure.

All that has to be remembered of a bucket is one moment, `full_at`: when it will be full again. Each request that is let
through moves it by what one request takes to grow back. One that would move it too far ahead is refused, and when it
would be let through is known exactly. All moments are microseconds since 1970, since items hold whole numbers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000


class RouteClass(StrEnum):
    """Routes that share a limit, as headers and problems name it."""

    READS = "reads"
    WRITES = "writes"
    UPLOADS = "uploads"
    LOGS = "logs"
    DASHBOARDS = "dashboards"


@dataclass(frozen=True)
class Rate:
    """How many requests grow back a second, and how many may come at once."""

    route_class: RouteClass
    per_second: float
    burst: int

    @property
    def interval(self) -> int:
        """What one request takes to grow back, in microseconds."""
        return -int(-SECOND // self.per_second)

    @property
    def window_seconds(self) -> int:
        """What the whole burst takes to grow back."""
        return -(-self.burst * self.interval // SECOND)


@dataclass(frozen=True)
class Spent:
    """What became of a request at `now`: whether it may pass, and when its bucket will be full again."""

    rate: Rate
    is_allowed: bool
    full_at: int
    now: int

    @property
    def remaining(self) -> int:
        """How many more requests may come at once."""
        missing = max(0, self.full_at - self.now)
        return max(0, self.rate.burst - -(-missing // self.rate.interval))

    @property
    def full_in_seconds(self) -> int:
        """How long it takes until as many requests as ever may come at once."""
        return max(0, -(-(self.full_at - self.now) // SECOND))

    @property
    def retry_at(self) -> int:
        """When the next request would be let through."""
        return self.full_at + self.rate.interval - self.rate.burst * self.rate.interval

    @property
    def retry_in_seconds(self) -> int:
        """How long a refused client has to wait, in the whole seconds of Retry-After."""
        return max(1, -(-(self.retry_at - self.now) // SECOND))


def spend(rate: Rate, full_at: int, now: int) -> Spent:
    """Take one request out of a bucket that will be full at `full_at`; 0 is one that nobody has used."""
    wanted = Spent(rate, True, max(full_at, now) + rate.interval, now)
    if wanted.full_at <= now + rate.burst * rate.interval:
        return wanted
    return Spent(rate, False, full_at, now)


def microseconds(moment: datetime) -> int:
    """A moment as buckets count."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def rates_of(settings: Settings) -> dict[RouteClass, Rate]:
    """How often each caller may ask."""
    return {
        RouteClass.READS: Rate(RouteClass.READS, settings.rate_reads_per_second, settings.rate_reads_burst),
        RouteClass.WRITES: Rate(RouteClass.WRITES, settings.rate_writes_per_second, settings.rate_writes_burst),
        RouteClass.UPLOADS: Rate(RouteClass.UPLOADS, settings.rate_uploads_per_second, settings.rate_uploads_burst),
        RouteClass.LOGS: Rate(RouteClass.LOGS, settings.rate_logs_per_second, settings.rate_logs_burst),
        RouteClass.DASHBOARDS: Rate(
            RouteClass.DASHBOARDS, settings.rate_dashboards_per_second, settings.rate_dashboards_burst
        ),
    }
