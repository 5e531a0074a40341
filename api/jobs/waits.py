"""What a job that has not ended waits for. Pure: made from the job's item and the time alone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marshmallow import Schema, validate

from api.protocol.answers import iso, moment, text
from shared.delays import DelayCause, StartDelay
from shared.models import Job
from shared.transitions import JobStatus

# EMR Serverless' words for a run that has no workers yet.
QUEUED_STATES = ("SUBMITTED", "PENDING", "SCHEDULED", "QUEUED")


class WaitCode(StrEnum):
    """What has to happen before the job goes on."""

    WORKER = "worker"
    START_PACING = "start-pacing"
    START = "start"
    EMR_CAPACITY = "emr-capacity"
    EMR_REFUSAL = "emr-refusal"
    EMR_QUEUE = "emr-queue"
    RUN = "run"
    BACKOFF = "backoff"
    CANCELLATION = "cancellation"


@dataclass(frozen=True)
class Wait:
    """What a job waits for, as a sentence too, and since when. `until` is when it is over or tried again, if known."""

    code: WaitCode
    summary: str
    since: datetime
    until: datetime | None = None


MEANINGS: dict[WaitCode, str] = {
    WaitCode.WORKER: "a worker to take it up",
    WaitCode.START_PACING: "its turn: all starts together are paced",
    WaitCode.START: "EMR Serverless's answer to its start",
    WaitCode.EMR_CAPACITY: "EMR Serverless to take more starts, or to have room for its run",
    WaitCode.EMR_REFUSAL: "the operators: EMR Serverless refuses this platform's starts",
    WaitCode.EMR_QUEUE: "EMR Serverless to begin its run",
    WaitCode.RUN: "its run, which goes on, or is not known to be queued",
    WaitCode.BACKOFF: "time to pass after an attempt that failed",
    WaitCode.CANCELLATION: "its end, which was asked for",
}

WaitSchema = Schema.from_dict(
    {
        "code": text(
            "For what: " + "; ".join(f"{code}: {meaning}" for code, meaning in MEANINGS.items()) + ".",
            validate=validate.OneOf([*map(str, WaitCode)]),
        ),
        "summary": text("The same as a sentence, with its facts."),
        "since": moment("When this wait began."),
        "until": moment(
            "When it is over, or tried again; null where that is not known, or has passed and a worker goes on next.",
            allow_none=True,
        ),
    },
    name="WaitSchema",
)


def wait_record(job: Job, now: datetime) -> dict[str, Any] | None:
    """What the job waits for, as `WaitSchema` says; None once it has ended."""
    wait = wait_of(job, now)
    if wait is None:
        return None
    return {"code": str(wait.code), "summary": wait.summary, "since": iso(wait.since), "until": iso(wait.until)}


def wait_of(job: Job, now: datetime) -> Wait | None:
    """What the job waits for; None once it has ended."""
    if job.status.is_terminal:
        return None
    if job.cancel_requested_at is not None:
        summary = "Its cancellation was asked for; it ends as soon as no run of it is alive."
        return Wait(WaitCode.CANCELLATION, summary, job.cancel_requested_at)
    if job.is_tracking:
        return _wait_for_run(job)
    if job.delay is not None:
        return _wait_for_start(job, job.delay, now)
    return _wait_for_worker(job)


def is_queued(job: Job) -> bool:
    """Whether the job's run is known, and as far as anybody told, EMR Serverless has not begun it.

    Where nobody looked yet, a program that is to report when it begins, and did not, has not begun.
    """
    if not job.is_tracking or job.run_began_at is not None:
        return False
    return job.run_state in QUEUED_STATES or (job.run_state is None and job.spec.callbacks_uri is not None)


def _wait_for_run(job: Job) -> Wait:
    intended_at = job.intent_at or job.history[-1].at
    if is_queued(job):
        state = "" if job.run_state is None else f" (seen as {job.run_state})"
        summary = f"EMR Serverless has run {job.run_id} of attempt {job.attempt} in its queue{state}."
        return Wait(WaitCode.EMR_QUEUE, summary, intended_at)
    summary = f"Attempt {job.attempt} is with EMR Serverless as run {job.run_id}{_how_far(job)}{_how_long(job)}."
    return Wait(WaitCode.RUN, summary, job.run_began_at or intended_at)


def _how_far(job: Job) -> str:
    if job.progress is None:
        return ""
    done, total = job.progress.stages_done, job.progress.stages_total
    return f"; its program has done {done} of the {total} stages that Spark knows so far"


def _how_long(job: Job) -> str:
    if job.cost_limit_at is None:
        return ""
    return f"; it is ended at {iso(job.cost_limit_at)} if it runs till then, for its maxCostUsd"


def _wait_for_start(job: Job, delay: StartDelay, now: datetime) -> Wait:
    until = delay.until if delay.until > now else None
    if delay.cause is DelayCause.START_PACING:
        attempt = job.attempt if job.is_starting else job.attempt + 1
        summary = (
            f"Attempt {attempt} waits for its turn: the starts of all users together are paced, to about one a "
            "second, and pause while EMR Serverless takes none."
        )
        return Wait(WaitCode.START_PACING, summary, delay.since, until)
    return Wait(WaitCode(delay.cause), job.status_message, delay.since, until)


def _wait_for_worker(job: Job) -> Wait:
    if job.status is JobStatus.SUBMITTED:
        summary = "Waits for a worker: runs are started in order, about one a second for all users together."
        return Wait(WaitCode.WORKER, summary, job.created_at)
    since = job.history[-1].at
    if job.is_starting:
        summary = f"Attempt {job.attempt} is being started; EMR Serverless has not confirmed it yet."
        return Wait(WaitCode.START, summary, job.intent_at or since)
    if job.attempt == 0:
        return Wait(WaitCode.WORKER, "Waits for a worker to start its first attempt.", since)
    # Stored by a version that did not note why.
    return Wait(WaitCode.BACKOFF, job.status_message, since)
