"""When a job reaches the most that it may cost (`maxCostUsd`). Pure.

What a run has cost so far is the larger of two: its time at the size that was asked for, with the executors it begins
with, and what EMR Serverless says it bills of it. From either on it goes on at that size. So one moment holds all that
is known, the one at which the limit is reached, and each thing that becomes known can only make it earlier.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from shared.models import Job
from shared.moments import epoch_ms, from_epoch_ms
from shared.run_cost import Prices, bill_of, exact, run_cost
from shared.spark_runner import Run

# Whatever the settings call their prices' currency: with any other, no limit is taken.
LIMIT_CURRENCY = "USD"
WARNED_AT = Decimal("0.8")
# Each worker is billed for a minute at least: who looks earlier at a run that has not begun saves nothing.
SHORTEST_LOOK = timedelta(seconds=60)
# Less than any run costs an hour; so that no moment is too far away, whatever the prices are.
LEAST_PER_HOUR = Decimal("0.01")
# A run that was cancelled at its limit may have ended before it by EMR Serverless's own clock.
CLOCKS_DIFFER = timedelta(seconds=60)


def reaches_limit_at(job: Job, run: Run, now: datetime, prices: Prices) -> datetime | None:
    """When the job's live run reaches its limit, by all that is known; None without a limit, or if it has not begun."""
    limit = job.request.max_cost_usd
    if limit is None or run.started_at is None:
        return job.cost_limit_at
    left = exact(limit) - spent_before(job)
    moments = [run.started_at + _lasting(left, job, prices)]
    if run.usage is not None:  # it says of a moment that is past: by now it is that much at least
        unbilled = left - bill_of(run.usage, prices).amount
        moments.append(max(run.started_at, now + _lasting(unbilled, job, prices)))
    earliest = from_epoch_ms(epoch_ms(min(moments)))
    return earliest if job.cost_limit_at is None else min(earliest, job.cost_limit_at)


def limit_at_end(job: Job, run: Run, now: datetime, prices: Prices) -> datetime | None:
    """When the limit was reached, of a run that is over; None if it ended before, however late that is seen."""
    limit = job.request.max_cost_usd
    if limit is None:
        return None
    if spent_before(job) + spent_by(job, run, prices) >= exact(limit) or _was_ended_at_limit(job, run):
        return min(now, job.cost_limit_at or now)
    return None


def _was_ended_at_limit(job: Job, run: Run) -> bool:
    if job.cost_limit_at is None or run.started_at is None:
        return False
    ended_at = run.started_at + timedelta(seconds=run.duration_seconds)
    return ended_at + (CLOCKS_DIFFER if run.state == "CANCELLED" else timedelta()) >= job.cost_limit_at


def spent_before(job: Job) -> Decimal:
    """What the job's earlier attempts cost: by their bills, or as it was reckoned when they ended."""
    costs = (record.bill.amount if record.bill else record.estimate for record in job.attempts)
    return sum((cost for cost in costs if cost is not None), Decimal())


def spent_by(job: Job, run: Run, prices: Prices) -> Decimal:
    """What a run of the job has cost, the larger of its time and what EMR Serverless bills so far."""
    by_time = exact(run.duration_seconds) / 3600 * _per_hour(job, prices)
    return by_time if run.usage is None else max(by_time, bill_of(run.usage, prices).amount)


def warning_at(job: Job, prices: Prices) -> datetime | None:
    """When the running attempt comes near the limit, if nobody was told so far."""
    limit = job.request.max_cost_usd
    if limit is None or job.cost_limit_at is None or job.cost_warned_at is not None:
        return None
    return job.cost_limit_at - _lasting((1 - WARNED_AT) * exact(limit), job, prices)


def next_cost_look(job: Job, now: datetime, prices: Prices) -> datetime | None:
    """When somebody must look at the job's run for what it costs; None without a limit."""
    limit = job.request.max_cost_usd
    if limit is None:
        return None
    if job.cost_limit_at is not None:
        return warning_at(job, prices) or job.cost_limit_at
    share = WARNED_AT if job.cost_warned_at is None else 1
    return now + max(SHORTEST_LOOK, _lasting(share * exact(limit) - spent_before(job), job, prices))


def limit_lasts(job: Job, prices: Prices) -> timedelta | None:
    """How long a run of the job lasts until the limit, at the size asked for; None without a limit."""
    limit = job.request.max_cost_usd
    return None if limit is None else _lasting(exact(limit), job, prices)


def _lasting(amount: Decimal, job: Job, prices: Prices) -> timedelta:
    return timedelta(milliseconds=int(amount / _per_hour(job, prices) * 3_600_000))


def _per_hour(job: Job, prices: Prices) -> Decimal:
    return max(LEAST_PER_HOUR, run_cost(job.workers, job.workers.first_executors, prices))
