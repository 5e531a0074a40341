"""Jobs for tests, as the API makes them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.job_types import CSV_TO_PARQUET
from shared.models import BiggerRun, HistoryEntry, Job, JobInput, JobRequest, OnOutOfMemory, RetryPolicy, RunSpec
from shared.sizes import SIZES
from shared.transitions import JobStatus
from tests.fakes.clock import NOON

APPLICATION = "00app"


def job_id(number: int = 1) -> str:
    """A job id that is easy to tell from others."""
    return f"00000000-0000-7000-8000-{number:012d}"


def submitted_job(number: int = 1, at: datetime = NOON, **changes: Any) -> Job:
    """A job as it is when it was just submitted."""
    identifier = job_id(number)
    job = Job(
        job_id=identifier,
        rev="rev-0",
        status=JobStatus.SUBMITTED,
        owner_id="local",
        correlation_id="correlation-1",
        created_at=at,
        updated_at=at,
        deadline_at=at + timedelta(hours=24),
        status_message="Submitted.",
        request=JobRequest(
            job_type="csv-to-parquet",
            job_type_version=CSV_TO_PARQUET.version,
            inputs=(JobInput("flights", "s3://cloud-data-platform-dev-raw/flights/flights.csv"),),
            parameters={"header": True},
            tags={"team": "ops"},
            size="small",
            timeout_seconds=3600,
        ),
        request_digest="digest",
        spec=RunSpec(
            application_id=APPLICATION,
            execution_role_arn="arn:aws:iam::000000000000:role/spark",
            job_driver={
                "sparkSubmit": {
                    "entryPoint": "s3://code/main.py",
                    "entryPointArguments": ["--job", "{}", "--output", f"s3://processed/jobs/{identifier}/"],
                    "sparkSubmitParameters": "--conf spark.driver.memory=4654m",
                }
            },
            configuration_overrides={},
            tags={"jobId": identifier},
            timeout_minutes=60,
        ),
        retry_policy=RetryPolicy(max_attempts=3, base_seconds=30, cap_seconds=900),
        attempt=0,
        charged_failures=0,
        history=(HistoryEntry(at, None, JobStatus.SUBMITTED, "api:local", 0, "Submitted.", "correlation-1"),),
        due_at=at + timedelta(seconds=120),
    )
    return replace(job, **changes)


def with_bigger(job: Job | None = None) -> Job:
    """A job whose runs may have the size `medium` once memory ran out."""
    job = job or submitted_job()
    bigger = BiggerRun("medium", SIZES["medium"], "--conf spark.driver.memory=16756m")
    request = replace(job.request, on_out_of_memory=OnOutOfMemory.RETRY_BIGGER)
    return replace(job, request=request, spec=replace(job.spec, bigger=bigger))


def with_limit(usd: float = 0.4, job: Job | None = None) -> Job:
    """A job that may cost only so much; a run of its size costs 0.4024 an hour."""
    job = job or submitted_job()
    return replace(job, request=replace(job.request, max_cost_usd=usd))


def starting_job(**changes: Any) -> Job:
    """A RUNNING job whose first attempt is intended, with no run recorded."""
    base: dict[str, Any] = {"status": JobStatus.RUNNING, "attempt": 1, "intent_at": NOON}
    return submitted_job(**{**base, **changes})


def tracking_job(**changes: Any) -> Job:
    """A RUNNING job whose run is recorded."""
    return starting_job(**{"run_id": "run-1", **changes})


def idle_job(**changes: Any) -> Job:
    """A RUNNING job between its first attempt and the next."""
    return submitted_job(**{"status": JobStatus.RUNNING, "attempt": 1, "charged_failures": 1, **changes})


def ended_job(status: JobStatus = JobStatus.SUCCEEDED, **changes: Any) -> Job:
    """A job that has ended and owes nothing."""
    return submitted_job(**{"status": status, "attempt": 1, "run_id": "run-1", "due_at": None, **changes})
