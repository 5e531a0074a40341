"""Tells an attempt whom to report to and by which key, before its run is started. Nothing depends on it."""

import base64
import json

import structlog

from shared.errors import ObjectsForbidden, ObjectsUnavailable
from shared.models import Job
from shared.object_store import ObjectStore
from shared.settings import Settings
from shared.signatures import callback_key

log = structlog.get_logger()


class CallbackKeys:
    """Writes what each attempt is told: a small object that its run alone may read.

    Arguments and settings of Spark are shown by EMR's console, by the Spark UI and by lists of processes; this is not.
    """

    def __init__(self, objects: ObjectStore, settings: Settings) -> None:
        self._objects = objects
        self._settings = settings

    def hand_over(self, job: Job) -> None:
        """Write it for the current attempt, if its program looks for it. Safe to repeat.

        An S3 that does not answer costs the reports and not the start.
        """
        if job.spec.callbacks_uri is None or not self._settings.takes_reports:
            return
        uri = f"{job.spec.callbacks_uri}attempt-{job.attempt}.json"
        try:
            self._objects.put(uri, told_to(job, self._settings), "application/json")
        except (ObjectsForbidden, ObjectsUnavailable) as error:
            log.warning("callback_key_not_handed_over", attempt=job.attempt, reason=error.detail)


def told_to(job: Job, settings: Settings) -> bytes:
    """What the current attempt is told: the address of its reports, its key in base64, and how often to report."""
    key = callback_key(settings.callback_signing_keys[0], job.job_id, job.attempt)
    return json.dumps(
        {
            "url": f"{settings.callback_url.rstrip('/')}/internal/jobs/{job.job_id}/status",
            "attempt": job.attempt,
            "key": base64.b64encode(key).decode(),
            "progressSeconds": settings.callback_progress_seconds,
        }
    ).encode()
