"""A dataset whose scan is under way, and what the scan's program writes when it succeeds."""

import json
from typing import Any

from shared.datasets.datasets import Completion, Dataset, Registration, Scanning, build_dataset, dataset_to_item
from shared.datasets.scan_jobs import scan_job
from shared.models import Item, Job
from shared.settings import Settings
from tests.fakes.clock import NOON
from tests.fakes.s3 import FakeS3

DATASET_ID = "00000000-0000-7000-8000-0000000000d1"
FILE = Registration("people.csv", 11, "ab" * 32, "text/csv", {}, None)
COLUMNS: list[dict[str, Any]] = [
    {"position": 1, "name": "city", "pii": "none", "kinds": []},
    {"position": 2, "name": "last_name", "pii": "unknown", "kinds": [{"kind": "phone", "confidence": 0.1}]},
    {"position": 3, "name": "mail", "pii": "found", "kinds": [{"kind": "email", "confidence": 1.0}]},
]
REPORT: dict[str, Any] = {"pii": "found", "columns": COLUMNS}


def scanned_dataset(settings: Settings, **changes: Any) -> Dataset:
    """A dataset that was completed at noon, and whose scan has not ended."""
    dataset = build_dataset(FILE, DATASET_ID, "ann", "c" * 8, NOON, settings)
    done = {"completion": Completion(NOON, '"etag"', "v1"), "scanning": Scanning(the_scan(dataset, settings).job_id)}
    return Dataset(**{**vars(dataset), **done, **changes})


def the_scan(dataset: Dataset, settings: Settings) -> Job:
    """The job that scans a dataset, as the API makes it."""
    return scan_job(dataset, "csv", "c" * 8, NOON, settings)


def store_dataset(items: dict[str, Item], s3: FakeS3, dataset: Dataset) -> None:
    """Put a dataset and its object where they belong."""
    items[dataset.dataset_id] = dataset_to_item(dataset)
    s3.objects[dataset.bucket, dataset.key] = b"city\nParis\n"
    s3.tags[dataset.bucket, dataset.key] = {"team": "ops"}


def leave_report(s3: FakeS3, bucket: str, job_id: str, attempt: int, report: Any = REPORT) -> None:
    """What the program of an attempt writes: its report, and the manifest that names it."""
    folder = f"jobs/{job_id}/attempt-{attempt}"
    s3.objects[bucket, f"{folder}/reports/pii.json"] = json.dumps(report).encode()
    manifest = {"reportFiles": [{"path": "reports/pii.json"}]}
    s3.objects[bucket, f"{folder}/_manifest.json"] = json.dumps(manifest).encode()
