"""Replaying a failed job: its owner's way to what operators do with dead letters."""

from http import HTTPStatus

import structlog
from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.contracts.contract_checks import held_to_contract
from api.datasets.dataset_inputs import refuse_inputs_held_back
from api.identity.auth import caller, writes_jobs
from api.identity.owned import own_job
from api.jobs.checks import check_submission
from api.jobs.records import JobSchema, job_record
from api.jobs.replay_request import OverridesSchema, ReplayRequest, ReplaySchema
from api.jobs.submission import REPLAYED, as_submitted
from api.protocol.operations import returns, takes_optional_body
from api.protocol.pointers import pointing
from api.services import services
from shared.errors import (
    DatasetHeldBack,
    JobAlreadyReplayed,
    JobNotFailed,
    JobNotFound,
    ObjectsUnavailable,
    QuotaExceeded,
    StoreUnavailable,
)
from shared.limits.quotas import limits_of
from shared.models import Job
from shared.replays.job_replay import (
    FailedJob,
    JobReplayer,
    Orders,
    Replayed,
    failed_job,
    new_job,
    new_job_id,
    refuse_another,
    submission_of,
)
from shared.replays.replay_edits import edits_of

log = structlog.get_logger()
blueprint = Blueprint("replays", __name__)

OVERRIDABLE = frozenset(str(field.data_key or name) for name, field in OverridesSchema().fields.items())


@blueprint.post("/jobs/<job_id>/replay")
@writes_jobs
@takes_optional_body(ReplaySchema)
@returns(
    JobSchema,
    HTTPStatus.ACCEPTED,
    problems=(
        *(JobNotFound, JobNotFailed, JobAlreadyReplayed, DatasetHeldBack),
        *(QuotaExceeded, StoreUnavailable, ObjectsUnavailable),
    ),
    headers={"Location": "The path of the new job.", REPLAYED: "true, if an earlier request made the job."},
)
def replay_job(job_id: str, body: ReplayRequest) -> ResponseReturnValue:
    """Repeat a failed job as a new one.

    The same request makes one job, however often it is sent, and the same one as an operator who replays the job's
    dead letter with the same changes. What was replayed before with other changes needs `again`.
    """
    with pointing(in_overrides):
        edits = edits_of(body.overrides)
    replayed = replay(own_job(job_id), Orders(f"api:{caller().owner_id}", edits, body.again, body.reason))
    record = job_record(as_submitted(replayed.job), services().settings, replayed.job.created_at)
    known = {} if replayed.is_first else {REPLAYED: "true"}
    return record, HTTPStatus.ACCEPTED, {"Location": record["links"]["self"], **known}


def replay(old: Job, orders: Orders) -> Replayed:
    """The job that repeats a failed one, made now or before.

    Raises: JobNotFailed, JobAlreadyReplayed, ValidationFailed, DatasetHeldBack, ObjectsUnavailable, QuotaExceeded,
    StoreUnavailable.
    """
    failed, replayer = failed_job(old), replayer_of_owners()
    try:
        # Before all checks: what was accepted stays accepted, although its inputs may be gone by now.
        known = services().store.get(new_job_id(failed, orders))
    except JobNotFound:
        refuse_another(failed, old.replayed_by, orders)
    else:
        replayer.link(old, known.job_id, orders)
        return Replayed(known, is_first=False)
    replayed = replayer.store(checked_job(failed, orders), old, orders)
    log.info("job_replayed", job_id=replayed.job.job_id, replay_of=old.job_id, is_first=replayed.is_first)
    return replayed


def replayer_of_owners() -> JobReplayer:
    """What replays in an owner's name, within the quotas of the job's owner."""
    found = services()
    return JobReplayer(found.store, found.queue, found.clock, limits_of(found.settings))


def checked_job(failed: FailedJob, orders: Orders) -> Job:
    """The new job, which may be run like any other submission.

    Raises: ValidationFailed, DatasetHeldBack, ObjectsUnavailable, StoreUnavailable.
    """
    with pointing(in_overrides):
        job = new_job(failed, orders, services().clock(), services().settings)
        asked, found = submission_of(failed, orders.edits), services()
        job_type = check_submission(asked, found.settings, found.objects)
        refuse_inputs_held_back(asked)
        held_to_contract(asked, job_type, found.contracts, found.objects)
    return job


def in_overrides(pointer: str) -> str:
    """Where a problem of the new submission lies in the body: at all of it, if no override can mend it."""
    field, _, _ = pointer.removeprefix("/").partition("/")
    return f"/overrides{pointer}" if field in OVERRIDABLE else ""
