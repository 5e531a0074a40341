"""What a submission would come to: everything is checked, and nothing is stored or sent."""

from typing import Any

from marshmallow import Schema, fields

from api.identity.auth import caller
from api.jobs.records import JobSchema, job_record
from api.jobs.submission import as_submitted
from api.jobs.submitting import checked_job, job_id_of, made_by, repeated
from api.protocol.answers import amount, day, number, open_object, text
from api.quota import QuotasSchema, quotas_record
from api.services import services
from shared.cost_limits import limit_lasts
from shared.job_store import ONE_JOB
from shared.limits.quotas import limits_of, refuse_excess
from shared.models import Job
from shared.run_cost import Prices, cost_per_hour, prices_of
from shared.settings import Settings
from shared.spark_runner import start_request
from shared.submission import Submission

FIRST_ATTEMPT = 1


PricesSchema = Schema.from_dict(
    {
        "vcpuHour": amount("Of one vCPU for one hour."),
        "memoryGbHour": amount("Of one GB of memory for one hour."),
        "storageGbHour": amount("Of one GB of disk for one hour, beyond the 20 GB of each worker that are free."),
        "source": text("Which price list says so."),
        "asOf": day("The day of the prices."),
    },
    name="PricesSchema",
)

CostSchema = Schema.from_dict(
    {
        "currency": text("Of all amounts, in ISO 4217."),
        "atLeast": amount("With the driver and the executors that a run begins with."),
        "atMost": amount("With the driver and all executors that a run of this size may have."),
        "prices": fields.Nested(PricesSchema, required=True),
    },
    name="CostSchema",
)

CostLimitSchema = Schema.from_dict(
    {
        "maxCostUsd": amount("The limit."),
        "reachedAfterSeconds": number(
            "How long a run lasts until then, with the executors that it begins with; more reach it earlier, and "
            "earlier attempts count."
        ),
    },
    name="CostLimitSchema",
)

DryRunSchema = Schema.from_dict(
    {
        "wouldBe": fields.Nested(
            JobSchema, required=True, metadata={"description": "The job; without an Idempotency-Key its id is made up."}
        ),
        "existingJobId": text("The job that the Idempotency-Key has made already.", allow_none=True),
        "startJobRun": open_object("The StartJobRun request of the first attempt, as EMR Serverless would get it."),
        "costPerHour": fields.Nested(CostSchema, required=True, metadata={"description": "What a run costs an hour."}),
        "costLimit": fields.Nested(
            CostLimitSchema,
            required=True,
            allow_none=True,
            metadata={"description": "When it would be reached; null for a job without maxCostUsd."},
        ),
        "quota": fields.Nested(
            QuotasSchema, required=True, metadata={"description": "What is used now, without this job."}
        ),
    },
    name="DryRunSchema",
)


def dry_run(asked: Submission, key: str | None) -> dict[str, Any]:
    """What a submission would come to, as `DryRunSchema` says.

    Raises: ValidationFailed, QuotaExceeded, IdempotencyKeyReused, ObjectsUnavailable, StoreUnavailable.
    """
    known, now = made_by(key), services().clock()
    limits, usage = limits_of(services().settings), services().quotas.usage(caller().owner_id, now)
    if known is None:
        job = checked_job(asked, job_id_of(key), services().objects)
        refuse_excess(usage, ONE_JOB, limits, now)
    else:
        job = as_submitted(repeated(known, asked).job)
    quotas = quotas_record(caller().owner_id, usage, limits, now)
    return dry_run_record(job, services().settings, quotas, existing=known)


def dry_run_record(job: Job, settings: Settings, quotas: dict[str, Any], existing: Job | None) -> dict[str, Any]:
    """A dry run as `DryRunSchema` says."""
    return {
        "wouldBe": job_record(job, settings, job.created_at),
        "existingJobId": None if existing is None else existing.job_id,
        "startJobRun": start_request(job.job_id, job.spec, FIRST_ATTEMPT),
        "costPerHour": cost_record(job, prices_of(settings)),
        "costLimit": cost_limit_record(job, prices_of(settings)),
        "quota": quotas,
    }


def cost_limit_record(job: Job, prices: Prices) -> dict[str, Any] | None:
    """When the job would reach its limit, as `CostLimitSchema` says; None without one."""
    lasts = limit_lasts(job, prices)
    if lasts is None:
        return None
    return {"maxCostUsd": job.request.max_cost_usd, "reachedAfterSeconds": int(lasts.total_seconds())}


def cost_record(job: Job, prices: Prices) -> dict[str, Any]:
    """What the job's runs cost an hour, as `CostSchema` says."""
    cost = cost_per_hour(job.workers, prices)
    return {
        "currency": prices.currency,
        "atLeast": float(cost.at_least),
        "atMost": float(cost.at_most),
        "prices": {
            "vcpuHour": prices.vcpu_hour,
            "memoryGbHour": prices.memory_gb_hour,
            "storageGbHour": prices.storage_gb_hour,
            "source": prices.source,
            "asOf": prices.as_of,
        },
    }
