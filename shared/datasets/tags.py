"""The tags of a dataset's object in S3: what lifecycle rules and policies of the bucket can go by. Pure."""

from collections.abc import Mapping

from shared.datasets.datasets import Dataset
from shared.datasets.scans import Pii
from shared.submission import as_tag

Tags = Mapping[str, str]

STATE = "state"
# An object has it from its upload until it is completed; a lifecycle rule deletes what keeps it.
PENDING = "pending"
PENDING_TAG = f"{STATE}={PENDING}"
PII = "pii"


def tags_of(dataset: Dataset) -> Tags:
    """What is said of a dataset that is complete, but for its scan."""
    tags = {"owner": as_tag(dataset.owner_id), "datasetType": dataset.dataset_type, "retention": dataset.retention}
    return {name: value for name, value in tags.items() if value is not None}


def when_complete(found: Tags, dataset: Dataset) -> Tags | None:
    """The tags of an object that is being completed; None if it has them.

    Then a scan may have added its own, and they must not be written over.
    """
    wanted = tags_of(dataset)
    if STATE not in found and wanted.items() <= found.items():
        return None
    others = {name: value for name, value in found.items() if name != STATE}
    return {PII: Pii.UNKNOWN, **others, **wanted}


def when_scanned(found: Tags, dataset: Dataset, pii: Pii) -> Tags | None:
    """The tags of an object whose scan has ended; None if it has them."""
    wanted = {**found, **tags_of(dataset), PII: str(pii)}
    wanted.pop(STATE, None)
    return None if wanted == found else wanted
