"""What to do with a job: a pure function of its image, of what was observed of its run, and of the time.

The rows are numbered as in docs/architecture.md ("The decision table"), and the first that matches wins.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.cost_limits import limit_at_end, reaches_limit_at, warning_at
from shared.failure_cards import FailureClass
from shared.lifecycle import START_FENCE, bills_due_at, next_look
from shared.models import FailureReason, Job
from shared.retry import classify_failure, classify_run, may_retry, stop_reason
from shared.run_cost import prices_of
from shared.settings import Settings
from shared.spark_runner import Absence, Run
from shared.transitions import JobStatus

# A run that EMR does not know is believed lost only this long after its intent.
GONE_PATIENCE = timedelta(seconds=900)
GONE_RETRY = timedelta(seconds=60)
UNKNOWN_RETRY = timedelta(seconds=30)
CANCEL_RETRY = timedelta(seconds=60)
PERMIT_RETRY = timedelta(seconds=15)


@dataclass(frozen=True)
class ProgramFailure:
    """What the Spark program itself left about its failure; `exceptions`: one on a line, the outermost first."""

    reason: FailureReason
    message: str
    exceptions: str = ""


@dataclass(frozen=True)
class Observation:
    """What is known of the run: nothing yet, a run as it was seen (with its program's failure), or its absence.

    A run and GONE together: the recorded run is gone, and a search by name found this one instead.
    `missing_manifest` is where a run that succeeded should have left its manifest, and did not. `undelivered` are
    sentences about reports that its program made in vain; nothing is decided by them.
    """

    run: Run | None = None
    absence: Absence = Absence.NOTHING_YET
    failure: ProgramFailure | None = None
    manifest_sha256: str | None = None
    missing_manifest: str | None = None
    undelivered: tuple[str, ...] = ()


NOTHING_YET = Observation()


@dataclass(frozen=True)
class Done:
    """Nothing to do here: somebody else acts, or nobody needs to."""


@dataclass(frozen=True)
class Claim:
    """SUBMITTED becomes RUNNING, with the intent to start attempt 1 unless the job must end."""


@dataclass(frozen=True)
class Intend:
    """Write the intent to start a run; then start it."""


@dataclass(frozen=True)
class Look:
    """Ask EMR for the run's state."""


@dataclass(frozen=True)
class Find:
    """Look for the attempt's run by its name."""


@dataclass(frozen=True)
class Record:
    """Write down the run that was found or started."""

    run: Run


@dataclass(frozen=True)
class Cancel:
    """Ask EMR to cancel the run, then wait."""

    until: datetime


@dataclass(frozen=True)
class Wait:
    """Nothing before `until`."""

    until: datetime


@dataclass(frozen=True)
class LimitCost:
    """Write down when the run reaches the most that the job may cost; then go on."""

    at: datetime


@dataclass(frozen=True)
class WarnOfCost:
    """Say that the job comes near the most that it may cost; then go on."""


@dataclass(frozen=True)
class Retry:
    """The attempt failed in a way that another may mend."""

    failure_class: FailureClass
    detail: str


@dataclass(frozen=True)
class Succeed:
    """The job is done. The checksum is that of its manifest, None where there is none or it is not known."""

    manifest_sha256: str | None = None


@dataclass(frozen=True)
class Fail:
    """The job ends without success."""

    reason: FailureReason
    detail: str


@dataclass(frozen=True)
class DoDuties:
    """Do the next of what the ended job owes."""


@dataclass(frozen=True)
class ReadBills:
    """Ask EMR what it bills of the ended job's runs."""


Action = (
    Done
    | Claim
    | Intend
    | Look
    | Find
    | Record
    | Cancel
    | Wait
    | LimitCost
    | WarnOfCost
    | Retry
    | Succeed
    | Fail
    | DoDuties
    | ReadBills
)


def decide(job: Job, seen: Observation, now: datetime, mine: bool, settings: Settings) -> Action:
    """The one next step. `mine`: the caller wrote this very image, so nobody else may act on it."""
    if job.status.is_terminal:
        return _decide_ended(job, now, mine)
    if job.status is JobStatus.SUBMITTED:  # 2, 3
        return Claim()
    if job.is_tracking:
        return _decide_tracking(job, seen, now, mine, settings)
    if job.is_starting:
        return _decide_starting(job, seen, now, mine)
    return _decide_idle(job, now, mine)


def _decide_ended(job: Job, now: datetime, mine: bool) -> Action:
    if mine and job.owes:  # 1
        return DoDuties()
    if not mine or not job.bill_pending:  # 1
        return Done()
    due_at = bills_due_at(job)
    if now >= due_at:  # 1
        return ReadBills()
    return Done() if job.due_at == due_at else Wait(due_at)  # 1


def _decide_tracking(job: Job, seen: Observation, now: datetime, mine: bool, settings: Settings) -> Action:
    if seen.run is not None and seen.run.run_id == job.run_id:  # else 4: a run of another time says nothing
        return _decide_seen_run(job, seen, seen.run, now, mine, settings)
    if not mine:  # 10
        return Done()
    if seen.run is not None and seen.absence is Absence.GONE and seen.run.name == job.run_name:  # 12
        return Record(seen.run)
    if seen.run is not None or seen.absence is Absence.NOTHING_YET:  # 11
        return Look()
    if seen.absence is Absence.GONE:  # 12
        patient_until = (job.intent_at or job.updated_at) + GONE_PATIENCE
        return Find() if now >= patient_until else Wait(now + GONE_RETRY)
    if seen.absence is Absence.UNKNOWN:  # 13
        return Wait(now + UNKNOWN_RETRY)
    detail = f"EMR Serverless knows no run {job.run_id} and none named {job.run_name}."
    return Fail(stop_reason(job, now) or FailureReason.RUN_LOST, detail)


def _decide_seen_run(job: Job, seen: Observation, run: Run, now: datetime, mine: bool, settings: Settings) -> Action:
    if not run.is_over:
        return _decide_live_run(job, run, now, mine, settings)
    job = replace(job, cost_limit_at=limit_at_end(job, run, now, prices_of(settings)))
    if run.state == "SUCCESS" and seen.missing_manifest is None:  # 5: whatever was asked meanwhile
        return Succeed(seen.manifest_sha256)
    if run.state == "SUCCESS":  # 5: there is nothing that a reader could go by
        detail = f"Its run ended with SUCCESS, but left no manifest at {seen.missing_manifest}."
        return Fail(stop_reason(job, now) or FailureReason.RUN_FAILED, detail)
    return _decide_failed_run(job, run, seen.failure, now)


def _decide_live_run(job: Job, run: Run, now: datetime, mine: bool, settings: Settings) -> Action:
    prices = prices_of(settings)
    limit_at = reaches_limit_at(job, run, now, prices)
    if limit_at is not None and limit_at != job.cost_limit_at:  # 9a: whoever was told of it
        return LimitCost(limit_at)
    if not mine:  # 10
        return Done()
    if stop_reason(job, now):  # 14
        return Wait(now + CANCEL_RETRY) if run.state == "CANCELLING" else Cancel(now + CANCEL_RETRY)
    warning = warning_at(job, prices)
    if warning is not None and now >= warning:  # 14a
        return WarnOfCost()
    return Wait(next_look(job, now, settings))  # 15


def _decide_failed_run(job: Job, run: Run, failure: ProgramFailure | None, now: datetime) -> Action:
    detail = _detail_of(job, run, failure)
    stop = stop_reason(job, now)
    if stop:  # 6
        return Fail(stop, detail)
    if run.state == "CANCELLED":  # 7
        if run.duration_seconds >= job.spec.timeout_minutes * 60:
            return Fail(
                FailureReason.TIMED_OUT,
                f"The run was ended after its {job.request.timeout_seconds} s (timeoutSeconds).",
            )
        return Fail(FailureReason.CANCELLED_EXTERNALLY, detail)
    failure_class = class_of(job, run, failure)
    if may_retry(job, failure_class, now):  # 8
        return Retry(failure_class, detail)
    return Fail(_reason_of(failure_class, failure), detail)  # 9


def _detail_of(job: Job, run: Run, failure: ProgramFailure | None) -> str:
    """The program's own words, as it left or reported them, before EMR's."""
    if failure is not None:
        return failure.message
    return job.reported.message if job.reported is not None else run.details


def class_of(job: Job, run: Run, failure: ProgramFailure | None) -> FailureClass:
    """What kind of failure ended a run: as its program reported it, as it left it, or else as EMR words it."""
    if job.reported is not None:
        return FailureClass(job.reported.failure_class)
    if failure is None:
        return classify_run(run.details)
    found = classify_failure(failure.reason, failure.message)
    return classify_failure(None, run.details) if found is FailureClass.UNKNOWN else found


def _reason_of(failure_class: FailureClass, failure: ProgramFailure | None) -> FailureReason:
    if failure_class is FailureClass.CAPACITY:
        return FailureReason.CAPACITY
    return failure.reason if failure else FailureReason.RUN_FAILED


def _decide_starting(job: Job, seen: Observation, now: datetime, mine: bool) -> Action:
    if seen.run is not None and seen.run.name == job.run_name:  # 16
        return Record(seen.run)
    if not mine:  # 17
        return Done()
    if seen.absence is Absence.UNKNOWN:  # 18
        return Wait(now + UNKNOWN_RETRY)
    if seen.absence is not Absence.NONE:  # 18
        return Find()
    stop = stop_reason(job, now)
    if not stop:  # 19
        return Intend()
    fence = (job.intent_at or now) + START_FENCE  # 20
    return Fail(stop, "No run had begun.") if now >= fence else Wait(fence)


def _decide_idle(job: Job, now: datetime, mine: bool) -> Action:
    if not mine:  # 21
        return Done()
    stop = stop_reason(job, now)
    return Fail(stop, "No run was under way.") if stop else Intend()  # 21, 22
