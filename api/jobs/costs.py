"""What a job cost, as its record shows it: the sum of what is known, and what each attempt used."""

from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields

from api.protocol.answers import amount, day, number, text
from shared.attempts import AttemptRecord, Outcome
from shared.bills import Bill
from shared.models import Job
from shared.settings import Settings

AttemptCostSchema = Schema.from_dict(
    {
        "attempt": number("The attempt."),
        "runId": text("Its run; null if none was recorded.", allow_none=True),
        "vcpuHours": amount("Hours of one vCPU, as EMR Serverless bills them."),
        "memoryGbHours": amount("Hours of one GB of memory."),
        "storageGbHours": amount("Hours of one GB of disk, beyond what is free."),
        "amount": amount("What that comes to."),
        "source": text("The price list by which it was reckoned."),
        "asOf": day("The day of the prices."),
    },
    name="AttemptCostSchema",
)

JobCostSchema = Schema.from_dict(
    {
        "amount": amount("The sum of all attempts whose cost is known."),
        "currency": text("Of all amounts, in ISO 4217."),
        "isComplete": fields.Boolean(
            required=True,
            metadata={"description": "Whether the cost of every attempt is known, and no more can follow."},
        ),
        "attempts": fields.List(
            fields.Nested(AttemptCostSchema),
            required=True,
            metadata={"description": "Each attempt whose cost is known, the oldest first; of very many the newest."},
        ),
    },
    name="JobCostSchema",
)


def job_cost(job: Job, settings: Settings) -> dict[str, Any] | None:
    """What a job cost, as `JobCostSchema` says; None while nothing is known of it."""
    bills = [(record, record.bill) for record in job.attempts if record.bill is not None]
    currencies = {bill.currency for _, bill in bills}
    if len(currencies) > 1 or not (bills or _cost_nothing(job)):
        return None
    return {
        "amount": float(sum((bill.amount for _, bill in bills), Decimal())),
        "currency": next(iter(currencies), settings.price_currency),
        "isComplete": job.status.is_terminal and all(_is_settled(record) for record in job.attempts),
        "attempts": [_attempt_cost(record, bill) for record, bill in bills],
    }


def _cost_nothing(job: Job) -> bool:
    """Whether the job has ended, and none of its attempts ever had a run. Old jobs have no records of theirs."""
    return job.status.is_terminal and len(job.attempts) == job.attempt and all(map(_is_settled, job.attempts))


def _is_settled(record: AttemptRecord) -> bool:
    """Whether its cost is known: it has a bill, or it failed before EMR Serverless took it."""
    return record.bill is not None or (record.run_id is None and record.outcome is Outcome.FAILED)


def _attempt_cost(record: AttemptRecord, bill: Bill) -> dict[str, Any]:
    return {
        "attempt": record.attempt,
        "runId": record.run_id,
        "vcpuHours": float(bill.usage.vcpu_hours),
        "memoryGbHours": float(bill.usage.memory_gb_hours),
        "storageGbHours": float(bill.usage.storage_gb_hours),
        "amount": float(bill.amount),
        "source": bill.source,
        "asOf": bill.as_of,
    }
