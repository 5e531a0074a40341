"""What completing a dataset begins: the tags of its object, and the scan for personal data.

Both come before the dataset is stored as complete. So whoever dies in between leaves a dataset that can be completed
again, and none that is READY without its scan, or that a lifecycle rule takes for an upload which nobody completed.
"""

from datetime import datetime

import structlog
from flask import g

from api.jobs.submitting import send_message
from api.services import services
from shared.datasets.datasets import Dataset, Scanning
from shared.datasets.scan_jobs import UNREADABLE, format_of, scan_job
from shared.datasets.scans import no_scan
from shared.datasets.tags import when_complete
from shared.datasets.uploads import StoredObject
from shared.errors import UploadMissing
from shared.job_store import Won
from shared.models import Job

log = structlog.get_logger()

SWITCHED_OFF = "Uploads were not scanned when it was completed."


def tag_complete(dataset: Dataset, found: StoredObject) -> None:
    """Say on the object that it is complete, whose it is, and how long it is kept.

    Raises: UploadMissing if it was deleted this moment; ObjectsUnavailable.
    """
    tags = services().uploads.tags(dataset, found.version_id)
    if tags is None:
        raise UploadMissing("What was uploaded is gone; register the file again.")
    wanted = when_complete(tags, dataset)
    if wanted is not None:
        services().uploads.set_tags(dataset, found.version_id, wanted)


def begin_scan(dataset: Dataset, now: datetime) -> tuple[Scanning, Job | None]:
    """How a dataset is scanned, and the job of which the workers have yet to be told.

    The job is the owner's: it is counted, and no quota refuses it. Raises: StoreUnavailable.
    """
    settings, asked = services().settings, dataset.registration
    if settings.dataset_scans == "off":
        return Scanning(scan=no_scan(now, SWITCHED_OFF)), None
    file_format = format_of(asked.file_name, asked.content_type)
    if file_format is None:
        return Scanning(scan=no_scan(now, UNREADABLE)), None
    job = scan_job(dataset, file_format, g.correlation_id, now, settings)
    created = services().store.create(job)
    if not isinstance(created, Won):
        return Scanning(job.job_id), None
    log.info("dataset_scan_submitted", dataset_id=dataset.dataset_id, job_id=job.job_id)
    return Scanning(job.job_id), created.job


def tell_workers(job: Job | None) -> None:
    """Send the hint of a scan that was stored; without it the timer finds the job."""
    if job is not None:
        send_message(job)
