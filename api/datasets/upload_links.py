"""The links by which a client uploads a dataset: for those alone who may, and only while it is wanted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from api.datasets.dataset_records import multipart_record, put_record
from api.datasets.dataset_schemas import WantedPart
from api.identity.auth import caller
from api.identity.callers import DATASETS_WRITE
from api.services import services
from shared.datasets.datasets import Dataset, DatasetStatus
from shared.datasets.links import Link
from shared.datasets.uploads import allowed_part, allowed_put

# A link cannot outlive the credentials that signed it, and those of a role last some hours.
LONGEST = timedelta(hours=1)


def upload_record(dataset: Dataset, now: datetime) -> dict[str, Any] | None:
    """How to upload a dataset; None unless it is REGISTERED and the caller may write datasets. Raises: TooManyLinks."""
    if dataset.status(now) is not DatasetStatus.REGISTERED or DATASETS_WRITE not in caller().scopes:
        return None
    if dataset.part_count is not None:
        return multipart_record(dataset)
    (link,) = services().links.give(caller().owner_id, [allowed_put(dataset)], now, end_of(dataset, now))
    return put_record(dataset, link)


def part_links(dataset: Dataset, parts: Sequence[WantedPart], now: datetime) -> list[Link]:
    """A link for each part. Raises: TooManyLinks."""
    wanted = [allowed_part(dataset, part.number, part.sha256) for part in parts]
    return services().links.give(caller().owner_id, wanted, now, end_of(dataset, now))


def end_of(dataset: Dataset, now: datetime) -> datetime:
    """When a link that is made now ends."""
    return min(dataset.expires_at, now + LONGEST)
