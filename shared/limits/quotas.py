"""What an owner uses, and how much each owner may use. Pure; the items are in shared/limits/quota_items.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from shared.errors import QuotaExceeded
from shared.models import Item
from shared.moments import from_epoch_ms
from shared.settings import Settings


class Quota(StrEnum):
    """What is limited for each owner, as the item and clients name it."""

    ACTIVE_JOBS = "activeJobs"
    SUBMISSIONS = "submissionsToday"
    UPLOAD_BYTES = "uploadBytesToday"
    UPLOADS = "openUploads"


BY_THE_DAY = frozenset({Quota.SUBMISSIONS, Quota.UPLOAD_BYTES})
MEANINGS: Mapping[Quota, str] = {
    Quota.ACTIVE_JOBS: "jobs that have not ended",
    Quota.SUBMISSIONS: "submissions a day",
    Quota.UPLOAD_BYTES: "bytes registered for upload a day",
    Quota.UPLOADS: "uploads that are neither complete nor expired",
}
# Nobody knows when a job ends. Who asks again after this time loses little.
UNKNOWN_WAIT = timedelta(seconds=30)
WHEN: Mapping[Quota, str] = {
    Quota.ACTIVE_JOBS: "There is room again when one of them ends.",
    Quota.UPLOADS: "There is room again when one of them is complete or expires.",
}


@dataclass(frozen=True)
class Usage:
    """What an owner uses at a moment; `uploads` are the open ones, by when each expires."""

    used: Mapping[Quota, int]
    uploads: Mapping[str, datetime]


def limits_of(settings: Settings) -> dict[Quota, int]:
    """What each owner may use."""
    return {
        Quota.ACTIVE_JOBS: settings.quota_active_jobs,
        Quota.SUBMISSIONS: settings.quota_submissions_per_day,
        Quota.UPLOAD_BYTES: settings.quota_upload_bytes_per_day,
        Quota.UPLOADS: settings.quota_open_uploads,
    }


def usage_of(item: Item | None, now: datetime) -> Usage:
    """What an owner's item says; without one nothing was ever used. What an older day counted is over."""
    item = item or {}
    is_today = is_open(item, now)
    uploads = {name: from_epoch_ms(at) for name, at in item.get(Quota.UPLOADS, {}).items()}
    open_uploads = {name: at for name, at in uploads.items() if at > now}
    used = {
        quota: item.get(quota, 0) for quota in (Quota.ACTIVE_JOBS, *BY_THE_DAY) if is_today or quota not in BY_THE_DAY
    }
    return Usage({**dict.fromkeys(Quota, 0), **used, Quota.UPLOADS: len(open_uploads)}, open_uploads)


def is_open(item: Item, now: datetime) -> bool:
    """Whether the item counts this day. A process whose clock is behind counts in the day that others have begun."""
    return bool(item.get("day", "") >= day_of(now))


def refuse_excess(usage: Usage, wanted: Mapping[Quota, int], limits: Mapping[Quota, int], now: datetime) -> None:
    """Return if all of `wanted` fits into the limits. Raises: QuotaExceeded for the first that does not."""
    for quota, more in wanted.items():
        if usage.used[quota] + more > limits[quota]:
            raise QuotaExceeded(
                f"Each owner may have {limits[quota]} {MEANINGS[quota]}; {usage.used[quota]} are used. "
                + (WHEN.get(quota) or f"The count begins anew at {midnight_after(now):%Y-%m-%dT%H:%M:%SZ}."),
                quota=str(quota),
                limit=limits[quota],
                used=usage.used[quota],
                retry_after_seconds=wait_for(quota, now),
            )


def wait_for(quota: Quota, now: datetime) -> int:
    """How long to wait before asking for more again, in whole seconds."""
    wait = midnight_after(now) - now if quota in BY_THE_DAY else UNKNOWN_WAIT
    return -(-wait // timedelta(seconds=1))


def day_of(now: datetime) -> str:
    """The day in UTC, as items name it; later days are larger texts."""
    return now.astimezone(UTC).date().isoformat()


def midnight_after(now: datetime) -> datetime:
    """When the day ends in UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
