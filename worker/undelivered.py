"""What a program reported in vain, found in its folder when its run has ended, as entries of the job's history."""

from datetime import datetime
from typing import Any

import structlog

from shared.errors import ObjectsForbidden, ObjectsUnavailable
from shared.lifecycle import reported_in_vain
from shared.locations import undelivered_uri
from shared.models import HISTORY_MESSAGE_CHARACTERS, Job
from shared.object_store import ObjectStore
from shared.redaction import clean_text
from shared.settings import Settings

log = structlog.get_logger()

# The last progress, and an end.
MOST_REPORTS = 2
EVENTFUL = ("SUCCESS", "FAILED")


class UndeliveredReports:
    """Reads what an attempt left of its reports, where its program was told to report."""

    def __init__(self, objects: ObjectStore, settings: Settings) -> None:
        self._objects = objects
        self._settings = settings

    def of(self, job: Job, state: str) -> tuple[str, ...]:
        """Sentences about them, once the run is over. They are only told, so an S3 that does not answer is no matter.

        A run that was cancelled had no time to leave any.
        """
        if state not in EVENTFUL or job.spec.callbacks_uri is None or not self._settings.takes_reports:
            return ()
        try:
            left = self._objects.read_json(undelivered_uri(self._settings, job))
        except (ObjectsForbidden, ObjectsUnavailable) as error:
            log.warning("undelivered_reports_not_read", reason=error.detail)
            return ()
        reports = left.get("reports") if isinstance(left, dict) else None
        known = [each for each in reports if isinstance(each, dict)] if isinstance(reports, list) else []
        return tuple(told(job, each) for each in known[:MOST_REPORTS])


def told(job: Job, report: dict[str, Any]) -> str:
    """A report as a sentence. A program of the user's may have written anything, so each part is cut."""
    status, at, why = (plain(report.get(name)) for name in ("status", "at", "why"))
    return f"Attempt {job.attempt} reported {status} at {at} in vain: {why}"[:HISTORY_MESSAGE_CHARACTERS]


def plain(value: Any) -> str:
    """A value as text that UTF-8 can hold, on one line and without secrets."""
    return " ".join(clean_text(str(value)).encode(errors="replace").decode()[:HISTORY_MESSAGE_CHARACTERS].split())


def with_undelivered(job: Job, now: datetime, sentences: tuple[str, ...]) -> Job:
    """The job with an entry for each of them in its history."""
    for sentence in sentences:
        job = reported_in_vain(job, now, sentence)
    return job
