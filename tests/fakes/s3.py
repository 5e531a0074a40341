"""S3 objects in memory."""

import io
from typing import Any

from tests.fakes.seam import aws_error


class FakeS3:
    """Objects by (bucket, key)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def head_object(self, Bucket: str, Key: str) -> Any:
        """HeadObject."""
        if (Bucket, Key) not in self.objects:
            raise aws_error("HeadObject", "404", status=404)
        return {"ContentLength": len(self.objects[Bucket, Key])}

    def get_object(self, Bucket: str, Key: str) -> Any:
        """GetObject."""
        if (Bucket, Key) not in self.objects:
            raise aws_error("GetObject", "NoSuchKey", status=404)
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def list_objects_v2(self, Bucket: str, Prefix: str, MaxKeys: int) -> Any:
        """ListObjectsV2, counted only."""
        keys = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]
        return {"KeyCount": len(keys[:MaxKeys])}

    def generate_presigned_url(self, ClientMethod: str, Params: Any, ExpiresIn: int) -> str:
        """A link that nobody can follow."""
        return f"https://s3.invalid/{Params['Bucket']}/{Params['Key']}?X-Amz-Expires={ExpiresIn}&X-Amz-Signature=fake"
