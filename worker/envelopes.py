"""What lies on the dead-letter queue: a job that failed, or a message that nobody could read."""

from typing import Any

from shared.failure_cards import card_to_item
from shared.locations import driver_log_uri
from shared.models import Job, job_to_item
from shared.moments import epoch_ms
from shared.redaction import clean_text
from shared.replays.job_replay import failure_id
from shared.settings import Settings

ENVELOPE_VERSION = 1
# SQS takes 1 MiB; an item's spec is far smaller, but a body that somebody else sent may not be.
BODY_CHARACTERS = 200_000


def failed_job_envelope(job: Job, settings: Settings) -> dict[str, Any]:
    """All that an operator needs to understand a failed job and to submit it again."""
    item = job_to_item(job)
    envelope = {
        "envelope": "job-failed",
        "schemaVersion": ENVELOPE_VERSION,
        "id": failure_id(job.job_id),
        "at": epoch_ms(job.finished_at or job.updated_at),
        "jobId": job.job_id,
        "ownerId": job.owner_id,
        "correlationId": job.correlation_id,
        "failureReason": item["failureReason"],
        "failureDetail": item.get("failureDetail"),
        "failure": last_card(job),
        "attempt": job.attempt,
        "runId": job.run_id,
        "driverLogUri": driver_log_uri(settings, job),
        "request": item["request"],
        "spec": item["spec"],
        "retryPolicy": item["retryPolicy"],
        "scanOf": job.scan_of,
    }
    return {name: value for name, value in envelope.items() if value is not None}


def last_card(job: Job) -> dict[str, Any] | None:
    """The failure card of the job's last attempt, and what to do; None if no attempt of it failed."""
    card = job.attempts[-1].failure if job.attempts else None
    return {**card_to_item(card), "whatToDo": card.what_to_do} if card else None


def unprocessable_envelope(message_id: str, queue: str, error: str, body: str) -> dict[str, Any]:
    """A message that can never be handled, with why, and as much of it as fits; nobody sends it again.

    It may hold anything, so the secrets that can be known by their form are blotted out.
    """
    return {
        "envelope": "unprocessable",
        "schemaVersion": ENVELOPE_VERSION,
        "id": message_id,
        "queue": queue,
        "error": clean_text(error),
        "body": clean_text(body)[:BODY_CHARACTERS],
    }
