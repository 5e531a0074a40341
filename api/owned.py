"""The caller's own jobs, by id."""

from api.auth import caller
from api.ids import is_job_id
from api.services import services
from shared.errors import JobNotFound
from shared.models import Job


def own_job(job_id: str) -> Job:
    """The job as it is stored now. Raises: JobNotFound, also for a job of somebody else's; StoreUnavailable."""
    job = any_job(job_id)
    if job.owner_id != caller().owner_id:
        raise JobNotFound(f"There is no job {job_id}.")
    return job


def any_job(job_id: str) -> Job:
    """The job, whosever it is. Raises: JobNotFound, StoreUnavailable."""
    if not is_job_id(job_id):
        raise JobNotFound("There is no such job; a job id is a UUID in lower case.")
    return services().store.get(job_id)
