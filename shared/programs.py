"""Which program a job runs, and by which arguments: the platform's own, or a script or jar of the user's. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.job_types import JOB_TYPES, MASK, SPARK_JAR, JobType
from shared.settings import Settings

# An argument of a user's program that stands for the folder of the attempt, which is not known before it starts.
ATTEMPT_FOLDER = "{output}"
# The key that masks is for runs of `mask` alone. EMR puts the secret in place of its name when a run starts. Elsewhere
# the setting is emptied, should somebody have made it a default of the EMR application (see docs/pii.md).
MASK_KEY = "--conf spark.cdp.mask.secret=EMR.secret@"
NO_MASK_KEY = "--conf spark.cdp.mask.secret="
# --job JSON --output FOLDER
PLATFORM_ARGUMENTS = 4


def program_uri(job_type: JobType, parameters: Mapping[str, Any], settings: Settings) -> str:
    """Where the program lies in S3."""
    if job_type.program_parameter is None:
        return settings.spark_code_uri + job_type.entry_point
    return str(parameters.get(job_type.program_parameter, settings.spark_jar_path))


def promises_manifest(job_type: str) -> bool:
    """Whether a run of this type that succeeds has left a manifest. A program of the user's own need not."""
    known = JOB_TYPES.get(job_type)
    return known is not None and known.program_parameter is None


def own_arguments(job_type: JobType, parameters: Mapping[str, Any]) -> list[str]:
    """The arguments that the user gives to a program of theirs."""
    return list(parameters.get("arguments", ())) if job_type.program_parameter else []


def code_flags(job_type: JobType, parameters: Mapping[str, Any], settings: Settings) -> list[str]:
    """spark-submit's flags for what is run."""
    if job_type is SPARK_JAR:
        return [f"--class {parameters['mainClass']}", NO_MASK_KEY]
    if job_type.program_parameter:
        return [NO_MASK_KEY]
    code = [f"--py-files {settings.spark_code_uri}spark_jobs.zip"]
    secret = secret_of(job_type, settings)
    return [*code, MASK_KEY + secret] if secret else code


def secret_of(job_type: JobType, settings: Settings) -> str:
    """The secret that runs of this type are given, by its ARN or name; empty if there is none."""
    return settings.mask_key_secret if job_type is MASK else ""


def arguments_of_attempt(arguments: Sequence[str], attempt: int) -> list[str]:
    """A run's arguments for one attempt: with its folder where a user's argument speaks of it, and its number last."""
    own, ours = arguments[:-PLATFORM_ARGUMENTS], arguments[-PLATFORM_ARGUMENTS:]
    told = [each.replace(ATTEMPT_FOLDER, f"{ours[-1]}attempt-{attempt}/") for each in own]
    return [*told, *ours, "--attempt", str(attempt)]
