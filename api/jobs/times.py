"""How long a job and its attempts were in each state. Pure: made from moments that the job's item has."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from api.jobs.waits import is_queued
from api.protocol.answers import amount
from shared.attempts import AttemptRecord
from shared.models import Job
from shared.transitions import JobStatus

AttemptTimesSchema = Schema.from_dict(
    {
        "waitedSeconds": amount(
            "Before its start was asked for: since the submission, or since the end of the attempt before; null where "
            "that is not known any more.",
            allow_none=True,
        ),
        "queuedSeconds": amount(
            "From then until EMR Serverless had its workers, or until now; null where nobody knows that they came.",
            allow_none=True,
        ),
        "ranSeconds": amount(
            "From then until its end was recorded, or until now; null as above.",
            allow_none=True,
        ),
    },
    name="AttemptTimesSchema",
)

JobTimesSchema = Schema.from_dict(
    {
        "submittedSeconds": amount(
            "As SUBMITTED, until now if it is; null where a very long history does not say it any more.",
            allow_none=True,
        ),
        "runningSeconds": amount(
            "As RUNNING, until now if it is, with all attempts and waits between them; null before, and as above.",
            allow_none=True,
        ),
        "currentAttempt": fields.Nested(
            AttemptTimesSchema,
            required=True,
            allow_none=True,
            metadata={
                "description": "The attempt that is under way, or null; those that have ended have their own times."
            },
        ),
    },
    name="JobTimesSchema",
)


def job_times(job: Job, now: datetime) -> dict[str, Any]:
    """How long the job was in each state, as `JobTimesSchema` says."""
    claimed_at = now if job.status is JobStatus.SUBMITTED else _claimed_at(job)
    is_running = job.status is not JobStatus.SUBMITTED
    return {
        "submittedSeconds": _seconds(job.created_at, claimed_at),
        "runningSeconds": _seconds(claimed_at, job.finished_at or now) if is_running else None,
        "currentAttempt": _current_times(job, now) if job.is_starting or job.is_tracking else None,
    }


def attempt_times(record: AttemptRecord, job: Job) -> dict[str, Any]:
    """How long an ended attempt of the job was in each state, as `AttemptTimesSchema` says."""
    return {
        "waitedSeconds": _seconds(_free_since(job, record.attempt), record.started_at),
        "queuedSeconds": _seconds(record.started_at, record.run_began_at),
        "ranSeconds": _seconds(record.run_began_at, record.ended_at),
    }


def _current_times(job: Job, now: datetime) -> dict[str, Any]:
    queued_until = now if is_queued(job) else job.run_began_at
    return {
        "waitedSeconds": _seconds(_free_since(job, job.attempt), job.intent_at),
        "queuedSeconds": _seconds(job.intent_at, queued_until),
        "ranSeconds": _seconds(job.run_began_at, now),
    }


def _claimed_at(job: Job) -> datetime | None:
    """When the job became RUNNING; a history that became too long has lost it."""
    moves = (e.at for e in job.history if (e.moved_from, e.moved_to) == (JobStatus.SUBMITTED, JobStatus.RUNNING))
    return next(moves, None)


def _free_since(job: Job, attempt: int) -> datetime | None:
    """Since when the attempt could have begun: the end of the one before it, of which many are kept."""
    if attempt == 1:
        return job.created_at
    return next((record.ended_at for record in job.attempts if record.attempt == attempt - 1), None)


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    """Between two moments that may come from two clocks, to the millisecond; None unless both are known."""
    if begun is None or ended is None:
        return None
    return round(max(0.0, (ended - begun).total_seconds()), 3)
