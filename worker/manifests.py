"""The manifest of a run that ended well, as far as the worker must know it: its checksum, or that there is none."""

import structlog

from shared.errors import ObjectsForbidden
from shared.locations import manifest_uri
from shared.models import Job
from shared.object_store import ObjectStore
from shared.programs import promises_manifest
from shared.settings import Settings
from shared.spark_runner import Run
from worker.decide import Observation

log = structlog.get_logger()


def with_manifest(objects: ObjectStore, settings: Settings, job: Job, run: Run) -> Observation:
    """A run of the job's current attempt that succeeded, with what is known of its manifest.

    A manifest that may not be read is no proof that there is none. Raises: ObjectsUnavailable.
    """
    uri = manifest_uri(settings, job)
    try:
        sha256 = objects.sha256(uri)
    except ObjectsForbidden as error:
        log.warning("manifest_forbidden", reason=error.detail)
        return Observation(run=run)
    if sha256 is None and promises_manifest(job.request.job_type):
        return Observation(run=run, missing_manifest=uri)
    return Observation(run=run, manifest_sha256=sha256)
