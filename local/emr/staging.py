"""S3 and the folder that Spark sees in its place: inputs come down before a run, what it wrote goes up after.

Below the folder lies one folder for each bucket. Buckets and keys come from users, so a key that would
leave the folder is not staged.
"""

import gzip
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.emr.rights import EVERYTHING, Rights
from local.emr.s3_uris import Location
from local.emr.simulation import MANIFEST

Fingerprint = tuple[int, int]  # size in bytes, time of change in ns


@dataclass(frozen=True)
class StagedObject:
    """An object to fetch, and the file it becomes."""

    bucket: str
    key: str
    modified_at: datetime
    path: Path


def make_s3_client() -> Any:
    """A client of the local S3 (the endpoint and the credentials are the environment's)."""
    config = Config(
        connect_timeout=3,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 4},
        s3={"addressing_style": "path"},
    )
    return boto3.client("s3", config=config)


def stage(
    s3: Any, folder: Path, locations: Iterable[Location], output: Location | None, rights: Rights = EVERYTHING
) -> None:
    """Fetch everything that the locations name and the run may read; what is missing is absent, and Spark says so."""
    for location in locations:
        (folder / location.bucket).mkdir(parents=True, exist_ok=True)
        for found in _objects_at(s3, folder, location, rights):
            if not _is_below(found, output) and rights.may_read(found.bucket, found.key):
                _fetch(s3, found)


def snapshot(folder: Path) -> dict[Path, Fingerprint]:
    """Every file below the folder, with what changes when it is written."""
    return {path: _fingerprint(path) for path in folder.rglob("*") if path.is_file()}


def new_files(folder: Path, before: Mapping[Path, Fingerprint]) -> list[Path]:
    """The files that a run wrote: manifests last, so who sees one sees all that it names."""
    written = [
        path
        for path, fingerprint in snapshot(folder).items()
        if before.get(path) != fingerprint and path.suffix != ".crc" and "_temporary" not in path.parts
    ]
    return sorted(written, key=lambda path: (path.name == MANIFEST, path))


def upload(s3: Any, folder: Path, files: Iterable[Path], rights: Rights = EVERYTHING) -> None:
    """Put files to the buckets and keys that their places below the folder say. Raises: PermissionError."""
    for path in files:
        bucket, *parts = path.relative_to(folder).parts
        key = "/".join(parts)
        if not rights.may_write(bucket, key):
            raise PermissionError(f"AccessDenied: the run's session policy does not let it write s3://{bucket}/{key}")
        s3.upload_file(str(path), bucket, key)


def upload_logs(s3: Any, log_uri: str, application_id: str, run_id: str, logs: Mapping[str, Path]) -> None:
    """Put the driver's logs to where EMR puts them below the monitoring configuration's `logUri`."""
    bucket, _, prefix = log_uri.removeprefix("s3://").partition("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    for name, path in logs.items():
        key = f"{prefix}applications/{application_id}/jobs/{run_id}/SPARK_DRIVER/{name}.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(path.read_bytes(), mtime=0))


def _objects_at(s3: Any, folder: Path, location: Location, rights: Rights) -> Iterator[StagedObject]:
    prefix = location.fixed_prefix
    if prefix and not location.has_wildcard and not prefix.endswith("/"):
        modified_at = _modified_at(s3, location.bucket, prefix)
        found = [(prefix, modified_at)] if modified_at else _below(s3, location.bucket, f"{prefix}/", rights)
    else:
        found = _below(s3, location.bucket, prefix, rights)
    for key, modified_at in found:
        path = folder / location.bucket / key
        if not key.endswith("/") and ".." not in path.parts:
            yield StagedObject(location.bucket, key, modified_at, path)


def _modified_at(s3: Any, bucket: str, key: str) -> datetime | None:
    """When this very object was written; none if there is no such object."""
    try:
        modified_at: datetime = s3.head_object(Bucket=bucket, Key=key)["LastModified"]
    except ClientError:
        return None
    return modified_at


def _below(s3: Any, bucket: str, prefix: str, rights: Rights) -> Iterable[tuple[str, datetime]]:
    """The keys with this beginning; none in a bucket that cannot be read, nor for a whole bucket."""
    if not prefix or not rights.may_list(bucket, prefix):
        return []
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except ClientError:
        return []
    return [(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", [])]


def _is_below(found: StagedObject, output: Location | None) -> bool:
    return output is not None and found.bucket == output.bucket and found.key.startswith(output.key)


def _fetch(s3: Any, found: StagedObject) -> None:
    if found.path.exists():
        return
    found.path.parent.mkdir(parents=True, exist_ok=True)
    s3.download_file(found.bucket, found.key, str(found.path))
    os.utime(found.path, (found.modified_at.timestamp(),) * 2)  # programs may look at the time


def _fingerprint(path: Path) -> Fingerprint:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
