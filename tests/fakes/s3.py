"""S3 objects in memory, and uploads of them in one request and in parts."""

import base64
import hashlib
import io
import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.seam import aws_error


@dataclass
class Upload:
    """An upload in parts that was begun and is neither joined nor aborted."""

    bucket: str
    key: str
    tags: dict[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class FakeS3:
    """Objects by (bucket, key). `put` and `put_part` are what a client does by a link, signatures aside."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self.signed: list[dict[str, Any]] = []
        self.tags: dict[tuple[str, str], dict[str, str]] = {}
        self._checksums: dict[tuple[str, str], str] = {}
        self._numbers = itertools.count(1)

    def put(self, bucket: str, key: str, body: bytes, sha256: str | None = None, tagging: str = "") -> None:
        """PutObject with If-None-Match, a checksum in base64 if there is one, and tags as the header has them."""
        if (bucket, key) in self.objects:
            raise aws_error("PutObject", "PreconditionFailed", status=412)
        if sha256 not in (None, checksum_of(body)):
            raise aws_error("PutObject", "BadDigest")
        self.objects[bucket, key] = body
        self.tags[bucket, key] = dict(parse_qsl(tagging))
        if sha256 is not None:
            self._checksums[bucket, key] = sha256

    def leave_manifest(self, bucket: str, run_name: str) -> str:
        """The manifest of a run, which its program writes last, unless it is there. Its checksum is returned."""
        job_id, _, attempt = run_name.rpartition(".")
        body = json.dumps({"manifestVersion": 1, "jobId": job_id, "attempt": attempt}).encode()
        left = self.objects.setdefault((bucket, f"jobs/{job_id}/attempt-{attempt}/_manifest.json"), body)
        return hashlib.sha256(left).hexdigest()

    def head_object(self, Bucket: str, Key: str, ChecksumMode: str = "") -> Any:
        """HeadObject."""
        if (Bucket, Key) not in self.objects:
            raise aws_error("HeadObject", "404", status=404)
        body = self.objects[Bucket, Key]
        head = {"ContentLength": len(body), "ETag": f'"{len(body)}"', "VersionId": "v1"}
        checksum = self._checksums.get((Bucket, Key)) if ChecksumMode == "ENABLED" else None
        return head if checksum is None else {**head, "ChecksumSHA256": checksum}

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> Any:
        """GetObject, also of a range of its first bytes."""
        if (Bucket, Key) not in self.objects:
            raise aws_error("GetObject", "NoSuchKey", status=404)
        body = self.objects[Bucket, Key]
        if Range and not body:
            raise aws_error("GetObject", "InvalidRange", status=416)
        return {"Body": io.BytesIO(body[: int(Range.removeprefix("bytes=0-")) + 1] if Range else body)}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str, IfNoneMatch: str = "") -> Any:
        """PutObject, conditional."""
        if IfNoneMatch == "*" and (Bucket, Key) in self.objects:
            raise aws_error("PutObject", "PreconditionFailed", status=412)
        self.objects[Bucket, Key] = Body
        return {}

    def list_objects_v2(self, Bucket: str, Prefix: str, MaxKeys: int) -> Any:
        """ListObjectsV2, its first page."""
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))[:MaxKeys]
        contents = [{"Key": key, "Size": len(self.objects[Bucket, key])} for key in keys]
        return {"KeyCount": len(keys), "Contents": contents}

    def create_multipart_upload(
        self, Bucket: str, Key: str, ContentType: str, ChecksumAlgorithm: str, ChecksumType: str, Tagging: str = ""
    ) -> Any:
        """CreateMultipartUpload."""
        upload_id = f"upload-{next(self._numbers)}"
        self.uploads[upload_id] = Upload(Bucket, Key, dict(parse_qsl(Tagging)))
        return {"UploadId": upload_id}

    def put_part(self, upload_id: str, number: int, body: bytes) -> None:
        """UploadPart."""
        self.uploads[upload_id].parts[number] = body

    def list_parts(self, Bucket: str, Key: str, UploadId: str, MaxParts: int) -> Any:
        """ListParts, all in one page."""
        return {"Parts": [part_of(number, body) for number, body in sorted(self._parts(Bucket, Key, UploadId).items())]}

    def complete_multipart_upload(
        self,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: Any,
        ChecksumSHA256: str,
        ChecksumType: str,
        MpuObjectSize: int,
        IfNoneMatch: str,
    ) -> Any:
        """CompleteMultipartUpload, if nothing lies at the key and all is as it is said to be."""
        parts = self._parts(Bucket, Key, UploadId)
        if (Bucket, Key) in self.objects:
            raise aws_error("CompleteMultipartUpload", "PreconditionFailed", status=412)
        for part in MultipartUpload["Parts"]:
            stored = part_of(part["PartNumber"], parts[part["PartNumber"]])
            if part != {name: stored[name] for name in ("PartNumber", "ETag", "ChecksumSHA256")}:
                raise aws_error("CompleteMultipartUpload", "InvalidPart")
        bodies = [parts[part["PartNumber"]] for part in MultipartUpload["Parts"]]
        digests = b"".join(hashlib.sha256(body).digest() for body in bodies)
        if ChecksumSHA256 != f"{checksum_of(digests)}-{len(bodies)}" or MpuObjectSize != sum(map(len, bodies)):
            raise aws_error("CompleteMultipartUpload", "BadDigest")
        self.objects[Bucket, Key] = b"".join(bodies)
        self.tags[Bucket, Key] = self.uploads[UploadId].tags
        self._checksums[Bucket, Key] = ChecksumSHA256
        del self.uploads[UploadId]
        return {}

    def abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str) -> Any:
        """AbortMultipartUpload."""
        self._parts(Bucket, Key, UploadId)
        del self.uploads[UploadId]
        return {}

    def _parts(self, bucket: str, key: str, upload_id: str) -> dict[int, bytes]:
        upload = self.uploads.get(upload_id)
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise aws_error("ListParts", "NoSuchUpload", status=404)
        return upload.parts

    def get_object_tagging(self, Bucket: str, Key: str, VersionId: str = "v1") -> Any:
        """GetObjectTagging."""
        if (Bucket, Key) not in self.objects:
            raise aws_error("GetObjectTagging", "NoSuchKey", status=404)
        tags = self.tags.get((Bucket, Key), {})
        return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}

    def put_object_tagging(self, Bucket: str, Key: str, Tagging: Any, VersionId: str = "v1") -> Any:
        """PutObjectTagging."""
        if (Bucket, Key) not in self.objects:
            raise aws_error("PutObjectTagging", "NoSuchKey", status=404)
        self.tags[Bucket, Key] = {tag["Key"]: tag["Value"] for tag in Tagging["TagSet"]}
        return {}

    def generate_presigned_url(self, ClientMethod: str, Params: Any, ExpiresIn: int) -> str:
        """A link that nobody can follow; no two are the same."""
        self.signed.append({"operation": ClientMethod, **Params})
        query = f"X-Amz-Expires={ExpiresIn}&X-Amz-Signature=fake{len(self.signed)}"
        return f"https://s3.invalid/{Params['Bucket']}/{Params['Key']}?{query}"


def checksum_of(body: bytes) -> str:
    """A SHA-256 as S3 writes it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def part_of(number: int, body: bytes) -> dict[str, Any]:
    """A part as S3 lists it."""
    etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    return {"PartNumber": number, "Size": len(body), "ETag": etag, "ChecksumSHA256": checksum_of(body)}
