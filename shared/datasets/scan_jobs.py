"""The job that scans a dataset: an ordinary `pii-scan` of its owner's, made by the platform. Pure."""

import uuid
from dataclasses import replace
from datetime import datetime

from shared.datasets.datasets import Dataset
from shared.job_types.pii_scan import PII_SCAN
from shared.models import Job, JobInput
from shared.settings import Settings
from shared.submission import Origin, Submission, build_job

# Ours alone, so that no key of anybody's gives the same ids. Changing it scans what is being completed twice.
SCANS = uuid.UUID("3c0f7b52-58a1-5d0e-9b5e-6d7f1a2c8e90")
PURPOSE = {"purpose": "dataset-scan"}
INPUT = "dataset"
FORMATS_BY_SUFFIX = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json", "parquet": "parquet"}
FORMATS_BY_TYPE = {
    "text/csv": "csv",
    "application/json": "json",
    "application/jsonl": "json",
    "application/x-ndjson": "json",
    "application/vnd.apache.parquet": "parquet",
}
# Spark knows these by the names of files, whatever their media type says.
COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate")
GIB = 1024**3
# The largest file that is scanned by each size.
LARGEST_BYTES = (("small", 10 * GIB), ("medium", 100 * GIB))
TIMEOUT_SECONDS = 6 * 3600
UNREADABLE = "Neither its name nor its type says that it is CSV, JSON lines or Parquet, so nothing was scanned."


def scan_job_id(dataset_id: str) -> str:
    """The one id that the scan of a dataset has: completing it twice makes one job."""
    return str(uuid.uuid5(SCANS, dataset_id))


def format_of(file_name: str, content_type: str) -> str | None:
    """How a file is read; None if neither its name nor its media type tells."""
    name = file_name.lower()
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    by_name = FORMATS_BY_SUFFIX.get(name.rpartition(".")[2])
    return by_name or FORMATS_BY_TYPE.get(content_type.partition(";")[0].strip().lower())


def scan_job(dataset: Dataset, file_format: str, correlation_id: str, now: datetime, settings: Settings) -> Job:
    """The job that scans all of a dataset, and whose end is written to it."""
    asked = Submission(
        job_type=PII_SCAN.name,
        inputs=(JobInput(INPUT, dataset.uri, dataset.dataset_id),),
        parameters={"format": file_format},
        tags=PURPOSE,
        size=size_for(dataset.registration.size_bytes),
        timeout_seconds=TIMEOUT_SECONDS,
        max_attempts=None,
    )
    origin = Origin(scan_job_id(dataset.dataset_id), dataset.owner_id, correlation_id, now)
    return replace(build_job(asked, PII_SCAN, origin, settings), scan_of=dataset.dataset_id)


def size_for(size_bytes: int) -> str:
    """The size of the runs that scan a file."""
    return next((size for size, most in LARGEST_BYTES if size_bytes <= most), "large")
