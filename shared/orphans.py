"""Runs that no job owns, and jobs whose run is gone: what may be left when things outside this platform went wrong.

Finding them changes nothing; mending them looks at each again first.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import JobNotFound, StoredJobUnreadable
from shared.job_changes import make_due
from shared.job_store import JobStore
from shared.models import Job
from shared.spark_runner import Absence, Run, SparkRunner
from shared.transitions import JobStatus

RUN_NAME = re.compile(r"(?P<job_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[0-9]+")

SETTLED = "It has been settled meanwhile."


class Fault(StrEnum):
    """What is wrong."""

    NO_JOB = "run without a job"
    JOB_IS_OVER = "run of a job that has ended"
    SECOND_RUN = "second run of a job"
    RUN_IS_GONE = "job whose run is gone"
    UNREADABLE = "job that cannot be read"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, as a sentence too, with the run or the job that it is about."""

    fault: Fault
    text: str
    run: Run | None = None
    job: Job | None = None


@dataclass(frozen=True)
class Search:
    """Where to look; a job may have ended `grace` ago and its run still be on its way out.

    `pause` waits before another call of an operation of EMR Serverless that is rationed for the whole account.
    """

    store: JobStore
    runner: SparkRunner
    application_id: str
    clock: Callable[[], datetime]
    grace: timedelta
    pause: Callable[[], None]


def find_orphans(search: Search) -> list[Finding]:
    """All that is wrong between runs and jobs now. Raises: StoreUnavailable, SparkUnavailable."""
    runs = search.runner.live_runs(search.application_id, search.pause)
    of_runs = [finding for run in runs if (finding := judge_run(search, run))]
    known = {run.run_id: run for run in runs}
    ids = search.store.ids_of_status(JobStatus.RUNNING)
    of_jobs = [finding for job_id in ids if (finding := judge_job(search, job_id, known))]
    return [*of_runs, *of_jobs]


def judge_run(search: Search, run: Run) -> Finding | None:
    """What is wrong with a live run; nothing, if a job has or may yet have it, or if its name is none of ours."""
    match = RUN_NAME.fullmatch(run.name)
    if match is None:
        return None
    try:
        job = search.store.get(match["job_id"])
    except JobNotFound:
        return Finding(Fault.NO_JOB, f"Run {run.run_id} is {run.state}; there is no job {match['job_id']}.", run)
    except StoredJobUnreadable as error:
        return Finding(Fault.UNREADABLE, f"Run {run.run_id} is {run.state}. {error.detail}", run)
    if job.status.is_terminal:
        return _of_ended_job(search, run, job)
    if job.is_tracking and job.run_id != run.run_id:
        text = f"Run {run.run_id} ({run.name}) is {run.state}, but job {job.job_id} follows run {job.run_id}."
        return Finding(Fault.SECOND_RUN, text, run, job)
    return None


def _of_ended_job(search: Search, run: Run, job: Job) -> Finding | None:
    ended_at = job.finished_at or job.updated_at
    if search.clock() - ended_at < search.grace:
        return None
    text = f"Run {run.run_id} is {run.state}, but job {job.job_id} has {job.status} since {ended_at.isoformat()}."
    return Finding(Fault.JOB_IS_OVER, text, run, job)


def judge_job(search: Search, job_id: str, live: Mapping[str, Run]) -> Finding | None:
    """What is wrong with a job that the index says is RUNNING: its run is not known to EMR Serverless."""
    try:
        job = search.store.get(job_id)
    except JobNotFound:
        return None
    except StoredJobUnreadable as error:
        return Finding(Fault.UNREADABLE, error.detail)
    if not job.is_tracking or job.run_id in live:
        return None
    if search.runner.look(job.spec.application_id, job.run_id or "") is not Absence.GONE:
        return None
    return Finding(Fault.RUN_IS_GONE, f"Job {job.job_id} follows run {job.run_id}, which is not known.", job=job)


def mend(search: Search, finding: Finding) -> str | None:
    """Mend one finding, if it is still so: what was done, or None where a person has to decide.

    Raises: StoreUnavailable, SparkUnavailable.
    """
    if finding.fault in (Fault.NO_JOB, Fault.JOB_IS_OVER) and finding.run is not None:
        run = search.runner.look(search.application_id, finding.run.run_id)
        again = judge_run(search, run) if isinstance(run, Run) and not run.is_over else None
        if again is None or again.fault is not finding.fault:
            return SETTLED
        search.pause()
        search.runner.cancel(search.application_id, finding.run.run_id)
        return f"Run {finding.run.run_id} was told to end."
    if finding.fault is Fault.RUN_IS_GONE and finding.job is not None:
        if judge_job(search, finding.job.job_id, {}) is None:
            return SETTLED
        make_due(search.store, finding.job, search.clock())
        return f"Job {finding.job.job_id} is due now; a worker decides."
    return None
