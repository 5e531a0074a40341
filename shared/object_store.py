"""S3 behind our words: whether an input exists, small documents of a job's outputs, and what a link to one allows."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from shared.datasets.links import Allowed
from shared.errors import ObjectsForbidden, ObjectsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How long a link to an object lasts when it is new.
LINK_SECONDS = 900
# A manifest lists files, never rows: 16 MiB are about 100,000 files.
DOCUMENT_BYTES = 16 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024
MISSING = {"NoSuchKey", "NoSuchBucket", "404", "NotFound"}
PRESENT = "PreconditionFailed"
# What a range of an empty object gives.
EMPTY = "InvalidRange"
# The first page of a folder.
LISTED = 100
# InvalidObjectState: archived, and not to be read before it is restored.
FORBIDDEN = {"AccessDenied", "403", "Forbidden", "InvalidObjectState"}


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URI. Raises: ValueError if it is none, or has no bucket."""
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not separator or not bucket:
        raise ValueError(f"{uri!r} is not an s3:// URI")
    return bucket, key


@contextmanager
def object_errors(uri: str) -> Iterator[None]:
    """Translate S3's errors; what is missing is no error and is handled before."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in FORBIDDEN or code.startswith("KMS."):
            raise ObjectsForbidden(f"{uri} may not be read by this platform.") from error
        raise ObjectsUnavailable(f"S3 did not answer for {uri}: {error}") from error
    except BotoCoreError as error:
        raise ObjectsUnavailable(f"S3 did not answer for {uri}: {error}") from error


class ObjectStore:
    """What the platform itself does with S3; the data is read and written by Spark alone."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def exists(self, uri: str) -> bool:
        """Whether the object is there, or anything below the prefix. Raises: ObjectsForbidden, ObjectsUnavailable."""
        bucket, key = split_uri(uri)
        with object_errors(uri):
            try:
                if key and not key.endswith("/") and self._head(bucket, key):
                    return True
                prefix = key if key.endswith("/") or not key else f"{key}/"
                answer = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
                return answer.get("KeyCount", 0) > 0
            except ClientError as error:
                if error.response["Error"]["Code"] in MISSING:
                    return False
                raise

    def _head(self, bucket: str, key: str) -> bool:
        try:
            self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return False
            raise
        return True

    def _open(self, uri: str, most_bytes: int | None = None) -> Any | None:
        """The body of an object, or of its first bytes; None where there is no object, or it has no such bytes."""
        bucket, key = split_uri(uri)
        part: dict[str, Any] = {} if most_bytes is None else {"Range": f"bytes=0-{most_bytes - 1}"}
        try:
            return self._client.get_object(Bucket=bucket, Key=key, **part)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING | {EMPTY}:
                return None
            raise

    def read_json(self, uri: str) -> Any | None:
        """A small JSON document, or None where there is none. Raises: ObjectsForbidden, ObjectsUnavailable."""
        with object_errors(uri):
            found = self._open(uri)
            if found is None:
                return None
            body = found.read(DOCUMENT_BYTES)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None

    def sha256(self, uri: str) -> str | None:
        """The SHA-256 of an object's bytes in hexadecimal, or None where there is no object; it may be of any size.

        Raises: ObjectsForbidden, ObjectsUnavailable.
        """
        digest = hashlib.sha256()
        with object_errors(uri):
            body = self._open(uri)
            if body is None:
                return None
            while block := body.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def is_object(self, uri: str) -> bool:
        """Whether there is an object of this very name. Raises: ObjectsForbidden, ObjectsUnavailable."""
        bucket, key = split_uri(uri)
        with object_errors(uri):
            return bool(key) and self._head(bucket, key)

    def first_below(self, uri: str) -> list[str]:
        """The URIs of the first objects of a folder that are not empty, by their names, of `LISTED` at most.

        Raises: ObjectsForbidden, ObjectsUnavailable.
        """
        bucket, prefix = split_uri(uri)
        with object_errors(uri):
            answer = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=LISTED)
        return [f"s3://{bucket}/{each['Key']}" for each in answer.get("Contents", []) if each["Size"] > 0]

    def read_head(self, uri: str, most_bytes: int) -> bytes | None:
        """An object's first bytes, or None where there is none or it is empty.

        Raises: ObjectsForbidden, ObjectsUnavailable.
        """
        with object_errors(uri):
            body = self._open(uri, most_bytes)
            # A store that knows no ranges sends the whole object.
            return None if body is None else body.read(most_bytes)

    def read_pieces(self, uri: str, most_bytes: int) -> Iterator[bytes] | None:
        """An object's first bytes as they come, or None where there is none or it is empty.

        Raises: ObjectsForbidden, ObjectsUnavailable; so does each piece.
        """
        with object_errors(uri):
            body = self._open(uri, most_bytes)
        return None if body is None else _pieces_of(uri, body, most_bytes)

    def put(self, uri: str, body: bytes, content_type: str) -> None:
        """Write a small object, over whatever lies there. Raises: ObjectsForbidden, ObjectsUnavailable."""
        bucket, key = split_uri(uri)
        with object_errors(uri):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def put_new(self, uri: str, body: bytes, content_type: str) -> bool:
        """Whether the object was made: False if there is one, which is left as it is.

        Raises: ObjectsForbidden, ObjectsUnavailable.
        """
        bucket, key = split_uri(uri)
        with object_errors(uri):
            try:
                self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] == PRESENT:
                    return False
                raise
        return True


def _pieces_of(uri: str, body: Any, most_bytes: int) -> Iterator[bytes]:
    with object_errors(uri), closing(body):
        while most_bytes > 0 and (piece := body.read(min(PIECE_BYTES, most_bytes))):
            most_bytes -= len(piece)
            yield piece


def allowed_get(uri: str) -> Allowed:
    """To read an object; a page as one, which Spark stores as mere bytes and a browser would only save."""
    bucket, key = split_uri(uri)
    page = {"ResponseContentType": "text/html; charset=utf-8"} if key.endswith(".html") else {}
    return Allowed("get_object", {"Bucket": bucket, "Key": key, **page})


def is_s3_uri(uri: str) -> bool:
    """Whether `uri` names an object or a prefix of S3 and nothing more (no query, no fragment, no dot segments)."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment and ".." not in parts.path.split("/")
    # By its very letters: urlsplit would take S3:// for the same.
    return uri.startswith("s3://") and bool(parts.netloc) and "@" not in parts.netloc and plain
