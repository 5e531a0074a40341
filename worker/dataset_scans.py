"""Telling a dataset what its scan found: in its item, and by the tags of its object. Safe to repeat."""

import structlog

from shared.datasets.dataset_store import DatasetStore
from shared.datasets.datasets import Dataset
from shared.datasets.scans import Pii, Scan, no_scan, scan_of_report
from shared.datasets.tags import when_scanned
from shared.datasets.uploads import UploadStore
from shared.errors import DatasetNotFound, StoredDatasetUnreadable
from shared.locations import attempt_uri, manifest_uri
from shared.models import Job
from shared.object_store import ObjectStore
from shared.settings import Settings
from shared.transitions import JobStatus

log = structlog.get_logger()

REPORT = "reports/pii.json"
NO_REPORT = "The scan left no report that can be read."


class DatasetScans:
    """What the end of a scan changes outside of its job."""

    def __init__(self, datasets: DatasetStore, uploads: UploadStore, objects: ObjectStore, settings: Settings) -> None:
        self._datasets = datasets
        self._uploads = uploads
        self._objects = objects
        self._settings = settings

    def note(self, job: Job) -> None:
        """Write what an ended scan found to its dataset, then to the object. A dataset that is gone is left alone.

        Raises: ObjectsForbidden, ObjectsUnavailable, StoreUnavailable.
        """
        try:
            dataset = self._datasets.get(job.scan_of or "")
        except (DatasetNotFound, StoredDatasetUnreadable) as error:
            log.error("scan_of_no_dataset", dataset_id=job.scan_of, reason=error.detail)
            return
        scan = self._scan(job)
        if self._datasets.note_scan(dataset.dataset_id, scan):
            self._tag(dataset, scan.pii)
            log.info("dataset_scanned", dataset_id=dataset.dataset_id, pii=str(scan.pii))

    def _scan(self, job: Job) -> Scan:
        ended_at = job.finished_at or job.updated_at
        if job.status is JobStatus.FAILED:  # not its detail, which may be anybody's words
            return no_scan(ended_at, f"The scan failed: {job.failure_reason}. Replay its job.", job.job_id)
        try:
            return scan_of_report(self._report(job), ended_at, job.job_id)
        except (KeyError, TypeError, ValueError):
            return no_scan(ended_at, NO_REPORT, job.job_id)

    def _report(self, job: Job) -> object:
        """The report, if the attempt's manifest names one."""
        manifest = self._objects.read_json(manifest_uri(self._settings, job))
        named = manifest.get("reportFiles", []) if isinstance(manifest, dict) else []
        if not any(isinstance(each, dict) and each.get("path") == REPORT for each in named):
            return None
        return self._objects.read_json(f"{attempt_uri(self._settings, job.job_id, job.attempt)}{REPORT}")

    def _tag(self, dataset: Dataset, pii: Pii) -> None:
        version_id = dataset.completion.version_id if dataset.completion else None
        found = self._uploads.tags(dataset, version_id)
        wanted = None if found is None else when_scanned(found, dataset, pii)
        if wanted is not None:
            self._uploads.set_tags(dataset, version_id, wanted)
