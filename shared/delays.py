"""Why the next start of a job waits, as the write that made it wait says. Plain frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.moments import epoch_ms, from_epoch_ms


class DelayCause(StrEnum):
    """What keeps a worker from starting the job's next run."""

    START_PACING = "start-pacing"  # no permit was free
    EMR_CAPACITY = "emr-capacity"  # EMR took no more starts, or its run found no workers
    EMR_REFUSAL = "emr-refusal"  # EMR refuses this platform, which its operators must mend
    BACKOFF = "backoff"  # a failure that may pass is given time to


@dataclass(frozen=True)
class StartDelay:
    """Why, since when, and until when at least. What the cause's words were is the job's `status_message`."""

    cause: DelayCause
    since: datetime
    until: datetime


def delayed(known: StartDelay | None, cause: DelayCause, now: datetime, until: datetime) -> StartDelay:
    """The delay until `until`; it began before if the one that is known has the same cause."""
    since = known.since if known is not None and known.cause is cause else now
    return StartDelay(cause, since, until)


def delay_to_item(delay: StartDelay) -> dict[str, Any]:
    """A delay as the job's item holds it."""
    return {"cause": str(delay.cause), "since": epoch_ms(delay.since), "until": epoch_ms(delay.until)}


def delay_from_item(item: Mapping[str, Any]) -> StartDelay:
    """The delay of an item. Raises what reading a wrong one raises."""
    return StartDelay(DelayCause(item["cause"]), from_epoch_ms(item["since"]), from_epoch_ms(item["until"]))
