"""Examples for the document: one job at five points of its life, made by the same code that makes real ones."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.explanations import explanation_record
from api.operations import load_with
from api.records import history_record, job_record
from api.schemas import SubmissionSchema
from shared.job_replay import Orders, failed_job, new_job
from shared.job_types import CSV_TO_PARQUET
from shared.lifecycle import cancel_requested, claimed, failed, recorded, succeeded
from shared.models import FailureReason, Job
from shared.replay_edits import edits_of
from shared.settings import Settings
from shared.submission import Origin, Submission, build_job

SETTINGS = replace(
    Settings(), emr_application_id="00fexample0000", emr_job_role_arn="arn:aws:iam::000000000000:role/jobs"
)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
JOB_ID = "019ab0a0-5c00-7000-8000-000000000001"
OTHER_JOB_ID = "019ab0a0-5c00-7000-8000-000000000002"
CORRELATION_ID = "nightly-flights-2026-11-23"
RUN_ID = "00fexamplerun1"


def later(seconds: float) -> datetime:
    """A moment of the example."""
    return NOON + timedelta(seconds=seconds)


def submission() -> Mapping[str, Any]:
    """The body of a request for a job."""
    more = {"tags": {"team": "ops"}, "timeoutSeconds": 3600, "maxAttempts": 3, "size": "small"}
    return {**CSV_TO_PARQUET.example, **more}


def unsent_job() -> Job:
    """The job as its submission makes it."""
    asked: Submission = load_with(SubmissionSchema, submission())
    return build_job(asked, CSV_TO_PARQUET, Origin(JOB_ID, "local", CORRELATION_ID, NOON), SETTINGS)


def _running() -> Job:
    return recorded(claimed(unsent_job(), later(1), SETTINGS), RUN_ID, later(2), SETTINGS, look_now=False)


def finished() -> Job:
    """The job once it has succeeded."""
    return succeeded(_running(), later(95), "worker", "Attempt 1 succeeded.")


def submitted_job() -> dict[str, Any]:
    """The record of the job just after its submission."""
    return job_record(unsent_job(), SETTINGS)


def running_job() -> dict[str, Any]:
    """The record of the job while it runs."""
    return job_record(_running(), SETTINGS)


def succeeded_job() -> dict[str, Any]:
    """The record of the job at its end."""
    return job_record(finished(), SETTINGS)


def cancelled_job() -> dict[str, Any]:
    """The record of the job when its cancellation was asked for."""
    return job_record(cancel_requested(_running(), later(30), "api:local", cancellation()["reason"]), SETTINGS)


def replay() -> dict[str, Any]:
    """The body of a request to replay."""
    return {
        "overrides": {"size": "medium", "parameters": {"nullValue": "NA"}},
        "reason": "It ran out of memory, and NA means null.",
    }


def replayed_job() -> dict[str, Any]:
    """The record of the job that repeats the job, had it failed."""
    old = failed(_running(), later(95), "worker", FailureReason.RUN_FAILED, "Out of memory.", later(95))
    asked = replay()
    orders = Orders("api:local", edits_of(asked["overrides"]), reason=asked["reason"])
    return job_record(new_job(failed_job(old), orders, later(600), SETTINGS), SETTINGS)


def batch() -> dict[str, Any]:
    """The body of a batch whose second submission is wrong."""
    return {
        "jobs": [
            {**submission(), "idempotencyKey": "flights-2026-11-23"},
            {**submission(), "size": "huge", "idempotencyKey": "flights-2026-11-24"},
        ]
    }


def job_page() -> dict[str, Any]:
    """A page of one job, and more behind it."""
    return {"items": [succeeded_job()], "nextCursor": "q7b1Zk3o2yF0cG9zaXRpb24jMDE5YWIwYTA"}


def batch_get() -> dict[str, Any]:
    """The body of a request for two jobs."""
    return {"jobIds": [JOB_ID, OTHER_JOB_ID]}


def found_jobs() -> dict[str, Any]:
    """One of two jobs."""
    return {"items": [succeeded_job()], "notFound": [OTHER_JOB_ID]}


def explanation() -> dict[str, Any]:
    """Why the job is where it is, while it runs."""
    return explanation_record(_running())


def history() -> dict[str, Any]:
    """The history of the job."""
    return {"items": [history_record(entry) for entry in finished().history]}


def cancellation() -> dict[str, Any]:
    """The body of a request to cancel."""
    return {"reason": "The input was the wrong file."}


def report() -> dict[str, Any]:
    """The body of a report."""
    return {"status": "RUNNING", "attempt": 1, "statusMessage": "Read 336776 rows."}
