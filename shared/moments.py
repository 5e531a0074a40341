"""Points in time: aware UTC datetimes to the millisecond in here, milliseconds since 1970 in items."""

from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    """The time, in UTC and to the millisecond, which is what an item can hold."""
    return from_epoch_ms(int(datetime.now(UTC).timestamp() * 1000))


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime."""
    return round(moment.timestamp() * 1000)


def from_epoch_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)
