"""Replaying one failed job: it becomes a new job, once, whoever asks however often.

The new job's id follows from the failure, the edits and a salt. So the operators' command and the API make the same
job of the same failure, whichever comes first. The order of the writes may be cut anywhere: the new job is stored, its
message is sent, and the failed job learns of it. Whoever does it again finds the job stored and goes on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import (
    FieldProblem,
    JobAlreadyReplayed,
    JobNotFailed,
    QueueUnavailable,
    StoreUnavailable,
    ValidationFailed,
)
from shared.job_catalogue import available_types
from shared.job_changes import change_job, make_due
from shared.job_queue import JobQueue, job_message
from shared.job_store import JobStore, Refused
from shared.job_types import parameter_problems
from shared.lifecycle import replayed_as
from shared.limits.quotas import Quota
from shared.models import HISTORY_MESSAGE_CHARACTERS, FailureReason, Job, JobRequest
from shared.redaction import clean_text
from shared.replays.replay_edits import NO_EDITS, Edits, field_problems, replayed_job_id
from shared.settings import Settings
from shared.submission import Origin, Submission, build_job
from shared.transitions import JobStatus


@dataclass(frozen=True)
class FailedJob:
    """All of a job that failed that a replay needs: of its item, or of its dead letter, which outlives the item."""

    failure_id: str
    job_id: str
    owner_id: str
    correlation_id: str
    at: datetime
    reason: FailureReason
    detail: str
    attempt: int
    request: JobRequest
    max_attempts: int
    scan_of: str | None = None


@dataclass(frozen=True)
class Orders:
    """What is wanted of a replay: which changes, whether once more than before, in whose name and why."""

    by: str
    edits: Edits = NO_EDITS
    again: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Replayed:
    """The job that a replay made, or that the same replay had made before."""

    job: Job
    is_first: bool


def failure_id(job_id: str) -> str:
    """What names the failure of a job: a job fails once."""
    return f"{job_id}.failed"


def failed_job(job: Job) -> FailedJob:
    """The failure that a job's item tells of. Raises: JobNotFailed."""
    if job.status is not JobStatus.FAILED:
        raise JobNotFailed(f"Job {job.job_id} is {job.status}; only a job that FAILED can be replayed.")
    return FailedJob(
        failure_id=failure_id(job.job_id),
        job_id=job.job_id,
        owner_id=job.owner_id,
        correlation_id=job.correlation_id,
        at=job.finished_at or job.updated_at,
        reason=job.failure_reason or FailureReason.RUN_FAILED,
        detail=job.failure_detail or "",
        attempt=job.attempt,
        request=job.request,
        max_attempts=job.retry_policy.max_attempts,
        scan_of=job.scan_of,
    )


def new_job_id(failed: FailedJob, orders: Orders) -> str:
    """The one id that this replay of this failure can have."""
    return replayed_job_id(failed.failure_id, orders.edits, orders.again)


def refuse_another(failed: FailedJob, replayed_by: tuple[str, ...], orders: Orders) -> None:
    """What was replayed with other edits is not replayed by mistake. Raises: JobAlreadyReplayed."""
    if replayed_by and new_job_id(failed, orders) not in replayed_by and not orders.again:
        names = ", ".join(replayed_by)
        raise JobAlreadyReplayed(f"It was replayed as {names}, with other edits; another replay needs a salt (again).")


def submission_of(failed: FailedJob, edits: Edits) -> Submission:
    """What is asked for instead of what failed. Raises: ValidationFailed for a path that leads nowhere."""
    request = failed.request
    return edits.apply(
        Submission(
            job_type=request.job_type,
            inputs=request.inputs,
            parameters=request.parameters,
            tags=request.tags,
            size=request.size,
            timeout_seconds=request.timeout_seconds,
            max_attempts=failed.max_attempts,
            contract=str(request.contract) if request.contract else None,
            contract_ref=request.contract,
            capacity=request.capacity,
            on_out_of_memory=request.on_out_of_memory,
            max_cost_usd=request.max_cost_usd,
        )
    )


def new_job(failed: FailedJob, orders: Orders, now: datetime, settings: Settings) -> Job:
    """The job that repeats a failed one; nothing is written. Raises: ValidationFailed with all that is wrong."""
    asked = submission_of(failed, orders.edits)
    types = available_types(settings)
    if asked.job_type not in types:
        text = f"There is no job type {asked.job_type!r} any more."
        raise ValidationFailed(text, [FieldProblem("/jobType", text)])
    job_type = types[asked.job_type]
    problems = field_problems(asked)
    for problem in parameter_problems(job_type, asked.parameters):
        problems.append(FieldProblem(f"/parameters{problem.pointer}", problem.message))
    if problems:
        told = " ".join(f"{problem.pointer}: {problem.message}" for problem in problems)
        raise ValidationFailed(told, problems)
    origin = Origin(new_job_id(failed, orders), failed.owner_id, failed.correlation_id, now)
    built = build_job(asked, job_type, origin, settings)
    message = clean_text(f"Replayed from {failed.job_id}.{_because(orders)}")
    begun = replace(built.history[0], by=orders.by, message=message[:HISTORY_MESSAGE_CHARACTERS])
    # With other parameters it would be another scan than that which the dataset is to be told of.
    scan_of = failed.scan_of if asked.parameters == failed.request.parameters else None
    return replace(built, replay_of=failed.job_id, status_message=message, history=(begun,), scan_of=scan_of)


class JobReplayer:
    """Writes what a replay writes."""

    def __init__(
        self,
        store: JobStore,
        queue: JobQueue,
        clock: Callable[[], datetime],
        limits: Mapping[Quota, int] | None = None,
    ) -> None:
        """`limits` are those of an owner who asks for the replay; an operator's is counted and never refused."""
        self._store = store
        self._queue = queue
        self._clock = clock
        self._limits = limits

    def store(self, new: Job, old: Job | None, orders: Orders) -> Replayed:
        """Store the new job, tell the workers, and let the failed job know. Safe to repeat.

        Raises: QuotaExceeded, JobNotFound, StoreUnavailable.
        """
        created = self._store.create(new, self._limits)
        if isinstance(created, Refused):
            if created.job is None:
                raise StoreUnavailable(f"The job {new.job_id} was there and is gone.")
            self.link(old, created.job.job_id, orders)
            return Replayed(created.job, is_first=False)
        self._send(created.job)
        self.link(old, new.job_id, orders)
        return Replayed(created.job, is_first=True)

    def link(self, old: Job | None, new_id: str, orders: Orders) -> None:
        """Let the failed job know its replay, once; the workers' own writes to it go first.

        Raises: JobNotFound, StoreUnavailable.
        """

        def linked(seen: Job) -> Job:
            if new_id in seen.replayed_by:
                return seen
            return replayed_as(seen, new_id, self._clock(), orders.by, f"Replayed as {new_id}.{_because(orders)}")

        if old is not None:
            change_job(self._store, old, linked)

    def _send(self, job: Job) -> None:
        """Tell the workers. What cannot be sent is not lost: the job is due at once, and their timer finds it."""
        try:
            self._queue.send(job_message(job.job_id), {"correlationId": job.correlation_id})
        except QueueUnavailable:
            make_due(self._store, job, self._clock())


def _because(orders: Orders) -> str:
    return f" {orders.reason}" if orders.reason else ""
