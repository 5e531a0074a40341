"""Where things of a job lie in S3: one place for the layout that API, worker and clients share."""

from shared.models import Job
from shared.settings import Settings

# 128 bits: nobody makes a second document for them.
DIGEST_CHARACTERS = 32


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
    return failure_of_attempt_uri(settings, job.job_id, job.attempt)


def failure_of_attempt_uri(settings: Settings, job_id: str, attempt: int) -> str:
    """What the program of an attempt left about its failure, if it could."""
    return f"{attempt_uri(settings, job_id, attempt)}_failure.json"


def undelivered_uri(settings: Settings, job: Job) -> str:
    """What the program of the current attempt reported in vain."""
    return f"{attempt_uri(settings, job.job_id, job.attempt)}_reports.json"


def callbacks_uri(settings: Settings, job_id: str) -> str:
    """The folder of what a job's attempts are told about reporting.

    Not below the job's output: whoever names that as an input may read all of it, and a key must be read by the
    attempt alone. The artifacts bucket is nobody's input.
    """
    return f"s3://{settings.artifacts_bucket}/callbacks/{job_id}/"


def driver_log_uri(settings: Settings, job: Job) -> str | None:
    """What the current run's driver printed, where EMR Serverless puts it; None before a run is known."""
    return None if job.run_id is None else driver_log_of_run(settings, job, job.run_id)


def driver_log_of_run(settings: Settings, job: Job, run_id: str, stream: str = "stdout") -> str:
    """What the driver of one of the job's runs wrote to `stdout` or `stderr`.

    spark-submit joins the standard error of a Python program to its standard output.
    """
    folder = f"applications/{job.spec.application_id}/jobs/{run_id}/SPARK_DRIVER"
    return f"s3://{settings.logs_bucket}/{folder}/{stream}.gz"


def contract_uri(settings: Settings, name: str, version: str, sha256: str) -> str:
    """The document of a contract. Another document is another object, so none is ever written over."""
    return f"s3://{settings.artifacts_bucket}/contracts/{name}/{version}-{sha256[:DIGEST_CHARACTERS]}.json"
