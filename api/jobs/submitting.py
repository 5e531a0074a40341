"""Making jobs of submissions: what is checked, stored and sent, for one submission as for each of many."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from flask import g

from api.contracts.contract_checks import held_to_contract
from api.datasets.dataset_inputs import with_datasets
from api.identity.auth import caller
from api.ids import keyed_job_id
from api.jobs.checks import check_submission
from api.jobs.inputs import Inputs
from api.services import services
from shared.errors import (
    AppError,
    IdempotencyKeyReused,
    JobNotFound,
    QueueUnavailable,
    StoreUnavailable,
)
from shared.job_queue import job_message
from shared.job_store import Refused
from shared.lifecycle import waiting
from shared.limits.quotas import limits_of
from shared.models import Job
from shared.submission import Origin, Submission, build_job, digest_of

log = structlog.get_logger()


@dataclass(frozen=True)
class Submitted:
    """The job that a submission made, or had made before."""

    job: Job
    is_replay: bool


def submit(asked: Submission, key: str | None) -> Submitted:
    """One job for a key, however often it is called; without one, a job for every call.

    Raises: ValidationFailed, QuotaExceeded, IdempotencyKeyReused, ObjectsUnavailable, StoreUnavailable.
    """
    submitted = submit_as(asked, job_id_of(key), made_by(key), services().objects)
    if not submitted.is_replay:
        send_message(submitted.job)
    return submitted


def job_id_of(key: str | None) -> str:
    """The one id that a key of the caller's can have, or a new one."""
    if key is None:
        return services().new_job_id(services().clock())
    return keyed_job_id(caller().owner_id, key)


def made_by(key: str | None) -> Job | None:
    """The job that a key of the caller's has made. Raises: StoreUnavailable."""
    if key is None:
        return None
    try:
        return services().store.get(keyed_job_id(caller().owner_id, key))
    except JobNotFound:
        return None


def submit_as(asked: Submission, job_id: str, known: Job | None, inputs: Inputs) -> Submitted:
    """The job of this id, stored now unless it is `known`; the workers have yet to be told.

    Raises: as `submit`.
    """
    if known is not None:  # before all checks: what was accepted stays accepted, although its inputs may be gone by now
        return repeated(known, asked)
    job = checked_job(asked, job_id, inputs)
    outcome = services().store.create(job, limits_of(services().settings))
    if isinstance(outcome, Refused):
        if outcome.job is None:
            raise StoreUnavailable(f"The job {job_id} was there and is gone.")
        return repeated(outcome.job, asked)
    log.info("job_submitted", job_id=job_id, job_type=job.request.job_type)
    return Submitted(outcome.job, is_replay=False)


def checked_job(asked: Submission, job_id: str, inputs: Inputs) -> Job:
    """The job that a submission would make; nothing is stored. Raises: ValidationFailed, ObjectsUnavailable."""
    settings, asked = services().settings, with_datasets(asked)
    job_type = check_submission(asked, settings, inputs)
    asked = held_to_contract(asked, job_type, services().contracts, inputs)
    origin = Origin(job_id, caller().owner_id, g.correlation_id, services().clock())
    return build_job(asked, job_type, origin, settings)


def repeated(stored: Job, asked: Submission) -> Submitted:
    """The answer to a repeated request. Raises: IdempotencyKeyReused if it is another request."""
    if stored.request_digest != digest_of(asked):
        raise IdempotencyKeyReused(
            f"The Idempotency-Key made job {stored.job_id} from another body; use a new key for a new job."
        )
    return Submitted(stored, is_replay=True)


def send_message(job: Job) -> None:
    """Tell the workers. What cannot be sent is not lost: the job is due at once, and their timer finds it."""
    try:
        services().queue.send(job_message(job.job_id), {"correlationId": job.correlation_id})
    except QueueUnavailable as error:
        log.warning("job_message_not_sent", job_id=job.job_id, reason=error.detail)
        make_due(job)


def send_messages(jobs: Sequence[Job]) -> None:
    """Tell the workers of all jobs of one request, ten in a call."""
    bodies = [job_message(job.job_id) for job in jobs]
    for position in services().queue.send_all(bodies, {"correlationId": g.correlation_id}):
        make_due(jobs[position])


def make_due(job: Job) -> None:
    """Let the timer find the job now, or else after its grace."""
    now = services().clock()
    try:
        services().store.update(job, waiting(job, now, now))
    except AppError as error:  # the job is stored, and that is all that was promised
        log.warning("job_not_made_due", job_id=job.job_id, due_at=str(job.due_at), reason=error.detail)
