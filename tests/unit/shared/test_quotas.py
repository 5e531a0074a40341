"""How much each owner may use, and what a refusal says. The counting itself is held by the contract of the store."""

from datetime import datetime, timedelta

import pytest

from shared.errors import QuotaExceeded
from shared.limits.quotas import Quota, day_of, limits_of, midnight_after, refuse_excess, usage_of, wait_for
from shared.moments import epoch_ms
from shared.settings import Settings
from tests.fakes.clock import NOON

LIMITS = {Quota.ACTIVE_JOBS: 3, Quota.SUBMISSIONS: 10, Quota.UPLOAD_BYTES: 1000, Quota.UPLOADS: 2}
TODAY = day_of(NOON)
YESTERDAY = day_of(NOON - timedelta(days=1))
TOMORROW = day_of(NOON + timedelta(days=1))


def item(day: str = TODAY, **changes: object) -> dict[str, object]:
    counts = {"activeJobs": 1, "submissionsToday": 2, "uploadBytesToday": 3, "openUploads": {}}
    return {"key": "QUOTA#me", "day": day, **counts, **changes}


@pytest.mark.parametrize(
    ("stored", "used"),
    [
        (None, (0, 0, 0)),
        (item(), (1, 2, 3)),
        (item(YESTERDAY), (1, 0, 0)),
        (item(TOMORROW), (1, 2, 3)),  # somebody whose clock is ahead has begun the day
        ({"key": "QUOTA#me", "activeJobs": -1}, (-1, 0, 0)),  # a job ended that was never counted
    ],
)
def test_what_was_counted_on_an_older_day_is_over_and_active_jobs_go_on(stored, used):
    usage = usage_of(stored, NOON).used

    assert (usage[Quota.ACTIVE_JOBS], usage[Quota.SUBMISSIONS], usage[Quota.UPLOAD_BYTES]) == used


def test_an_upload_is_open_until_it_expires():
    in_time, late = epoch_ms(NOON) + 1, epoch_ms(NOON)

    usage = usage_of(item(openUploads={"a": in_time, "b": late}), NOON)

    assert (usage.used[Quota.UPLOADS], list(usage.uploads)) == (1, ["a"])


@pytest.mark.parametrize(
    ("quota", "used", "more", "is_refused"),
    [
        (Quota.ACTIVE_JOBS, 2, 1, False),
        (Quota.ACTIVE_JOBS, 3, 1, True),
        (Quota.SUBMISSIONS, 9, 1, False),
        (Quota.SUBMISSIONS, 10, 1, True),
        (Quota.UPLOAD_BYTES, 400, 600, False),
        (Quota.UPLOAD_BYTES, 400, 601, True),
        (Quota.UPLOADS, 1, 1, False),
        (Quota.UPLOADS, 2, 1, True),
    ],
)
def test_a_limit_can_be_reached_and_not_passed(quota, used, more, is_refused):
    uploads = {str(number): epoch_ms(NOON) + 1 for number in range(used if quota is Quota.UPLOADS else 0)}
    usage = usage_of(item(**{str(quota): used} | {"openUploads": uploads}), NOON)

    if not is_refused:
        refuse_excess(usage, {quota: more}, LIMITS, NOON)
        return
    with pytest.raises(QuotaExceeded) as refusal:
        refuse_excess(usage, {quota: more}, LIMITS, NOON)

    assert refusal.value.facts == {"quota": {"name": str(quota), "limit": LIMITS[quota], "used": used}}


@pytest.mark.parametrize(
    ("quota", "at", "seconds"),
    [
        (Quota.SUBMISSIONS, NOON, 12 * 3600),
        (Quota.UPLOAD_BYTES, NOON.replace(hour=23, minute=59, second=59, microsecond=500_000), 1),
        (Quota.SUBMISSIONS, NOON.replace(hour=0), 24 * 3600),
        (Quota.ACTIVE_JOBS, NOON, 30),
        (Quota.UPLOADS, NOON, 30),
    ],
)
def test_a_refusal_says_when_to_ask_again(quota: Quota, at: datetime, seconds: int):
    assert wait_for(quota, at) == seconds


def test_the_sentence_says_which_limit_how_much_is_used_and_when_there_is_more():
    usage = usage_of(item(submissionsToday=10), NOON)

    with pytest.raises(QuotaExceeded) as refusal:
        refuse_excess(usage, {Quota.ACTIVE_JOBS: 1, Quota.SUBMISSIONS: 1}, LIMITS, NOON)

    when = f"{midnight_after(NOON):%Y-%m-%dT%H:%M:%SZ}"
    assert refusal.value.detail == (
        f"Each owner may have 10 submissions a day; 10 are used. The count begins anew at {when}."
    )


def test_every_quota_has_a_setting():
    assert set(limits_of(Settings())) == set(Quota)
