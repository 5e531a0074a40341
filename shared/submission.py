"""What may be asked for, and the job that is made of it. Pure: the same request gives the same job.

The API makes jobs of requests, and a replay makes them of failed ones: the rules for both are here.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.cost_limits import LIMIT_CURRENCY
from shared.errors import FieldProblem, ValidationFailed
from shared.job_types import JobType
from shared.locations import callbacks_uri, output_uri
from shared.models import (
    BiggerRun,
    Capacity,
    ContractRef,
    HistoryEntry,
    Job,
    JobInput,
    JobRequest,
    OnOutOfMemory,
    RetryPolicy,
    RunSpec,
    contract_to_item,
)
from shared.programs import code_flags, own_arguments, program_uri, secret_of
from shared.session_policy import Reach, partition_of, session_policy
from shared.settings import Settings
from shared.sizes import JobSize, Size, fits, name_of, next_size, size_flags, size_to_json, within_share, workers_of
from shared.transitions import JobStatus

DEFAULT_SIZE = "small"
DEFAULT_TIMEOUT_SECONDS = 3600
SHORTEST_TIMEOUT_SECONDS = 60
# EMR Serverless runs nothing for longer than 7 days.
LONGEST_TIMEOUT_SECONDS = 7 * 24 * 3600
MOST_ATTEMPTS = 10
# Of maxCostUsd: a cent, about the least that a run can cost; and far more than any should.
LEAST_LIMIT_USD = 0.01
LARGEST_LIMIT_USD = 100_000
# The item must stay far below DynamoDB's 400 KB, its history included.
SPEC_BYTES = 32 * 1024
SUBMITTED_MESSAGE = "Submitted."
# What EMR Serverless takes in the value of a tag (its API reference, TagValue).
NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9 /_.:=+@-]")
TAG_CHARACTERS = 256


@dataclass(frozen=True)
class Submission:
    """A job as it was asked for; `max_attempts` is None when the platform is to decide.

    `contract` is `name/version` as it was asked for, `contract_of_dataset` that of the dataset which it reads, and
    `contract_ref` what the one or else the other names, once it was looked for.
    """

    job_type: str
    inputs: tuple[JobInput, ...]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    size: JobSize
    timeout_seconds: int
    max_attempts: int | None
    contract: str | None = None
    contract_ref: ContractRef | None = None
    contract_of_dataset: str | None = None
    capacity: Capacity = Capacity.STANDARD
    on_out_of_memory: OnOutOfMemory = OnOutOfMemory.FAIL
    max_cost_usd: float | None = None


@dataclass(frozen=True)
class Origin:
    """Whose job it is, and which request brought it."""

    job_id: str
    owner_id: str
    correlation_id: str
    at: datetime


def canonical_json(value: Any) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(asked: Submission) -> str:
    """What tells one request from another: a hash of all that was asked for."""
    canonical = canonical_json(
        {
            "jobType": asked.job_type,
            "inputs": [[entry.name, entry.asked_uri] for entry in asked.inputs],
            "parameters": asked.parameters,
            "tags": asked.tags,
            "size": size_to_json(asked.size),
            "timeoutSeconds": asked.timeout_seconds,
            "maxAttempts": asked.max_attempts,
            # Not there without one, so that requests from before there were any have the digest that they had.
            **({"contract": asked.contract} if asked.contract else {}),
            **({"capacity": asked.capacity} if asked.capacity is not Capacity.STANDARD else {}),
            **({"onOutOfMemory": asked.on_out_of_memory} if asked.on_out_of_memory is not OnOutOfMemory.FAIL else {}),
            **({} if asked.max_cost_usd is None else {"maxCostUsd": asked.max_cost_usd}),
        }
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def build_job(asked: Submission, job_type: JobType, origin: Origin, settings: Settings) -> Job:
    """The job as it begins.

    Raises: ValidationFailed if its parameters or its workers are too large, or its limit is in no currency of ours.
    """
    # An attempt may run as long as was asked for, also where the platform's own deadline is shorter.
    allowed_seconds = max(settings.deadline_seconds, asked.timeout_seconds)
    by = f"api:{origin.owner_id}"
    begun = HistoryEntry(origin.at, None, JobStatus.SUBMITTED, by, 0, SUBMITTED_MESSAGE, origin.correlation_id)
    return Job(
        job_id=origin.job_id,
        rev="",
        status=JobStatus.SUBMITTED,
        owner_id=origin.owner_id,
        correlation_id=origin.correlation_id,
        created_at=origin.at,
        updated_at=origin.at,
        deadline_at=origin.at + timedelta(seconds=allowed_seconds),
        status_message=SUBMITTED_MESSAGE,
        request=_request_of(asked, job_type, settings),
        request_digest=digest_of(asked),
        spec=_within_limit(spec_of(asked, job_type, origin, settings)),
        retry_policy=RetryPolicy(
            asked.max_attempts or settings.max_attempts, settings.retry_base_seconds, settings.retry_cap_seconds
        ),
        attempt=0,
        charged_failures=0,
        history=(begun,),
        due_at=origin.at + timedelta(seconds=settings.submit_grace_seconds),
        keep_days=settings.job_retention_days,
    )


def _request_of(asked: Submission, job_type: JobType, settings: Settings) -> JobRequest:
    return JobRequest(
        job_type=job_type.name,
        job_type_version=job_type.version,
        inputs=asked.inputs,
        parameters=asked.parameters,
        tags=asked.tags,
        size=asked.size,
        timeout_seconds=asked.timeout_seconds,
        contract=asked.contract_ref,
        capacity=asked.capacity,
        on_out_of_memory=asked.on_out_of_memory,
        max_cost_usd=_in_currency(asked.max_cost_usd, settings),
    )


def spec_of(asked: Submission, job_type: JobType, origin: Origin, settings: Settings) -> RunSpec:
    """What EMR Serverless will be asked for; the worker adds the attempt. Raises: ValidationFailed of the size."""
    callbacks = callbacks_uri(settings, origin.job_id) if settings.takes_reports else None
    program = {
        "jobId": origin.job_id,
        "correlationId": origin.correlation_id,
        "jobType": job_type.name,
        "jobTypeVersion": job_type.version,
        "inputs": [{"name": entry.name, "uri": entry.uri} for entry in asked.inputs],
        "parameters": asked.parameters,
        **({"contract": contract_to_item(asked.contract_ref)} if asked.contract_ref else {}),
        **({"callbacks": callbacks} if callbacks else {}),
    }
    size = within_share(asked.size, settings)
    submit = {
        "entryPoint": program_uri(job_type, asked.parameters, settings),
        "entryPointArguments": [
            *own_arguments(job_type, asked.parameters),
            "--job",
            canonical_json(program),
            "--output",
            output_uri(settings, origin.job_id),
        ],
        "sparkSubmitParameters": parameters_of(asked, job_type, size, settings),
    }
    tags = {
        "jobId": origin.job_id,
        "jobType": job_type.name,
        "ownerId": origin.owner_id,
        "correlationId": origin.correlation_id,
    }
    return RunSpec(
        application_id=settings.emr_application_id,
        execution_role_arn=settings.emr_job_role_arn,
        job_driver={"sparkSubmit": submit},
        configuration_overrides={
            "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"s3://{settings.logs_bucket}/"}}
        },
        tags={name: as_tag(value) for name, value in tags.items()},
        timeout_minutes=math.ceil(asked.timeout_seconds / 60),
        size=size,
        is_flex=asked.capacity is Capacity.FLEX,
        bigger=bigger_run(asked, job_type, settings),
        session_policy=session_policy(reach_of(asked, job_type, origin, settings)),
        callbacks_uri=callbacks,
    )


def parameters_of(asked: Submission, job_type: JobType, size: Size, settings: Settings) -> str:
    """spark-submit's parameters for runs of a size."""
    return " ".join([*code_flags(job_type, asked.parameters, settings), *size_flags(size)])


def bigger_run(asked: Submission, job_type: JobType, settings: Settings) -> BiggerRun | None:
    """The next size of the job's runs; None if the job does not allow it, or the account or EMR has nothing bigger."""
    following = next_size(asked.size) if asked.on_out_of_memory is OnOutOfMemory.RETRY_BIGGER else None
    if following is None or not fits(workers_of(following), settings):
        return None
    size = within_share(following, settings)
    return BiggerRun(name_of(following), size, parameters_of(asked, job_type, size, settings))


def reach_of(asked: Submission, job_type: JobType, origin: Origin, settings: Settings) -> Reach:
    """What the job's runs must be able to read and write."""
    contract = [asked.contract_ref.uri] if asked.contract_ref else []
    # A program of the user's may use the platform's code too.
    program = [program_uri(job_type, asked.parameters, settings)] if job_type.program_parameter else []
    callbacks = [callbacks_uri(settings, origin.job_id)] if settings.takes_reports else []
    return Reach(
        reads=[*(entry.uri for entry in asked.inputs), *contract, *program, *callbacks, settings.spark_code_uri],
        output=output_uri(settings, origin.job_id),
        logs=f"s3://{settings.logs_bucket}/applications/{settings.emr_application_id}/",
        partition=partition_of(settings.emr_job_role_arn),
        secret=secret_of(job_type, settings),
    )


def as_tag(value: str) -> str:
    """The nearest text that EMR Serverless takes as the value of a tag."""
    return NOT_IN_TAGS.sub("_", value)[:TAG_CHARACTERS]


def _in_currency(max_cost_usd: float | None, settings: Settings) -> float | None:
    """The limit, if it can be held to: amounts are not converted."""
    if max_cost_usd is not None and settings.price_currency != LIMIT_CURRENCY:
        text = (
            f"This platform reckons its costs in {settings.price_currency}, so it cannot hold a job to an amount in "
            f"{LIMIT_CURRENCY}. Leave it out, and bound the job by timeoutSeconds and size."
        )
        raise ValidationFailed(text, [FieldProblem("/maxCostUsd", text)])
    return max_cost_usd


def _within_limit(spec: RunSpec) -> RunSpec:
    size_bytes = len(canonical_json({"driver": spec.job_driver, "tags": spec.tags}).encode())
    if size_bytes > SPEC_BYTES:
        text = f"Inputs and parameters make {size_bytes} bytes with all that a run needs; {SPEC_BYTES} are possible."
        raise ValidationFailed(text, [FieldProblem("/parameters", text)])
    return spec
