"""The services that a deployment talks to besides CloudFormation, as far as it does."""

from collections.abc import Collection
from typing import Any

from tests.fakes.seam import aws_error


class Registry:
    """ECR: images by repository and tag, or an error."""

    def __init__(self, images: dict[tuple[str, str], str] | None = None, error: Exception | None = None) -> None:
        self.images, self.error = images or {}, error

    def describe_images(self, repositoryName: str, imageIds: Any) -> Any:
        if self.error:
            raise self.error
        tag = imageIds[0]["imageTag"]
        if (repositoryName, tag) not in self.images:
            raise aws_error("DescribeImages", "ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": self.images[repositoryName, tag]}]}


class Bucket:
    """S3: keys that are there, and what was put."""

    def __init__(self, there: Collection[str] = (), error: Exception | None = None) -> None:
        self.there, self.error = set(there), error
        self.put: dict[tuple[str, str], bytes] = {}

    def head_object(self, Bucket: str, Key: str) -> None:
        if self.error:
            raise self.error
        if Key not in self.there:
            raise aws_error("HeadObject", "404", status=404)

    def put_object(self, Bucket: str, Key: str, Body: bytes, ChecksumAlgorithm: str) -> None:
        self.put[Bucket, Key] = Body


class Emr:
    """EMR Serverless with one application in a state."""

    def __init__(self, state: str = "STOPPED") -> None:
        self.state = state

    def get_application(self, applicationId: str) -> Any:
        return {"application": {"applicationId": applicationId, "state": self.state}}
