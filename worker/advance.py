"""Moves one job on: read, observe, decide, write one step, until nothing is left to do now.

Messages, events and the timer all end here, so a duplicate, a loss, another order or a crash needs no code of
its own. What a crash leaves behind is in the item, and the timer finds it by its `due_at`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from shared.bills import Bill
from shared.control_store import ControlStore
from shared.cost_limits import spent_by
from shared.delays import DelayCause
from shared.errors import (
    AppError,
    ObjectsForbidden,
    ObjectsUnavailable,
    QueueUnavailable,
    SparkUnavailable,
    StartForbidden,
    StartRejected,
    StartThrottled,
)
from shared.failure_cards import FailureClass
from shared.job_queue import JobQueue
from shared.job_store import JobStore, Won
from shared.lifecycle import (
    START_FENCE,
    START_WINDOW,
    WORKER,
    bills_read,
    claimed,
    cost_limited,
    cost_warned,
    dead_letter_sent,
    duties_postponed,
    failed,
    intended,
    paced,
    recorded,
    refusal_wait,
    retrying,
    run_seen,
    scan_noted,
    start_refused,
    succeeded,
    waiting,
)
from shared.locations import failure_uri
from shared.models import FailureReason, Job
from shared.object_store import ObjectStore
from shared.retry import stop_reason
from shared.run_cost import KEPT, bill_of, prices_of
from shared.run_spans import record_run
from shared.settings import Settings
from shared.spark_runner import Absence, Run, SparkRunner
from shared.tracing import Attributes, job_span
from shared.transitions import JobStatus
from worker import decide as steps
from worker.callback_keys import CallbackKeys
from worker.dataset_scans import DatasetScans
from worker.decide import NOTHING_YET, PERMIT_RETRY, Observation, ProgramFailure, decide
from worker.envelopes import failed_job_envelope
from worker.manifests import with_manifest
from worker.metrics import DEAD_LETTERS, PERMIT_REFUSALS
from worker.permits import Permit
from worker.reachability import Reachability
from worker.run_cards import card_of_end, card_of_retry
from worker.start_gate import StartGate
from worker.undelivered import UndeliveredReports, with_undelivered

log = structlog.get_logger()

# A handling takes a handful of turns; more means that two rules chase each other.
MOST_TURNS = 25
# Shortest and longest wait after a start that EMR certainly did not accept.
THROTTLED_WAIT_SECONDS = (5.0, 60.0)
FORBIDDEN_WAIT_SECONDS = (60.0, 300.0)


@dataclass(frozen=True)
class Turn:
    """The image at hand, what was observed of its run, and whether this handling wrote the image itself."""

    job: Job
    seen: Observation
    mine: bool


class Advance:
    """Carries out what `decide` says, one conditional write at a time."""

    def __init__(
        self,
        store: JobStore,
        runner: SparkRunner,
        objects: ObjectStore,
        control: ControlStore,
        dead_letters: JobQueue,
        scans: DatasetScans,
        gate: StartGate,
        callback_keys: CallbackKeys,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._runner = runner
        self._objects = objects
        self._control = control
        self._dead_letters = dead_letters
        self._scans = scans
        self._gate = gate
        self._callback_keys = callback_keys
        self._undelivered = UndeliveredReports(objects, settings)
        self._settings = settings
        self._clock = clock
        self._emr = Reachability("EMR Serverless", clock)
        self._sqs = Reachability("SQS", clock)

    def may_start(self) -> bool:
        """Whether this process may start anything now."""
        return self._gate.is_open()

    def new_permit(self) -> Permit:
        """A permit to be taken from the fleet's bucket. Taking it raises StoreUnavailable."""
        return Permit(self._take_permit)

    def _take_permit(self) -> bool:
        """The first answer of DynamoDB may be what shows that this machine's clock is wrong: then it is no permit."""
        if not self.may_start():
            return False
        if not self._control.take_start_permit(self._clock()):
            PERMIT_REFUSALS.inc()
            return False
        return self.may_start()

    def __call__(self, job: Job, seen: Observation, permit: Permit, *, mine: bool) -> None:
        """Advance `job` as far as it goes now.

        `mine`: the caller wrote this image. `permit` is taken before a run is started, and spent on it.
        Raises: StoreUnavailable, ObjectsUnavailable; the job's `due_at` brings it back.
        """
        turn: Turn | None = Turn(job, seen, mine)
        with (
            bound_contextvars(job_id=job.job_id, owner=job.owner_id, correlation_id=job.correlation_id),
            job_span("advance", job.traceparent, facts_of(job)),
        ):
            for _ in range(MOST_TURNS):
                if turn is None:
                    return
                turn = self._take_turn(turn, permit)
            log.error("advance_does_not_end", turns=MOST_TURNS)

    def observe(self, job: Job, run: Run) -> Observation:
        """The run, with what its program left: manifest or failure, and reports. Raises: ObjectsUnavailable."""
        if run.name != job.run_name or job.status.is_terminal:
            return Observation(run=run)
        return replace(self._left_by(job, run), undelivered=self._undelivered.of(job, run.state))

    def _left_by(self, job: Job, run: Run) -> Observation:
        if run.state == "SUCCESS":
            return with_manifest(self._objects, self._settings, job, run)
        return Observation(run=run, failure=self._program_failure(job) if run.state == "FAILED" else None)

    def _program_failure(self, job: Job) -> ProgramFailure | None:
        try:
            left = self._objects.read_json(failure_uri(self._settings, job))
        except ObjectsForbidden:
            return None
        if not isinstance(left, dict) or not isinstance(left.get("message"), str):
            return None
        known = left.get("failureReason") == FailureReason.INVALID_INPUT
        reason = FailureReason.INVALID_INPUT if known else FailureReason.RUN_FAILED
        return ProgramFailure(reason, storable(left["message"]), storable(exceptions_of(left)))

    def _take_turn(self, turn: Turn, permit: Permit) -> Turn | None:
        """One step; None when the handling is over."""
        job, now = turn.job, self._clock()
        watched = with_run(job, turn.seen.run)
        match decide(job, turn.seen, now, turn.mine, self._settings):
            case steps.Done():
                return None
            case steps.Claim():
                return self._claim(turn, now, permit)
            case steps.Intend():
                return self._intend(turn, now, permit)
            case steps.Look():
                return self._look(turn)
            case steps.Find():
                return self._find(turn)
            case steps.Record(run):
                return self._write(turn, recorded(job, run.run_id, now, self._settings, look_now=run.is_over))
            case steps.Cancel(until):
                return self._cancel(turn, now, until)
            case steps.Wait(until):
                return self._write(turn, waiting(watched, now, until))
            case steps.LimitCost(at):
                return self._go_on_with(turn, cost_limited(watched, now, at, self._hold(now)))
            case steps.WarnOfCost():
                return self._go_on_with(turn, cost_warned(watched, now, self._hold(now)))
            case steps.Retry(failure_class, detail):
                return self._retry(turn, now, failure_class, detail)
            case steps.Succeed(manifest_sha256):
                message = f"Attempt {job.attempt} succeeded."
                wanted = succeeded(
                    told(turn, now), now, WORKER, message, self._hold(now), manifest_sha256, self._bill(turn)
                )
                return self._go_on_with(turn, wanted)
            case steps.Fail(reason, detail):
                return self._fail(turn, now, reason, detail)
            case steps.DoDuties():
                return self._do_duties(turn, now)
            case steps.ReadBills():
                return self._read_bills(turn, now)

    def _write(self, turn: Turn, wanted: Job) -> Turn | None:
        """Write a step that ends the handling if it is won."""
        won_or_refused = self._try_to_write(turn, wanted)
        return won_or_refused if isinstance(won_or_refused, Turn) else None

    def _try_to_write(self, turn: Turn, wanted: Job) -> Job | Turn | None:
        """The job if the write is won; else the turn to go on with, on the image that was in the way."""
        result = self._store.update(turn.job, wanted)
        if isinstance(result, Won):
            log_step(turn.job, result.job)
            record_run(turn.job, result.job, turn.seen.run)
            return result.job
        if result.job is None:
            log.warning("job_is_gone")
            return None
        # A run stays seen, whoever wrote; that none was there may have changed since.
        seen = turn.seen if turn.seen.run is not None else NOTHING_YET
        return Turn(result.job, seen, mine=False)

    def _may_start_with(self, permit: Permit) -> bool:
        """A permit in hand does not pass a gate that was shut since."""
        return self.may_start() and permit.take()

    def _claim(self, turn: Turn, now: datetime, permit: Permit) -> Turn | None:
        wanted = claimed(turn.job, now, self._settings)
        if wanted.intent_at is not None and not self._may_start_with(permit):
            return None  # its `due_at` stands
        written = self._try_to_write(turn, wanted)
        if not isinstance(written, Job):
            return written
        if written.intent_at is None:
            return Turn(written, turn.seen, mine=True)
        permit.spend()
        return self._start(written, alone=True)

    def _intend(self, turn: Turn, now: datetime, permit: Permit) -> Turn | None:
        if not self._may_start_with(permit):
            return self._write(turn, paced(turn.job, now, now + PERMIT_RETRY))
        written = self._try_to_write(turn, intended(turn.job, now, self._settings))
        if not isinstance(written, Job):
            return written
        permit.spend()
        earlier_intent_at = turn.job.intent_at
        return self._start(written, alone=earlier_intent_at is None or now - earlier_intent_at >= START_FENCE)

    def _start(self, job: Job, *, alone: bool) -> Turn | None:
        """Start the run that was just intended. `alone`: no earlier intent can have become a run of that name."""
        intent_at = job.intent_at or job.updated_at
        own = Turn(job, NOTHING_YET, mine=True)
        self._callback_keys.hand_over(job)
        try:
            run_id = self._runner.start(job, intent_at + START_WINDOW)
        except StartThrottled as error:
            self._control.empty_start_bucket(self._clock())
            return self._refuse(own, error, DelayCause.EMR_CAPACITY, THROTTLED_WAIT_SECONDS, alone=alone)
        except StartForbidden as error:
            self._gate.refused()
            return self._refuse(own, error, DelayCause.EMR_REFUSAL, FORBIDDEN_WAIT_SECONDS, alone=alone)
        except StartRejected as error:
            if alone:
                return self._fail(own, self._clock(), FailureReason.START_REJECTED, error.detail)
            return self._refuse(own, error, DelayCause.EMR_REFUSAL, FORBIDDEN_WAIT_SECONDS, alone=alone)
        except SparkUnavailable as error:  # a run may have begun: the hold ends, and it is looked for by name
            log.warning("start_is_unsure", attempt=job.attempt, reason=error.detail)
            self._gate.unsure()
            return None
        self._gate.accepted()
        run = Run(run_id, job.run_name, "SUBMITTED", "", 0.0)
        wanted = recorded(job, run_id, self._clock(), self._settings, look_now=False)
        return self._write(Turn(job, Observation(run=run), mine=True), wanted)

    def _refuse(
        self, turn: Turn, error: AppError, cause: DelayCause, wait_seconds: tuple[float, float], *, alone: bool
    ) -> Turn | None:
        """The start was certainly not accepted. Whoever changed the job meanwhile goes on from its intent."""
        log.warning("start_refused", attempt=turn.job.attempt, reason=error.detail)
        wait = refusal_wait(turn.job, *wait_seconds)
        self._try_to_write(turn, start_refused(turn.job, self._clock(), cause, error.detail, wait, alone=alone))
        return None

    def _look(self, turn: Turn) -> Turn | None:
        job = turn.job
        try:
            seen = self._runner.look(job.spec.application_id, job.run_id or "")
        except SparkUnavailable as error:
            self._emr.failed(error.detail)
            return None
        self._emr.answered()
        return replace(turn, seen=self._observation(job, seen))

    def _find(self, turn: Turn) -> Turn:
        found = self._observation(turn.job, self._runner.find(turn.job))
        gone = found.run is not None and turn.seen.absence is Absence.GONE
        return replace(turn, seen=replace(found, absence=Absence.GONE) if gone else found)

    def _observation(self, job: Job, seen: Run | Absence) -> Observation:
        return self.observe(job, seen) if isinstance(seen, Run) else Observation(absence=seen)

    def _cancel(self, turn: Turn, now: datetime, until: datetime) -> Turn | None:
        try:
            self._runner.cancel(turn.job.spec.application_id, turn.job.run_id or "")
        except SparkUnavailable as error:
            self._emr.failed(error.detail)
            return None
        self._emr.answered()
        log.info("cancel_sent", run_id=turn.job.run_id, reason=stop_reason(turn.job, now))
        return self._write(turn, waiting(turn.job, now, until))

    def _retry(self, turn: Turn, now: datetime, failure_class: FailureClass, detail: str) -> Turn | None:
        card = card_of_retry(failure_class, detail, turn.seen)
        wanted = retrying(told(turn, now), now, failure_class, detail, card, self._bill(turn), self._estimate(turn))
        return self._write(turn, wanted)

    def _fail(self, turn: Turn, now: datetime, reason: FailureReason, detail: str) -> Turn | None:
        card = card_of_end(turn.job, reason, detail, turn.seen)
        wanted = failed(told(turn, now), now, WORKER, reason, detail, self._hold(now), card, self._bill(turn))
        return self._go_on_with(turn, wanted)

    def _hold(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._settings.hold_seconds)

    def _go_on_with(self, turn: Turn, wanted: Job) -> Turn | None:
        """Write a step after which there may be more to do, by this very handling if it is won."""
        written = self._try_to_write(turn, wanted)
        return Turn(written, turn.seen, mine=True) if isinstance(written, Job) else written

    def _do_duties(self, turn: Turn, now: datetime) -> Turn | None:
        """The next duty, then the write that clears its flag: whoever dies between them leaves it to be repeated."""
        if turn.job.dlq_pending:
            return self._send_dead_letter(turn, now)
        return self._note_scan(turn, now)

    def _send_dead_letter(self, turn: Turn, now: datetime) -> Turn | None:
        try:
            self._dead_letters.send(failed_job_envelope(turn.job, self._settings))
        except QueueUnavailable as error:
            self._sqs.failed(error.detail)
            return self._write(turn, duties_postponed(turn.job, now))
        self._sqs.answered()
        DEAD_LETTERS.labels("job").inc()
        log.info("dead_letter_sent")
        return self._go_on_with(turn, dead_letter_sent(turn.job, now, self._hold(now)))

    def _note_scan(self, turn: Turn, now: datetime) -> Turn | None:
        try:
            self._scans.note(turn.job)
        except (ObjectsUnavailable, ObjectsForbidden) as error:
            log.warning("scan_not_noted", reason=error.detail)
            return self._write(turn, duties_postponed(turn.job, now))
        return self._go_on_with(turn, scan_noted(turn.job, now, self._hold(now)))

    def _bill(self, turn: Turn) -> Bill | None:
        """The bill of the job's run, where the look that saw its end found it already."""
        run = turn.seen.run
        usage = run.final_usage if run is not None and run.run_id == turn.job.run_id else None
        return None if usage is None else bill_of(usage, prices_of(self._settings))

    def _estimate(self, turn: Turn) -> Decimal | None:
        """What the job's run cost as far as is known at its end, if the job may cost only so much."""
        run = turn.seen.run
        if turn.job.request.max_cost_usd is None or run is None:
            return None
        return spent_by(turn.job, run, prices_of(self._settings)).quantize(KEPT)

    def _read_bills(self, turn: Turn, now: datetime) -> Turn | None:
        job, bills = turn.job, {}
        for run_id in [record.run_id for record in job.attempts if record.lacks_bill and record.run_id]:
            try:
                seen = self._runner.look(job.spec.application_id, run_id)
            except SparkUnavailable as error:  # nothing is written: the hold ends, and no try is used up
                self._emr.failed(error.detail)
                return None
            self._emr.answered()
            usage = seen.late_usage if isinstance(seen, Run) else None
            if usage is not None:
                bills[run_id] = bill_of(usage, prices_of(self._settings))
        read = bills_read(job, now, bills)
        log.info("bills_read", found=len(bills), pending=read.bill_pending)
        return self._write(turn, read)


def facts_of(job: Job) -> Attributes:
    """What the span of a step says of its job."""
    return {"cdp.job_id": job.job_id, "cdp.attempt": job.attempt, "cdp.correlation_id": job.correlation_id}


def with_run(job: Job, run: Run | None) -> Job:
    """The job with what was seen of its run, if it has one: it is written with whatever step follows."""
    if run is None or not job.is_tracking or run.run_id != job.run_id:
        return job
    return run_seen(job, run.state, run.started_at)


def told(turn: Turn, now: datetime) -> Job:
    """The job whose attempt ends, with all that was seen of its run and found of its reports."""
    return with_undelivered(with_run(turn.job, turn.seen.run), now, turn.seen.undelivered)


def exceptions_of(left: Mapping[str, Any]) -> str:
    """The exceptions that a program left word of, one on a line; programs of users write as they please."""
    causes = left.get("causes", [])
    return "\n".join(cause for cause in causes if isinstance(cause, str)) if isinstance(causes, list) else ""


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: JSON may hold more."""
    return text.encode(errors="replace").decode()


# What the log calls the entry into a status that a worker may write.
ENTERED = {
    JobStatus.RUNNING: "job_running",
    JobStatus.SUCCEEDED: "job_succeeded",
    JobStatus.FAILED: "job_failed",
}


def log_step(before: Job, after: Job) -> None:
    """Say what a won write changed; a mere wait is not worth a line."""
    facts = {"attempt": after.attempt, "run_id": after.run_id}
    if after.status is not before.status:
        log.info(ENTERED[after.status], reason=after.failure_reason, message=after.status_message, **facts)
    elif after.run_id is not None and before.run_id is None:
        log.info("run_recorded", **facts)
    elif after.cost_warned_at is not None and before.cost_warned_at is None:
        log.warning(
            "cost_near_limit", max_cost_usd=after.request.max_cost_usd, limit_at=str(after.cost_limit_at), **facts
        )
    elif before.run_id is not None and after.run_id is None:
        log.info("attempt_failed", message=after.status_message, **facts)
    elif after.attempt > before.attempt:
        log.info("attempt_intended", **facts)
