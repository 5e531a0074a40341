"""The bucket of requests, by hand; and what is counted where."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.limits.rate_limit_table import AWAY_SECONDS, SharedLimiter
from shared.limits.rate_limiter import MOST_BUCKETS, LocalLimiter, RateLimiter
from shared.limits.rate_limits import SECOND, Rate, RouteClass, Spent, microseconds, rates_of, spend
from shared.settings import Settings
from tests.fakes.clock import NOON, Clock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.seam import Client, Seam, aws_error, no_connection

# Two a second, three at once: one grows back in half a second, all of them in one and a half.
RATE = Rate(RouteClass.WRITES, per_second=2, burst=3)
T0 = microseconds(NOON)
HALF = SECOND // 2
TABLE = "control"


@pytest.mark.parametrize(
    ("full_at", "now", "is_allowed", "full_after", "remaining", "full_in", "retry_in"),
    [
        # Nobody has asked yet, or not for long.
        (0, T0, True, T0 + HALF, 2, 1, None),
        (T0 - 1, T0, True, T0 + HALF, 2, 1, None),
        (T0, T0, True, T0 + HALF, 2, 1, None),
        # One and two are missing.
        (T0 + HALF, T0, True, T0 + 2 * HALF, 1, 1, None),
        (T0 + 2 * HALF, T0, True, T0 + 3 * HALF, 0, 2, None),
        # Both sides of the edge: the third is there, or a microsecond is missing to it.
        (T0 + 2 * HALF + 1, T0, False, T0 + 2 * HALF + 1, 0, 2, 1),
        (T0 + 3 * HALF, T0, False, T0 + 3 * HALF, 0, 2, 1),
        (T0 + 3 * HALF, T0 + HALF - 1, False, T0 + 3 * HALF, 0, 2, 1),
        (T0 + 3 * HALF, T0 + HALF, True, T0 + 4 * HALF, 0, 2, None),
        # A clock that is five seconds behind the one that counted before.
        (T0 + 3 * HALF + 5 * SECOND, T0, False, T0 + 3 * HALF + 5 * SECOND, 0, 7, 6),
    ],
)
def test_a_request_passes_while_one_is_left(full_at, now, is_allowed, full_after, remaining, full_in, retry_in):
    spent = spend(RATE, full_at, now)

    assert (spent.is_allowed, spent.full_at) == (is_allowed, full_after)
    assert (spent.remaining, spent.full_in_seconds) == (remaining, full_in)
    if not is_allowed:
        assert spent.retry_in_seconds == retry_in


@pytest.mark.parametrize(
    ("per_second", "burst", "interval", "window_seconds"),
    [(2, 3, HALF, 2), (50, 1000, 20_000, 20), (300, 1, 3334, 1), (0.01, 1, 100 * SECOND, 100), (3, 9, 333_334, 4)],
)
def test_a_rate_is_an_interval_and_a_window(per_second: float, burst: int, interval: int, window_seconds: int):
    rate = Rate(RouteClass.READS, per_second, burst)

    assert (rate.interval, rate.window_seconds) == (interval, window_seconds)


def test_a_refused_request_passes_exactly_when_it_was_told_to_come_back():
    refused = Spent(RATE, False, T0 + 3 * HALF, T0)

    assert not spend(RATE, refused.full_at, refused.retry_at - 1).is_allowed
    assert spend(RATE, refused.full_at, refused.retry_at).is_allowed


def test_however_requests_come_no_more_pass_than_the_rate_and_the_burst_allow():
    full_at, passed = 0, 0
    for tenth in range(100):  # ten seconds, ten requests a second
        spent = spend(RATE, full_at, T0 + tenth * SECOND // 10)
        full_at, passed = spent.full_at, passed + spent.is_allowed

    assert passed == 3 + 19, "the burst, and two a second after it"


def test_microseconds_lose_nothing():
    assert microseconds(datetime(2026, 11, 23, 12, 0, 0, 123457, UTC)) == T0 + 123457


def test_each_process_forgets_who_was_quiet_the_longest():
    limiter = LocalLimiter()
    limiter.spend(RATE, "quiet", T0)
    for number in range(MOST_BUCKETS - 1):
        limiter.spend(RATE, f"owner-{number}", T0)
    assert limiter.spend(RATE, "quiet", T0).remaining == 1

    limiter.spend(RATE, "one more", T0)

    assert limiter.full_at(RATE, "owner-0") == 0
    assert limiter.full_at(RATE, "quiet") > 0


def test_threads_of_a_process_share_its_buckets():
    limiter, rate = LocalLimiter(), Rate(RouteClass.READS, 0.01, 50)

    with ThreadPoolExecutor(16) as pool:
        passed = list(pool.map(lambda _: limiter.spend(rate, "ann", T0).is_allowed, range(500)))

    assert sum(passed) == 50


class Processes:
    """Two API processes over one table."""

    def __init__(self) -> None:
        self.seam, self.clock, self.dynamodb = Seam(), Clock(), FakeDynamoDB()
        client = Client(self.dynamodb, self.seam, self.clock)
        self.first, self.second = SharedLimiter(client, TABLE), SharedLimiter(client, TABLE)

    @property
    def now(self) -> int:
        return microseconds(self.clock())


def test_processes_share_a_limit_and_callers_do_not():
    each = Processes()

    passed = [limiter.spend(RATE, "ann", T0).is_allowed for limiter in (each.first, each.second) * 2]

    assert passed == [True, True, True, False]
    assert each.second.spend(RATE, "bob", T0).is_allowed
    assert each.second.spend(replace(RATE, route_class=RouteClass.UPLOADS), "ann", T0).is_allowed


def test_a_request_that_passes_costs_one_write():
    each = Processes()

    for _ in range(3):
        each.first.spend(RATE, "ann", T0)
    each.clock.forward(60)
    each.first.spend(RATE, "ann", each.now)

    assert each.seam.calls == ["update_item"] * 4


def test_a_flood_costs_no_writes_and_is_told_the_same_moment():
    each = Processes()
    for _ in range(4):
        each.first.spend(RATE, "ann", T0)
    before = len(each.seam.calls)

    told = {each.first.spend(RATE, "ann", T0 + n).retry_in_seconds for n in range(1000)}

    assert told == {1}
    assert len(each.seam.calls) == before
    assert each.first.spend(RATE, "ann", T0 + HALF).is_allowed


def test_a_process_that_knows_nothing_yet_guesses_wrong_once():
    each = Processes()
    each.first.spend(RATE, "ann", T0)
    before = len(each.seam.calls)

    remaining = [each.second.spend(RATE, "ann", T0).remaining for _ in range(2)]

    assert remaining == [1, 0]
    assert len(each.seam.calls) - before == 3, "one refused by its condition, and two that passed"


def test_an_item_goes_once_it_says_nothing():
    each = Processes()
    each.first.spend(RATE, "ann", T0)

    (item,) = each.dynamodb.items(TABLE).values()

    assert item["key"] == "RATE#writes#ann"
    assert item["expiresAt"] == T0 // SECOND + RATE.window_seconds + 60


@pytest.mark.parametrize("error", [no_connection(), aws_error("UpdateItem", "ValidationException")], ids=str)
def test_without_the_table_each_process_counts_by_itself_and_asks_again_later(error: Exception):
    each = Processes()
    each.seam.fail_before("update_item", error, times=99)

    passed = [each.first.spend(RATE, "ann", T0).is_allowed for _ in range(4)]

    assert passed == [True, True, True, False]
    assert len(each.seam.calls) == 1, "nobody waits for a table that is away"
    each.seam.before = lambda *_: None
    each.clock.forward(AWAY_SECONDS)
    assert each.first.spend(RATE, "ann", each.now).is_allowed
    assert len(each.seam.calls) == 2


def test_who_loses_every_race_passes_uncounted():
    each = Processes()

    def others_are_faster(operation: str, _arguments: object) -> None:
        item = each.dynamodb.items(TABLE).setdefault("RATE#writes#ann", {"key": "RATE#writes#ann", "fullAt": 0})
        item["fullAt"] = T0 + 1 if item["fullAt"] <= T0 else T0 - 1

    each.seam.before = others_are_faster

    assert each.first.spend(RATE, "ann", T0).is_allowed
    assert each.seam.calls == ["update_item"] * 3


def test_reads_and_logs_are_counted_in_the_process_and_the_rest_in_the_table():
    each = Processes()
    limiter = RateLimiter(rates_of(Settings()), LocalLimiter(), each.first)

    for route_class in RouteClass:
        limiter.spend(route_class, "ann", NOON)

    assert list(each.dynamodb.items(TABLE)) == ["RATE#writes#ann", "RATE#uploads#ann", "RATE#dashboards#ann"]


def test_each_class_has_the_rate_that_its_settings_say():
    settings = replace(
        Settings(), rate_reads_per_second=1.0, rate_writes_burst=2, rate_uploads_burst=3, rate_logs_burst=4
    )

    rates = rates_of(settings)

    assert {name: (rate.route_class, rate.per_second, rate.burst) for name, rate in rates.items()} == {
        RouteClass.READS: (RouteClass.READS, 1.0, settings.rate_reads_burst),
        RouteClass.WRITES: (RouteClass.WRITES, settings.rate_writes_per_second, 2),
        RouteClass.UPLOADS: (RouteClass.UPLOADS, settings.rate_uploads_per_second, 3),
        RouteClass.LOGS: (RouteClass.LOGS, settings.rate_logs_per_second, 4),
        RouteClass.DASHBOARDS: (RouteClass.DASHBOARDS, 0.1, 2),
    }
