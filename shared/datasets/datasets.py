"""A dataset: a file that its owner registers, uploads to S3 and completes. Plain frozen data.

What is stored are facts: when it was registered, completed, given up. Its status follows from them and from the time.
`dataset_to_item` and `dataset_from_item` are the only places that know the form of an item.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.datasets.scans import Pii, Scan, scan_from_item, scan_to_item
from shared.errors import StoredDatasetUnreadable
from shared.models import Item
from shared.moments import epoch_ms, from_epoch_ms
from shared.schema_versions import reads
from shared.settings import Settings
from shared.submission import canonical_json

SCHEMA_VERSION = 1
# Below it nobody may write but once, which the raw bucket's policy holds.
UPLOADS_FOLDER = "uploads/"
# S3's own limits of an upload in parts, but for the number of parts: a thousand are one page of its list.
SMALLEST_PART_BYTES, LARGEST_PART_BYTES, MOST_PARTS = 5 * 1024**2, 5 * 1024**3, 1000


class DatasetStatus(StrEnum):
    """Where a dataset is."""

    REGISTERED = "REGISTERED"
    READY = "READY"
    EXPIRED = "EXPIRED"
    ABANDONED = "ABANDONED"


@dataclass(frozen=True)
class Registration:
    """A file as it was announced. `sha256` is in hexadecimal: of its bytes, or of its parts' digests (`joined_digest`).

    `part_size_bytes` is None for an upload in one request; `contract` is the name/version that the file is held to;
    `dataset_type` is None if it is left to the platform.
    """

    file_name: str
    size_bytes: int
    sha256: str
    content_type: str
    tags: Mapping[str, str]
    part_size_bytes: int | None
    contract: str | None = None
    dataset_type: str | None = None


@dataclass(frozen=True)
class Completion:
    """When a dataset was completed, and which version of which object it is."""

    at: datetime
    etag: str
    version_id: str | None


@dataclass(frozen=True)
class Scanning:
    """What is done to learn whether a dataset holds personal data: a job, or nothing, which is told as a scan."""

    job_id: str | None = None
    scan: Scan | None = None


NOT_SCANNED = Scanning()


@dataclass(frozen=True)
class Dataset:
    """A dataset as it is stored. `upload_id` is S3's name for the upload in parts, once one was begun.

    `dataset_type` and `retention`, its class, stay as they were when it was registered; None in items that were stored
    without them.
    """

    dataset_id: str
    owner_id: str
    correlation_id: str
    created_at: datetime
    expires_at: datetime
    registration: Registration
    request_digest: str
    bucket: str
    key: str
    upload_id: str | None = None
    completion: Completion | None = None
    abandoned_at: datetime | None = None
    dataset_type: str | None = None
    retention: str | None = None
    scanning: Scanning = NOT_SCANNED

    def kept_until(self, days: Mapping[str, int]) -> datetime | None:
        """Until when its object is there for certain, by the days of each class; None if nothing deletes it."""
        kept = days.get(self.retention or "")
        return None if kept is None else self.created_at + timedelta(days=kept)

    @property
    def pii(self) -> Pii:
        """Whether it holds personal data, as far as is known."""
        if self.scanning.scan is not None:
            return self.scanning.scan.pii
        return Pii.UNKNOWN if self.scanning.job_id is None else Pii.PENDING

    @property
    def uri(self) -> str:
        """Where its bytes lie, once they were uploaded."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def created_key(self) -> str:
        """Where the dataset stands in a list: by creation, then by id."""
        return f"{epoch_ms(self.created_at):013d}#{self.dataset_id}"

    @property
    def part_count(self) -> int | None:
        """How many parts it is uploaded in; None if it is not."""
        part_size_bytes = self.registration.part_size_bytes
        return None if part_size_bytes is None else parts_of(self.registration.size_bytes, part_size_bytes)

    @property
    def s3_checksum(self) -> str:
        """The SHA-256 as S3 writes it: in base64, and of an upload in parts with their number behind it."""
        checksum = as_base64(self.registration.sha256)
        return checksum if self.part_count is None else f"{checksum}-{self.part_count}"

    def status(self, now: datetime) -> DatasetStatus:
        """Where it is at a moment."""
        if self.completion is not None:
            return DatasetStatus.READY
        if self.abandoned_at is not None:
            return DatasetStatus.ABANDONED
        return DatasetStatus.REGISTERED if now < self.expires_at else DatasetStatus.EXPIRED

    def part_bytes(self, number: int) -> int:
        """The size of a part, counted from 1: the last has what is left."""
        part_size_bytes = self.registration.part_size_bytes or self.registration.size_bytes
        return min(part_size_bytes, self.registration.size_bytes - (number - 1) * part_size_bytes)


def parts_of(size_bytes: int, part_size_bytes: int) -> int:
    """How many parts a file makes."""
    return -(-size_bytes // part_size_bytes)


def joined_digest(part_digests: Sequence[bytes]) -> str:
    """What S3 calls the composite checksum of an upload in parts: the SHA-256 of its parts' SHA-256s in their order."""
    return hashlib.sha256(b"".join(part_digests)).hexdigest()


def as_base64(sha256: str) -> str:
    """A digest in base64, as S3's headers have it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def digest_of(asked: Registration) -> str:
    """What tells one registration from another: a hash of all that was announced."""
    return hashlib.sha256(canonical_json(_registration_to_item(asked)).encode()).hexdigest()


def build_dataset(
    asked: Registration, dataset_id: str, owner_id: str, correlation_id: str, now: datetime, settings: Settings
) -> Dataset:
    """The dataset as it begins."""
    in_parts = asked.part_size_bytes is not None
    seconds = settings.multipart_upload_seconds if in_parts else settings.upload_seconds
    types = settings.retention_of_types
    dataset_type = asked.dataset_type or next(iter(types))
    return Dataset(
        dataset_id=dataset_id,
        owner_id=owner_id,
        correlation_id=correlation_id,
        created_at=now,
        expires_at=now + timedelta(seconds=seconds),
        registration=asked,
        request_digest=digest_of(asked),
        bucket=settings.raw_bucket,
        key=f"{UPLOADS_FOLDER}{dataset_id}/{asked.file_name}",
        dataset_type=dataset_type,
        retention=types[dataset_type],
    )


def dataset_to_item(dataset: Dataset) -> Item:
    """The item of a dataset; nothing that is None."""
    completion = dataset.completion
    item = {
        "datasetId": dataset.dataset_id,
        "schemaVersion": SCHEMA_VERSION,
        "ownerId": dataset.owner_id,
        "correlationId": dataset.correlation_id,
        "createdAt": epoch_ms(dataset.created_at),
        "createdKey": dataset.created_key,
        "expiresAt": epoch_ms(dataset.expires_at),
        "registration": _registration_to_item(dataset.registration),
        "requestDigest": dataset.request_digest,
        "bucket": dataset.bucket,
        "objectKey": dataset.key,
        "uploadId": dataset.upload_id,
        **({} if completion is None else completion_to_item(completion)),
        "abandonedAt": None if dataset.abandoned_at is None else epoch_ms(dataset.abandoned_at),
        "datasetType": dataset.dataset_type,
        "retention": dataset.retention,
        **scanning_to_item(dataset.scanning),
    }
    return {name: value for name, value in item.items() if value is not None}


def completion_to_item(completion: Completion) -> Item:
    """The attributes that a completion adds to an item."""
    version = {} if completion.version_id is None else {"versionId": completion.version_id}
    return {"completedAt": epoch_ms(completion.at), "etag": completion.etag, **version}


def scanning_to_item(scanning: Scanning) -> Item:
    """The attributes that tell of a dataset's scan."""
    job = {} if scanning.job_id is None else {"scanJobId": scanning.job_id}
    return job if scanning.scan is None else {**job, **scan_to_item(scanning.scan)}


def dataset_from_item(item: Mapping[str, Any]) -> Dataset:
    """The dataset of an item. Raises: StoredDatasetUnreadable, naming what does not fit."""
    version = item.get("schemaVersion")
    if not reads(version, SCHEMA_VERSION):
        raise StoredDatasetUnreadable(
            f"Dataset {item.get('datasetId')} has schemaVersion {version}; this code reads 1 to {SCHEMA_VERSION + 1}."
        )
    try:
        return _dataset_from_item(item)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StoredDatasetUnreadable(f"Dataset {item.get('datasetId')} cannot be read: {error!r}.") from error


def _dataset_from_item(item: Mapping[str, Any]) -> Dataset:
    return Dataset(
        dataset_id=item["datasetId"],
        owner_id=item["ownerId"],
        correlation_id=item["correlationId"],
        created_at=from_epoch_ms(item["createdAt"]),
        expires_at=from_epoch_ms(item["expiresAt"]),
        registration=_registration_from_item(item["registration"]),
        request_digest=item["requestDigest"],
        bucket=item["bucket"],
        key=item["objectKey"],
        upload_id=item.get("uploadId"),
        completion=_completion_from_item(item),
        abandoned_at=from_epoch_ms(item["abandonedAt"]) if "abandonedAt" in item else None,
        dataset_type=item.get("datasetType"),
        retention=item.get("retention"),
        scanning=Scanning(item.get("scanJobId"), scan_from_item(item)),
    )


def _completion_from_item(item: Mapping[str, Any]) -> Completion | None:
    if "completedAt" not in item:
        return None
    return Completion(from_epoch_ms(item["completedAt"]), item["etag"], item.get("versionId"))


def _registration_to_item(asked: Registration) -> Item:
    item = {
        "fileName": asked.file_name,
        "sizeBytes": asked.size_bytes,
        "sha256": asked.sha256,
        "contentType": asked.content_type,
        "tags": dict(asked.tags),
        "partSizeBytes": asked.part_size_bytes,
        "contract": asked.contract,
        "datasetType": asked.dataset_type,
    }
    return {name: value for name, value in item.items() if value is not None}


def _registration_from_item(item: Mapping[str, Any]) -> Registration:
    return Registration(
        file_name=item["fileName"],
        size_bytes=item["sizeBytes"],
        sha256=item["sha256"],
        content_type=item["contentType"],
        tags=item["tags"],
        part_size_bytes=item.get("partSizeBytes"),
        contract=item.get("contract"),
        dataset_type=item.get("datasetType"),
    )
