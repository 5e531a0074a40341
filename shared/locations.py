"""Where things of a job lie in S3: one place for the layout that API, worker and clients share."""

from shared.models import Job
from shared.settings import Settings


def output_uri(settings: Settings, job_id: str) -> str:
    """The folder of all of a job's attempts."""
    return f"s3://{settings.processed_bucket}/jobs/{job_id}/"


def attempt_uri(settings: Settings, job_id: str, attempt: int) -> str:
    """The folder of one attempt; its run writes below it and nowhere else."""
    return f"{output_uri(settings, job_id)}attempt-{attempt}/"


def manifest_uri(settings: Settings, job: Job) -> str:
    """The manifest of the attempt that the job names: the only list of its outputs."""
    return f"{attempt_uri(settings, job.job_id, job.attempt)}_manifest.json"


def failure_uri(settings: Settings, job: Job) -> str:
    """What the program of the current attempt left about its failure."""
    return f"{attempt_uri(settings, job.job_id, job.attempt)}_failure.json"


def driver_log_uri(settings: Settings, job: Job) -> str | None:
    """What the current run's driver printed, where EMR Serverless puts it; None before a run is known.

    spark-submit joins the standard error of a Python program to its standard output.
    """
    if job.run_id is None:
        return None
    folder = f"applications/{job.spec.application_id}/jobs/{job.run_id}/SPARK_DRIVER"
    return f"s3://{settings.logs_bucket}/{folder}/stdout.gz"
