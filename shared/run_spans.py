"""The span of a run of EMR Serverless, recorded once it is over: by whom the write is won that ends its attempt."""

from datetime import datetime, timedelta

from shared import tracing
from shared.attempts import AttemptRecord
from shared.models import Job
from shared.spark_runner import Run


def record_run(before: Job, after: Job, seen: Run | None) -> None:
    """Record the run of the attempt that a won write has ended, if it ended one and the job has a trace.

    By EMR's times if the run's end was `seen`; else from the intent to start it to the end that was written.
    """
    if after.traceparent is None or not after.attempts or after.attempts == before.attempts:
        return
    record = after.attempts[-1]
    traceparent = tracing.traceparent_of_run(after.traceparent, f"{after.job_id}.{record.attempt}")
    if record.run_id is None or traceparent is None or was_told(before, record):
        return
    began_at, ended_at = times_of(record, seen)
    tracing.record_past(
        tracing.PastSpan(
            name="run",
            traceparent=traceparent,
            parent=after.traceparent,
            began_at=began_at,
            ended_at=ended_at,
            attributes={
                "cdp.job_id": after.job_id,
                "cdp.attempt": record.attempt,
                "cdp.run_id": record.run_id,
                "cdp.size": record.size,
            },
            error=None if record.failure is None else str(record.failure.failure_class),
        )
    )


def was_told(before: Job, record: AttemptRecord) -> bool:
    """Whether the attempt had ended before: then this write has only told its bill."""
    return any(known.attempt == record.attempt for known in before.attempts)


def times_of(record: AttemptRecord, seen: Run | None) -> tuple[datetime, datetime]:
    """When a run began and ended."""
    if seen is None or not seen.is_over or seen.run_id != record.run_id or seen.started_at is None:
        return record.started_at, record.ended_at
    return seen.started_at, seen.started_at + timedelta(seconds=seen.duration_seconds)
