"""Whose jobs and datasets a caller may see: its own, and an operator those of everybody."""

from api.identity.auth import caller
from api.identity.callers import OPS
from api.ids import is_dataset_id, is_job_id
from api.services import services
from shared.datasets.datasets import Dataset
from shared.errors import DatasetNotFound, Forbidden, JobNotFound
from shared.models import Job

EVERYBODY = "*"


def own_job(job_id: str) -> Job:
    """The job as it is stored now, if the caller may see it.

    Raises: JobNotFound, also for a job of somebody else's, so that nobody learns which ids there are; StoreUnavailable.
    """
    job = any_job(job_id)
    if not may_see(job):
        raise JobNotFound(f"There is no job {job_id}.")
    return job


def may_see(job: Job) -> bool:
    """Whether a job is the caller's own, or the caller an operator."""
    return job.owner_id == caller().owner_id or caller().is_operator


def listed_owner(asked: str | None) -> str | None:
    """Whose jobs a list shows: the caller's own, or those that an operator asks for, None if everybody's.

    Raises: Forbidden.
    """
    if asked in (None, caller().owner_id):
        return caller().owner_id
    if not caller().is_operator:
        raise Forbidden(f"Only a token with the scope {OPS} lists what belongs to others.", scope=OPS)
    return None if asked == EVERYBODY else asked


def own_dataset(dataset_id: str) -> Dataset:
    """The dataset as it is stored now, if the caller may see it.

    Raises: DatasetNotFound, also for a dataset of somebody else's; StoreUnavailable.
    """
    if not is_dataset_id(dataset_id):
        raise DatasetNotFound("There is no such dataset; a dataset id is a UUID in lower case.")
    dataset = services().datasets.get(dataset_id)
    if dataset.owner_id != caller().owner_id and not caller().is_operator:
        raise DatasetNotFound(f"There is no dataset {dataset_id}.")
    return dataset


def any_job(job_id: str) -> Job:
    """The job, whosever it is. Raises: JobNotFound, StoreUnavailable."""
    if not is_job_id(job_id):
        raise JobNotFound("There is no such job; a job id is a UUID in lower case.")
    return services().store.get(job_id)
