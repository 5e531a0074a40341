"""Changing a job that others may be changing too."""

from collections.abc import Callable
from datetime import datetime

from shared.errors import JobNotFound, StoreUnavailable
from shared.job_store import JobStore, Won
from shared.lifecycle import waiting
from shared.models import Job
from shared.run_spans import record_run

WRITE_TRIES = 5


def change_job(store: JobStore, job: Job, change: Callable[[Job], Job]) -> Job:
    """The job as it is stored after `change`, which is asked again whenever somebody else wrote first.

    `change` returns the very job it was given when there is nothing to write. Raises: what `change` does;
    JobNotFound; StoreUnavailable, also when others kept writing first.
    """
    for _ in range(WRITE_TRIES):
        wanted = change(job)
        if wanted is job:
            return job
        outcome = store.update(job, wanted)
        if isinstance(outcome, Won):
            record_run(job, outcome.job, seen=None)
            return outcome.job
        if outcome.job is None:
            raise JobNotFound(f"There is no job {job.job_id}.")
        job = outcome.job
    raise StoreUnavailable(f"Job {job.job_id} was changed by others {WRITE_TRIES} times in a row.")


def make_due(store: JobStore, job: Job, now: datetime) -> Job:
    """Have a worker look at a job at once; nothing is done if it has ended meanwhile.

    Raises: JobNotFound, StoreUnavailable.
    """
    return change_job(store, job, lambda seen: seen if seen.status.is_terminal else waiting(seen, now, now))
