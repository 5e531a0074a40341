"""Why a job is where it is, in one sentence with its facts. Pure: made from the job's item alone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marshmallow import Schema, fields, validate

from api.jobs.records import job_status
from api.jobs.waits import Wait, WaitCode, wait_of
from api.protocol.answers import iso, moment, number, text
from shared.failure_cards import WHAT_TO_DO, FailureClass
from shared.models import FailureReason, Job, OnOutOfMemory
from shared.retry import class_of_end
from shared.transitions import JobStatus


class WaitingFor(StrEnum):
    """What has to happen before the job goes on, in the few words that came first; `WaitCode` has more."""

    WORKER = "worker"
    START = "start"
    RUN = "run"
    BACKOFF = "backoff"
    CANCELLATION = "cancellation"


COARSER: dict[WaitCode, WaitingFor] = {
    WaitCode.WORKER: WaitingFor.WORKER,
    WaitCode.START_PACING: WaitingFor.WORKER,
    WaitCode.START: WaitingFor.START,
    WaitCode.EMR_CAPACITY: WaitingFor.BACKOFF,
    WaitCode.EMR_REFUSAL: WaitingFor.BACKOFF,
    WaitCode.EMR_QUEUE: WaitingFor.RUN,
    WaitCode.RUN: WaitingFor.RUN,
    WaitCode.BACKOFF: WaitingFor.BACKOFF,
    WaitCode.CANCELLATION: WaitingFor.CANCELLATION,
}


@dataclass(frozen=True)
class Explanation:
    """One sentence, and what it is made of. `since` is when the present wait or end began."""

    summary: str
    wait: Wait | None
    since: datetime
    why_not_retried: str | None
    what_to_do: str | None


# Why a failure is final. A failed run is told apart further, see `why_run_failed`.
WHY_FINAL: dict[FailureReason, str] = {
    FailureReason.CANCELLED: "Its owner asked for its end.",
    FailureReason.TIMED_OUT: "A job that ran out of its time would do so again.",
    FailureReason.RUN_FAILED: "The failure is not one that is known to pass by itself.",
    FailureReason.INVALID_INPUT: "The same input and parameters would fail again.",
    FailureReason.CAPACITY: "No capacity was found before the job's deadline.",
    FailureReason.START_REJECTED: "EMR Serverless calls the request itself invalid.",
    FailureReason.CANCELLED_EXTERNALLY: "Somebody ended the run outside this platform, and may have had a reason.",
    FailureReason.RUN_LOST: "EMR Serverless no longer knows the run, so what it did is not known.",
    FailureReason.REPORTED: "The program itself reported the failure and named no reason that passes.",
    FailureReason.COST_LIMIT: "Another attempt would cost more than the job may (maxCostUsd).",
}


def explain(job: Job, now: datetime) -> Explanation:
    """Why the job is where it is."""
    wait = wait_of(job, now)
    if wait is not None:
        return Explanation(wait.summary, wait, wait.since, None, None)
    if job.status is JobStatus.FAILED:
        return _explain_failure(job)
    summary = f"Succeeded with attempt {job.attempt}; its manifest lists what it wrote."
    return Explanation(summary, None, _ended_at(job), None, None)


def _explain_failure(job: Job) -> Explanation:
    reason = job.failure_reason or FailureReason.RUN_FAILED
    failure_class = class_of_failure(job, reason)
    why_not_retried, what_to_do = WHY_FINAL[reason], WHAT_TO_DO[failure_class]
    if reason is FailureReason.RUN_FAILED:
        why_not_retried = why_run_failed(job, failure_class)
    if job.replayed_by:
        what_to_do = f"Nothing: it was replayed as {job.replayed_by[-1]}; look at that job."
    return Explanation(job.status_message, None, _ended_at(job), why_not_retried, what_to_do)


def class_of_failure(job: Job, reason: FailureReason) -> FailureClass:
    """What kind of failure ended the job: by the card of the attempt that ended with it, if one did."""
    last = job.attempts[-1] if job.attempts else None
    if last is not None and last.failure is not None and last.ended_at == job.finished_at:
        return last.failure.failure_class
    return class_of_end(reason, job.failure_detail or "")


def why_run_failed(job: Job, failure_class: FailureClass) -> str:
    """Why no attempt follows a failed run: the rules of shared/retry.py decided by its class."""
    if failure_class is FailureClass.USER:
        return "The program or its data is at fault, so it would fail again."
    if failure_class is FailureClass.MEMORY:
        return why_not_bigger(job)
    if failure_class is not FailureClass.TRANSIENT:
        return WHY_FINAL[FailureReason.RUN_FAILED]
    most = job.retry_policy.max_attempts
    if job.charged_failures + 1 >= most:
        return f"Such a failure may pass by itself, but all of its attempts ({most}) are used up."
    return "Such a failure may pass by itself, but the next attempt would have begun after the job's deadline."


def why_not_bigger(job: Job) -> str:
    """Why no larger attempt follows one that ran out of memory."""
    if job.went_bigger:
        return f"It ran out of memory at size {job.size_name} too, and a job goes bigger once."
    if job.request.on_out_of_memory is OnOutOfMemory.FAIL:
        return "The same size would run out of memory again, and the job allows no bigger one (onOutOfMemory)."
    if job.spec.bigger is None:
        return f"The same size would run out of memory again, and nothing bigger than {job.size_name} is to be had."
    return "The job allows a bigger attempt, but it would have begun after the job's deadline."


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
            metadata={
                "description": "What has to happen before the job goes on, in coarser words than waitCode's; null when "
                "it has ended."
            },
        ),
        "waitCode": fields.String(
            required=True,
            allow_none=True,
            validate=validate.OneOf([*map(str, WaitCode)]),
            metadata={"description": "The code of the job's own waitingFor; null when it has ended."},
        ),
        "since": moment("When this wait began, or the job ended."),
        "until": moment("The until of the job's own waitingFor.", allow_none=True),
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


def explanation_record(job: Job, now: datetime) -> dict[str, Any]:
    """An explanation as `ExplanationSchema` says."""
    found = explain(job, now)
    wait = found.wait
    return {
        "jobId": job.job_id,
        "status": str(job.status),
        "summary": found.summary,
        "waitingFor": None if wait is None else str(COARSER[wait.code]),
        "waitCode": None if wait is None else str(wait.code),
        "since": iso(found.since),
        "until": None if wait is None else iso(wait.until),
        "nextLookAt": iso(job.due_at),
        "attempt": job.attempt,
        "failureReason": None if job.failure_reason is None else str(job.failure_reason),
        "whyNotRetried": found.why_not_retried,
        "whatToDo": found.what_to_do,
    }
