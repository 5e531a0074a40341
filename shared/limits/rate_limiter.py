"""Counting requests against limits: those of reads in each process, those of writes for all processes together."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from shared.limits.rate_limits import Rate, RouteClass, Spent, microseconds, spend

# Of one process; the callers who were quiet the longest are forgotten first, and begin with a full bucket.
MOST_BUCKETS = 10_000


class Limiter(Protocol):
    """Decides about one request of a caller."""

    def spend(self, rate: Rate, owner_id: str, now: int) -> Spent:
        """Whether the request may pass, at `now` in microseconds."""


class LocalLimiter:
    """The buckets of one process."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, rate: Rate, owner_id: str, now: int) -> Spent:
        """As `Limiter.spend`; what other processes let through is not known."""
        key = bucket_key(rate, owner_id)
        with self._lock:
            spent = spend(rate, self._full_at.get(key, 0), now)
            self._remember(key, spent.full_at)
        return spent

    def full_at(self, rate: Rate, owner_id: str) -> int:
        """What is remembered of a bucket."""
        with self._lock:
            return self._full_at.get(bucket_key(rate, owner_id), 0)

    def learn(self, rate: Rate, owner_id: str, full_at: int) -> None:
        """Take over what somebody else knows of a bucket; the later moment is the newer one."""
        key = bucket_key(rate, owner_id)
        with self._lock:
            self._remember(key, max(full_at, self._full_at.get(key, 0)))

    def _remember(self, key: str, full_at: int) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MOST_BUCKETS:
            self._full_at.popitem(last=False)


class RateLimiter:
    """All limits: of each route class, for each caller."""

    def __init__(self, rates: Mapping[RouteClass, Rate], local: Limiter, shared: Limiter) -> None:
        self._rates = rates
        self._limiters = {
            RouteClass.READS: local,
            RouteClass.LOGS: local,
            RouteClass.WRITES: shared,
            RouteClass.UPLOADS: shared,
            RouteClass.DASHBOARDS: shared,
        }

    def spend(self, route_class: RouteClass, owner_id: str, now: datetime) -> Spent:
        """Count one request of a caller, if it may pass."""
        return self._limiters[route_class].spend(self._rates[route_class], owner_id, microseconds(now))


def bucket_key(rate: Rate, owner_id: str) -> str:
    """The key of a caller's bucket."""
    return f"RATE#{rate.route_class}#{owner_id}"
