"""Uploads to S3 behind our words: what a link may allow a client, and what S3's own record says of the result."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.datasets.datasets import MOST_PARTS, Dataset, as_base64, joined_digest
from shared.datasets.links import Allowed
from shared.datasets.tags import PENDING_TAG, Tags
from shared.errors import ObjectsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MISSING = {"NoSuchKey", "NotFound", "404"}
# Of tags: also of a version that is gone, and of a marker that says that the object was deleted.
WITHOUT_TAGS = {*MISSING, "NoSuchVersion", "MethodNotAllowed"}
# The object is there already; S3 has ended the upload, or another completion is at work on it.
JOINED_BY_OTHERS = {"PreconditionFailed", "NoSuchUpload", "412"}


@dataclass(frozen=True)
class StoredObject:
    """What S3 recorded of an object; `checksum` is its SHA-256 as S3 writes it, None if it has none."""

    size_bytes: int
    checksum: str | None
    etag: str
    version_id: str | None


@dataclass(frozen=True)
class StoredPart:
    """What S3 recorded of a part; `checksum` is its SHA-256 in base64."""

    number: int
    size_bytes: int
    checksum: str
    etag: str


@contextmanager
def upload_errors(dataset: Dataset) -> Iterator[None]:
    """Translate S3's errors: the bucket is ours, so a refusal is no fault of the client's."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ObjectsUnavailable(f"S3 did not answer for {dataset.uri}: {error}") from error


class UploadStore:
    """What the platform does with uploads; the bytes go from the client to S3 directly."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def found(self, dataset: Dataset) -> StoredObject | None:
        """What S3 holds where the dataset belongs; None if nothing. Raises: ObjectsUnavailable."""
        with upload_errors(dataset):
            try:
                head = self._client.head_object(Bucket=dataset.bucket, Key=dataset.key, ChecksumMode="ENABLED")
            except ClientError as error:
                if error.response["Error"]["Code"] in MISSING:
                    return None
                raise
        return StoredObject(head["ContentLength"], head.get("ChecksumSHA256"), head["ETag"], head.get("VersionId"))

    def begin_parts(self, dataset: Dataset) -> str:
        """S3's id of a new upload in parts. Raises: ObjectsUnavailable."""
        with upload_errors(dataset):
            begun = self._client.create_multipart_upload(
                Bucket=dataset.bucket,
                Key=dataset.key,
                ContentType=dataset.registration.content_type,
                Tagging=PENDING_TAG,
                ChecksumAlgorithm="SHA256",
                ChecksumType="COMPOSITE",
            )
        return begun["UploadId"]

    def parts(self, dataset: Dataset) -> list[StoredPart] | None:
        """The parts that S3 holds; None if it knows no such upload (any more). Raises: ObjectsUnavailable."""
        with upload_errors(dataset):
            try:
                answer = self._client.list_parts(**_upload_of(dataset), MaxParts=MOST_PARTS)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchUpload":
                    return None
                raise
        return [
            StoredPart(part["PartNumber"], part["Size"], part.get("ChecksumSHA256", ""), part["ETag"])
            for part in answer.get("Parts", [])
        ]

    def join_parts(self, dataset: Dataset, parts: Sequence[StoredPart]) -> None:
        """Make one object of the parts, or leave the one that is there. Raises: ObjectsUnavailable."""
        rows: Any = [{"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.checksum} for part in parts]
        with upload_errors(dataset):
            try:
                self._client.complete_multipart_upload(
                    **_upload_of(dataset),
                    MultipartUpload={"Parts": rows},
                    ChecksumSHA256=dataset.s3_checksum,
                    ChecksumType="COMPOSITE",
                    MpuObjectSize=dataset.registration.size_bytes,
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in JOINED_BY_OTHERS:
                    raise

    def abort_parts(self, dataset: Dataset) -> None:
        """Let S3 forget the parts; nothing is done where it has. Raises: ObjectsUnavailable."""
        with upload_errors(dataset):
            try:
                self._client.abort_multipart_upload(**_upload_of(dataset))
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchUpload":
                    raise

    def tags(self, dataset: Dataset, version_id: str | None) -> Tags | None:
        """The object's tags, of this version if one is named; None where it is gone. Raises: ObjectsUnavailable."""
        with upload_errors(dataset):
            try:
                answer = self._client.get_object_tagging(**_version_of(dataset, version_id))
            except ClientError as error:
                if error.response["Error"]["Code"] in WITHOUT_TAGS:
                    return None
                raise
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def set_tags(self, dataset: Dataset, version_id: str | None, tags: Tags) -> None:
        """Give the object these tags and no others. Raises: ObjectsUnavailable."""
        rows: Any = [{"Key": name, "Value": value} for name, value in tags.items()]
        with upload_errors(dataset):
            self._client.put_object_tagging(**_version_of(dataset, version_id), Tagging={"TagSet": rows})


def composite_of(parts: Sequence[StoredPart]) -> str:
    """The checksum, as S3 writes it, of the object that the parts make in this order."""
    digests = [base64.b64decode(part.checksum) for part in parts]
    return f"{as_base64(joined_digest(digests))}-{len(parts)}"


def allowed_put(dataset: Dataset) -> Allowed:
    """The one upload of a dataset: these bytes, of this type, where nothing lies."""
    return Allowed(
        "put_object",
        {
            "Bucket": dataset.bucket,
            "Key": dataset.key,
            "ContentLength": dataset.registration.size_bytes,
            "ContentType": dataset.registration.content_type,
            "ChecksumSHA256": dataset.s3_checksum,
            "IfNoneMatch": "*",
            "Tagging": PENDING_TAG,
        },
    )


def headers_of_put(dataset: Dataset) -> Mapping[str, str]:
    """What must be sent with the one upload, to the letter: it is signed."""
    return {
        "Content-Length": str(dataset.registration.size_bytes),
        "Content-Type": dataset.registration.content_type,
        "If-None-Match": "*",
        "x-amz-checksum-sha256": dataset.s3_checksum,
        "x-amz-tagging": PENDING_TAG,
    }


def allowed_part(dataset: Dataset, number: int, sha256: str) -> Allowed:
    """The upload of one part of a dataset, counted from 1, whose bytes have this digest."""
    return Allowed(
        "upload_part",
        {
            **_upload_of(dataset),
            "PartNumber": number,
            "ContentLength": dataset.part_bytes(number),
            "ChecksumSHA256": as_base64(sha256),
        },
    )


def headers_of_part(dataset: Dataset, number: int, sha256: str) -> Mapping[str, str]:
    """What must be sent with a part, to the letter: it is signed."""
    return {"Content-Length": str(dataset.part_bytes(number)), "x-amz-checksum-sha256": as_base64(sha256)}


def _upload_of(dataset: Dataset) -> Any:
    return {"Bucket": dataset.bucket, "Key": dataset.key, "UploadId": dataset.upload_id}


def _version_of(dataset: Dataset, version_id: str | None) -> Any:
    version = {} if version_id is None else {"VersionId": version_id}
    return {"Bucket": dataset.bucket, "Key": dataset.key, **version}
