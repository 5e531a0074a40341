"""Why a job is where it is, in one sentence with its facts. Pure: made from the job's item alone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marshmallow import Schema, fields, validate

from api.jobs.records import iso, job_status, moment, number, text
from shared.models import FailureReason, Job
from shared.retry import FailureClass, classify_failure
from shared.transitions import JobStatus


class WaitingFor(StrEnum):
    """What has to happen before the job goes on."""

    WORKER = "worker"
    START = "start"
    RUN = "run"
    BACKOFF = "backoff"
    CANCELLATION = "cancellation"


@dataclass(frozen=True)
class Explanation:
    """One sentence, and what it is made of. `since` is when the present wait or end began."""

    summary: str
    waiting_for: WaitingFor | None
    since: datetime
    why_not_retried: str | None
    what_to_do: str | None


# Why a failure is final, and what its owner can do. A failed run is told apart further, see `why_run_failed`.
ENDINGS: dict[FailureReason, tuple[str, str]] = {
    FailureReason.CANCELLED: ("Its owner asked for its end.", "Replay it if it is wanted after all."),
    FailureReason.TIMED_OUT: (
        "A job that ran out of its time would do so again.",
        "Replay it with a larger timeoutSeconds or size, or submit it with less input.",
    ),
    FailureReason.RUN_FAILED: (
        "The failure is not one that is known to pass by itself.",
        "Read the driver's log (driverLogUri), mend what it names, and replay it; lost memory asks for a larger size.",
    ),
    FailureReason.INVALID_INPUT: (
        "The same input and parameters would fail again.",
        "Mend what the failure's detail names: the input, and replay it; or a parameter, by the replay's overrides.",
    ),
    FailureReason.CAPACITY: (
        "No capacity was found before the job's deadline.",
        "Replay it when less is running, or ask the operators to have the account's vCPU quota raised.",
    ),
    FailureReason.START_REJECTED: (
        "EMR Serverless calls the request itself invalid.",
        "Show the failure's detail to the operators: the configuration may be at fault. Then replay it.",
    ),
    FailureReason.CANCELLED_EXTERNALLY: (
        "Somebody ended the run outside this platform, and may have had a reason.",
        "Ask the operators who did it, and replay it.",
    ),
    FailureReason.RUN_LOST: (
        "EMR Serverless no longer knows the run, so what it did is not known.",
        "Look whether its outputs are wanted, and replay it.",
    ),
    FailureReason.REPORTED: (
        "The program itself reported the failure and named no reason that passes.",
        "Read the failure's detail and the driver's log, and replay it.",
    ),
}


def explain(job: Job) -> Explanation:
    """Why the job is where it is."""
    if job.status is JobStatus.FAILED:
        return _explain_failure(job)
    if job.status is JobStatus.SUCCEEDED:
        summary = f"Succeeded with attempt {job.attempt}; its manifest lists what it wrote."
        return Explanation(summary, None, _ended_at(job), None, None)
    if job.cancel_requested_at is not None:
        summary = "Its cancellation was asked for; it ends as soon as no run of it is alive."
        return Explanation(summary, WaitingFor.CANCELLATION, job.cancel_requested_at, None, None)
    if job.status is JobStatus.SUBMITTED:
        summary = "Waits for a worker: runs are started in order, about one a second for all users together."
        return Explanation(summary, WaitingFor.WORKER, job.created_at, None, None)
    return _explain_running(job)


def _explain_running(job: Job) -> Explanation:
    since = job.history[-1].at
    if job.is_tracking:
        summary = f"Attempt {job.attempt} is with EMR Serverless as run {job.run_id}."
        return Explanation(summary, WaitingFor.RUN, job.intent_at or since, None, None)
    if job.is_starting:
        summary = f"Attempt {job.attempt} is being started; EMR Serverless has not confirmed it yet."
        return Explanation(summary, WaitingFor.START, job.intent_at or since, None, None)
    return Explanation(job.status_message, WaitingFor.BACKOFF, since, None, None)


def _explain_failure(job: Job) -> Explanation:
    reason = job.failure_reason or FailureReason.RUN_FAILED
    why_not_retried, what_to_do = ENDINGS[reason]
    if reason is FailureReason.RUN_FAILED:
        why_not_retried = why_run_failed(job)
    if job.replayed_by:
        what_to_do = f"Nothing: it was replayed as {job.replayed_by[-1]}; look at that job."
    return Explanation(job.status_message, None, _ended_at(job), why_not_retried, what_to_do)


def why_run_failed(job: Job) -> str:
    """Why no attempt follows a failed run: by its text, the rules of shared/retry.py decided about it."""
    failure_class = classify_failure(None, job.failure_detail or "")
    if failure_class is FailureClass.USER:
        return "The program or its data is at fault, so it would fail again."
    if failure_class is not FailureClass.TRANSIENT:
        return ENDINGS[FailureReason.RUN_FAILED][0]
    most = job.retry_policy.max_attempts
    if job.charged_failures + 1 >= most:
        return f"Such a failure may pass by itself, but all of its attempts ({most}) are used up."
    return "Such a failure may pass by itself, but the next attempt would have begun after the job's deadline."


def _ended_at(job: Job) -> datetime:
    return job.finished_at or job.updated_at


ExplanationSchema = Schema.from_dict(
    {
        "jobId": text("The job."),
        "status": job_status("Where it is."),
        "summary": text("Why, as one sentence."),
        "waitingFor": fields.String(
            required=True,
            allow_none=True,
            validate=validate.OneOf([str(cause) for cause in WaitingFor]),
            metadata={"description": "What has to happen before the job goes on; null when it has ended."},
        ),
        "since": moment("When this wait began, or the job ended."),
        "nextLookAt": moment("When a worker looks at the job at the latest; null when none needs to.", allow_none=True),
        "attempt": number("The attempt it is about; 0 before the first."),
        "failureReason": fields.String(
            required=True,
            allow_none=True,
            validate=validate.OneOf([str(reason) for reason in FailureReason]),
            metadata={"description": "Why it failed; null unless it did."},
        ),
        "whyNotRetried": text("Why no further attempt follows; null unless it failed.", allow_none=True),
        "whatToDo": text("What its owner can do; null unless it failed.", allow_none=True),
    },
    name="ExplanationSchema",
)


def explanation_record(job: Job) -> dict[str, Any]:
    """An explanation as `ExplanationSchema` says."""
    found = explain(job)
    return {
        "jobId": job.job_id,
        "status": str(job.status),
        "summary": found.summary,
        "waitingFor": None if found.waiting_for is None else str(found.waiting_for),
        "since": iso(found.since),
        "nextLookAt": iso(job.due_at),
        "attempt": job.attempt,
        "failureReason": None if job.failure_reason is None else str(job.failure_reason),
        "whyNotRetried": found.why_not_retried,
        "whatToDo": found.what_to_do,
    }
