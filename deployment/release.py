"""What a release is made of, each named by its content: the Spark code in S3, and the two images."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parents[1]
# As many characters of a digest as tell two releases apart, and a person can read.
SHOWN_CHARACTERS = 16
# What goes into each image, besides what the lock file names (see the Dockerfile).
IMAGES = {"api": ("api", "shared"), "worker": ("worker", "shared")}
SHARED_BY_IMAGES = ("Dockerfile", "requirements/product.lock")


def content_tag(files: Mapping[str, bytes]) -> str:
    """A name that is the same for the same files: their names and contents."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()[:SHOWN_CHARACTERS]


def image_tag(image: str) -> str:
    """The tag of an image of this checkout."""
    folders = [path for folder in IMAGES[image] for path in (ROOT / folder).rglob("*") if is_source(path)]
    paths: Iterable[Path] = [*folders, *(ROOT / name for name in SHARED_BY_IMAGES)]
    return content_tag({path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths})


def is_source(path: Path) -> bool:
    """Whether a file is of the code, and not what Python made of it."""
    return path.is_file() and "__pycache__" not in path.parts


def image_by_digest(client: "ECRClient", repository_uri: str, tag: str) -> str | None:
    """The image of this tag, as `repository@sha256:...`; None if it was not pushed."""
    repository = repository_uri.partition("/")[2]
    try:
        found = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageNotFoundException":
            raise
        return None
    return f"{repository_uri}@{found[0]['imageDigest']}"


def spark_code_uri(bucket: str, files: Mapping[str, bytes]) -> str:
    """Where the Spark code of this checkout lies, in a folder named by its content."""
    return f"s3://{bucket}/{spark_code_folder(files)}"


def spark_code_folder(files: Mapping[str, bytes]) -> str:
    """The folder of that code."""
    return f"spark/{content_tag(files)}/"


def upload_spark_code(client: "S3Client", bucket: str, files: Mapping[str, bytes]) -> None:
    """Put the Spark code into its folder, unless it lies there."""
    for name, content in files.items():
        key = spark_code_folder(files) + name
        if not _is_there(client, bucket, key):
            client.put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")


def _is_there(client: "S3Client", bucket: str, key: str) -> bool:
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
