"""Which run an attempt of a job is or was. Pure: made from the job's item alone."""

from dataclasses import dataclass
from datetime import datetime

from shared.errors import FieldProblem, ValidationFailed
from shared.models import Job

POINTER = "/query/attempt"


@dataclass(frozen=True)
class AttemptRun:
    """An attempt, its run if one is known, and when it ended if it has."""

    attempt: int
    run_id: str | None
    ended_at: datetime | None


def run_of(job: Job, asked: int | None) -> AttemptRun:
    """The attempt that was asked for, else the last one with a run, else the one that comes first.

    An attempt that is still to come has no run; one that can no longer come is refused. Raises: ValidationFailed.
    """
    ended = {record.attempt: record for record in job.attempts}
    runs = {attempt: record.run_id for attempt, record in ended.items()}
    if job.run_id is not None:
        runs[job.attempt] = job.run_id
    attempt = asked or max((each for each, run_id in runs.items() if run_id), default=max(1, job.attempt))
    has_ended = job.status.is_terminal
    if has_ended and attempt > max(1, job.attempt):
        message = f"The job has ended and made {job.attempt} attempts; there is no attempt {attempt}."
        raise ValidationFailed(f"{POINTER}: {message}", [FieldProblem(POINTER, message)])
    if attempt in ended:
        return AttemptRun(attempt, runs[attempt], ended[attempt].ended_at)
    is_past = attempt < job.attempt or has_ended
    return AttemptRun(attempt, runs.get(attempt), (job.finished_at or job.updated_at) if is_past else None)
