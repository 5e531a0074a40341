"""How many calls of each operation AWS lets through: one token bucket for each operation."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.settings import LocalSettings


@dataclass(frozen=True)
class Rate:
    """Calls a second in the long run, and calls at once."""

    per_second: float
    burst: int


class Throttle:
    """Says of each call whether it is within its operation's rate. `clock` gives seconds and never goes back."""

    def __init__(self, rates: Mapping[str, Rate], others: Rate, clock: Callable[[], float]) -> None:
        self._rates, self._others, self._clock = rates, others, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # operation -> (tokens, when they were counted)
        self._lock = threading.Lock()

    def allows(self, operation: str) -> bool:
        """Whether this call goes through; if so, it is counted."""
        rate = self._rates.get(operation, self._others)
        with self._lock:
            now = self._clock()
            tokens, counted_at = self._buckets.get(operation, (float(rate.burst), now))
            tokens = min(rate.burst, tokens + (now - counted_at) * rate.per_second)
            allowed = tokens >= 1
            self._buckets[operation] = (tokens - 1 if allowed else tokens, now)
            return allowed


def make_throttle(settings: LocalSettings, clock: Callable[[], float]) -> Throttle:
    """The throttle that the settings describe; AWS's limits by default."""
    rates = {
        "StartJobRun": Rate(settings.start_rate, settings.start_burst),
        "GetJobRun": Rate(settings.get_rate, settings.get_burst),
        "ListJobRuns": Rate(settings.list_rate, settings.list_burst),
        "CancelJobRun": Rate(settings.cancel_rate, settings.cancel_burst),
        "GetDashboardForJobRun": Rate(settings.dashboard_rate, settings.dashboard_burst),
    }
    return Throttle(rates, Rate(settings.other_rate, settings.other_burst), clock)
