"""Whose jobs a caller may see: its own, and an operator those of everybody."""

from api.auth import caller
from api.callers import OPS
from api.ids import is_job_id
from api.services import services
from shared.errors import Forbidden, JobNotFound
from shared.models import Job


def own_job(job_id: str) -> Job:
    """The job as it is stored now, if the caller may see it.

    Raises: JobNotFound, also for a job of somebody else's, so that nobody learns which ids there are; StoreUnavailable.
    """
    job = any_job(job_id)
    if job.owner_id != caller().owner_id and not caller().is_operator:
        raise JobNotFound(f"There is no job {job_id}.")
    return job


def listed_owner(asked: str | None) -> str:
    """Whose jobs a list shows: the caller's own, unless an operator asks for another's. Raises: Forbidden."""
    if asked not in (None, caller().owner_id) and not caller().is_operator:
        raise Forbidden(f"Only a token with the scope {OPS} lists the jobs of others.", scope=OPS)
    return asked or caller().owner_id


def any_job(job_id: str) -> Job:
    """The job, whosever it is. Raises: JobNotFound, StoreUnavailable."""
    if not is_job_id(job_id):
        raise JobNotFound("There is no such job; a job id is a UUID in lower case.")
    return services().store.get(job_id)
