"""Moments as this code writes them."""

from datetime import datetime, timezone


def utc_now() -> datetime:
    """The time, aware of being UTC."""
    return datetime.now(timezone.utc)


def as_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as the API writes it."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
