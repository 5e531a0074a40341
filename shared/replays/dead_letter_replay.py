"""Replaying and purging dead letters: what is on the queue becomes new jobs, or goes.

A replay is planned without a write, and carried out in an order in which it may be cut anywhere: the failed job is
replayed (`shared/replays/job_replay.py`), and only then its dead letter goes. Whoever does it again goes on from there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import AppError, JobNotFailed, JobNotFound
from shared.job_changes import make_due
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.models import Job
from shared.replays.dead_letters import DeadLetter, Kind, RunEvent, Selection, read_dead_letter
from shared.replays.held_messages import HeldMessages
from shared.replays.job_replay import FailedJob, JobReplayer, Orders, new_job, new_job_id, refuse_another
from shared.schema_problems import shown
from shared.settings import Settings
from shared.spark_runner import Run, SparkRunner
from shared.transitions import JobStatus

# While a rate makes it wait, a replay still renews what it holds.
LONGEST_PAUSE = timedelta(seconds=1)
# What a replay may do with: the others are not made of jobs.
REPLAYABLE = (Kind.JOB_FAILED, Kind.REDRIVEN)


class Result(StrEnum):
    """What became, or would become, of a dead letter."""

    REPLAYED = "replayed"  # as a new job
    ALREADY_REPLAYED = "already replayed"  # its new job was there, so the message goes
    MADE_DUE = "made due"  # a worker looks at its job at once, so the message goes
    DROPPED = "dropped"  # there is nothing left to do for it, so the message goes
    PURGED = "purged"  # thrown away as asked
    LEFT = "left"  # and why


@dataclass(frozen=True)
class Outcome:
    """What was planned for one dead letter, or done with it, as a sentence too."""

    letter: DeadLetter
    result: Result
    text: str
    new_job: Job | None = None
    old_job: Job | None = None
    new_job_id: str | None = None


@dataclass(frozen=True)
class Pace:
    """How fast a replay may go, and how time passes: `pause` waits so many seconds."""

    rate_per_second: float
    clock: Callable[[], datetime]
    pause: Callable[[float], None]


Tell = Callable[[Outcome], None]


class Replayer:
    """Plans what to do with dead letters, and does it."""

    def __init__(
        self,
        store: JobStore,
        jobs_queue: JobQueue,
        runner: SparkRunner,
        settings: Settings,
        clock: Callable[[], datetime],
        orders: Orders,
    ) -> None:
        self._store = store
        self._job_replayer = JobReplayer(store, jobs_queue, clock)
        self._runner = runner
        self._settings = settings
        self._clock = clock
        self._orders = orders

    def plan(self, letter: DeadLetter) -> Outcome:
        """What a replay would do with the dead letter; writes nothing.

        Raises: ServiceUnavailable. Whatever else is wrong with this one is a reason to leave it.
        """
        try:
            if letter.failed is not None:
                return self._plan_failed(letter, letter.failed)
            if letter.kind is Kind.REDRIVEN:
                return self._plan_redriven(letter)
        except AppError as error:
            return left_if_hopeless(letter, error)
        return Outcome(letter, Result.LEFT, f"A message of kind {letter.kind} cannot be replayed.")

    def carry_out(self, planned: Outcome) -> Outcome:
        """Do what was planned, all but deleting the message. Raises: ServiceUnavailable."""
        try:
            if planned.result is Result.REPLAYED and planned.new_job is not None:
                return self._replay(planned, planned.new_job)
            if planned.result is Result.MADE_DUE and planned.old_job is not None:
                make_due(self._store, planned.old_job, self._clock())
        except AppError as error:
            return left_if_hopeless(planned.letter, error)
        return planned

    def _plan_failed(self, letter: DeadLetter, failed: FailedJob) -> Outcome:
        old = self._job_or_none(failed.job_id)
        if old is not None and old.status is not JobStatus.FAILED:
            raise JobNotFailed(f"Job {old.job_id} is {old.status}, although this says that it failed.")
        new_id, before = new_job_id(failed, self._orders), () if old is None else old.replayed_by
        if new_id in before:
            return Outcome(letter, Result.ALREADY_REPLAYED, f"It was replayed as {new_id}.", None, old, new_id)
        refuse_another(failed, before, self._orders)
        new = new_job(failed, self._orders, self._clock(), self._settings)
        edits = ", ".join(f"{path}={shown(value)}" for path, value in sorted(self._orders.edits.values.items()))
        text = f"It becomes {new_id}, {f'with {edits}' if edits else 'as it was'}."
        return Outcome(letter, Result.REPLAYED, text, new, old, new_id)

    def _replay(self, planned: Outcome, new: Job) -> Outcome:
        replayed = self._job_replayer.store(new, planned.old_job, self._orders)
        if replayed.is_first:
            return planned
        return replace(planned, result=Result.ALREADY_REPLAYED, text=f"It was replayed as {new.job_id}.")

    def _plan_redriven(self, letter: DeadLetter) -> Outcome:
        job_id = letter.job_id if letter.event is None else self._job_of(letter.event)
        if job_id is None:
            return Outcome(letter, Result.DROPPED, "EMR Serverless does not know its run, or it is nobody's of ours.")
        job = self._job_or_none(job_id)
        if job is None:
            return Outcome(letter, Result.DROPPED, f"There is no job {job_id}.")
        if job.status.is_terminal:
            return Outcome(letter, Result.DROPPED, f"Job {job_id} has {job.status}.", old_job=job)
        return Outcome(letter, Result.MADE_DUE, f"Job {job_id} is {job.status}; a worker will look.", old_job=job)

    def _job_of(self, event: RunEvent) -> str | None:
        run = self._runner.look(event.application_id, event.run_id)
        return run.name.rpartition(".")[0] or None if isinstance(run, Run) else None

    def _job_or_none(self, job_id: str) -> Job | None:
        try:
            return self._store.get(job_id)
        except JobNotFound:
            return None


def left_if_hopeless(letter: DeadLetter, error: AppError) -> Outcome:
    """One dead letter's own fault leaves it where it is. Raises: the error, where a service is at fault."""
    if error.retryable:
        raise error
    return Outcome(letter, Result.LEFT, error.detail)


def read_all(held: HeldMessages, progress: Callable[[int], None]) -> list[DeadLetter]:
    """All dead letters, the oldest failure first and what has no time last. Raises: QueueUnavailable."""
    return sorted((read_dead_letter(message) for message in held.read(progress)), key=_age)


def _age(letter: DeadLetter) -> tuple[bool, float, str]:
    at = letter.failed.at.timestamp() if letter.failed is not None else 0.0
    return letter.failed is None, at, letter.message.message_id


def to_replay(letters: Iterable[DeadLetter], wanted: Selection) -> list[DeadLetter]:
    """Those that are wanted and that a replay can do something with."""
    return [letter for letter in letters if letter.kind in REPLAYABLE and wanted.matches(letter)]


def plan_replay(letters: Iterable[DeadLetter], replayer: Replayer, most: int | None) -> list[Outcome]:
    """What `replay` would do, of at most so many new jobs; writes nothing. Raises: ServiceUnavailable."""
    planned: list[Outcome] = []
    for letter in letters:
        if is_enough(planned, most):
            break
        planned.append(replayer.plan(letter))
    return planned


def replay(
    held: HeldMessages, letters: Iterable[DeadLetter], replayer: Replayer, pace: Pace, most: int | None, tell: Tell
) -> list[Outcome]:
    """Replay dead letters that are in hand, at most so many as new jobs, and delete each whose work is done.

    Raises: ServiceUnavailable, LeaseLost; what was done stays done, and doing it again does nothing twice.
    """
    done: list[Outcome] = []
    next_at = pace.clock()
    for letter in letters:
        if is_enough(done, most):
            break
        wait_until(next_at, pace, held)
        outcome = replayer.carry_out(replayer.plan(letter))
        if outcome.result is not Result.LEFT:
            held.delete(letter.message.message_id)
        done.append(outcome)
        tell(outcome)
        if outcome.result is Result.REPLAYED:
            next_at = pace.clock() + timedelta(seconds=1 / pace.rate_per_second)
    return done


def is_enough(outcomes: list[Outcome], most: int | None) -> bool:
    """Whether as many new jobs were made as were allowed."""
    return most is not None and sum(each.result is Result.REPLAYED for each in outcomes) >= most


def wait_until(moment: datetime, pace: Pace, held: HeldMessages) -> None:
    """Return at `moment`, and renew meanwhile what is in hand."""
    held.renew()
    while (left := moment - pace.clock()) > timedelta():
        pace.pause(min(left, LONGEST_PAUSE).total_seconds())
        held.renew()


def to_purge(letters: Iterable[DeadLetter], wanted: Selection) -> list[DeadLetter]:
    """Those that are wanted; what nobody knows must be named by its id."""
    return [
        letter
        for letter in letters
        if wanted.matches(letter) and (letter.kind is not Kind.UNKNOWN or letter.ids & wanted.ids)
    ]


def plan_purge(letter: DeadLetter, replayer: Replayer) -> Outcome:
    """What a purge would do with the dead letter: only what somebody waits for is left. Raises: ServiceUnavailable."""
    if letter.kind is not Kind.REDRIVEN:
        return Outcome(letter, Result.PURGED, "It goes for good.")
    planned = replayer.plan(letter)
    if planned.result is Result.DROPPED:
        return replace(planned, result=Result.PURGED)
    if planned.result is Result.MADE_DUE:
        return replace(planned, result=Result.LEFT, text=f"{planned.text} Replay it: that makes its job due.")
    return planned


def purge(held: HeldMessages, letters: Iterable[DeadLetter], replayer: Replayer, tell: Tell) -> list[Outcome]:
    """Delete dead letters that are in hand. Raises: ServiceUnavailable, LeaseLost."""
    done: list[Outcome] = []
    for letter in letters:
        held.renew()
        outcome = plan_purge(letter, replayer)
        if outcome.result is Result.PURGED:
            held.delete(letter.message.message_id)
        done.append(outcome)
        tell(outcome)
    return done
