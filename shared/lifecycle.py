"""Every change a job can go through, as pure functions from one image of it to the next.

Who calls what: the API creates, cancels and takes reports; the worker does the rest. The job store writes the
difference between the two images under a condition on the first, so a function here never asks whether somebody
else was faster. The reasons for each step are in docs/architecture.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.attempts import AttemptRecord, Outcome, with_record
from shared.bills import Bill
from shared.cost_limits import WARNED_AT, next_cost_look
from shared.delays import DelayCause, StartDelay, delayed
from shared.failure_cards import FailureCard, FailureClass, failure_card
from shared.models import (
    DETAIL_CHARACTERS,
    HISTORY_ENTRIES,
    HISTORY_MESSAGE_CHARACTERS,
    FailureReason,
    FailureReport,
    HistoryEntry,
    Job,
    Progress,
)
from shared.redaction import clean_text
from shared.retry import (
    DUTY_BASE_SECONDS,
    DUTY_CAP_SECONDS,
    UNCHARGED,
    backoff,
    class_of_end,
    hash01,
    retry_backoff,
    stop_reason,
)
from shared.run_cost import prices_of
from shared.settings import Settings
from shared.transitions import JobStatus

WORKER = "worker"
# A start must be signed within this time of its intent; a process that was stopped for longer refuses its own call.
START_WINDOW = timedelta(seconds=30)
# AWS refuses a request that was signed longer ago (Signature Version 4).
SIGNATURE_LIFETIME = timedelta(seconds=300)
# Clock skew and the lag of ListJobRuns.
FENCE_MARGIN = timedelta(seconds=90)
# After this time no run can begin for an intent any more, whatever happened to the process that meant to start it.
START_FENCE = START_WINDOW + SIGNATURE_LIFETIME + FENCE_MARGIN
# A submitted job that the timer looked at and could not start: the longer it waits, the surer its message is in a
# backlog. A job whose message was never sent is young, and must not wait long for the next permit.
SUBMITTED_HOLDS = (timedelta(seconds=15), timedelta(seconds=300))
# EMR Serverless knows some seconds after the end what it bills of a run (public benchmarks wait 30 to 300).
BILL_AFTER = timedelta(seconds=60)
# How long is waited after each look at which it did not; after the last the bill stays unknown.
BILL_WAITS = tuple(timedelta(seconds=seconds) for seconds in (60, 120, 300, 900, 3600))


# What is known of a run leaves the job with it: the attempt's record keeps what lasts.
WITHOUT_A_RUN: dict[str, Any] = {"run_state": None, "run_began_at": None}


def described(job: Job, now: datetime, by: str, message: str, moved_from: JobStatus, **changes: Any) -> Job:
    """The job changed, with an entry in its history; after `HISTORY_ENTRIES` the oldest but the first go.

    The message may quote anybody: a program, its owner, EMR Serverless. What is secret in it is kept nowhere.
    """
    message = clean_text(message)
    changed = replace(job, updated_at=now, status_message=message[:DETAIL_CHARACTERS], **changes)
    entry = HistoryEntry(
        at=now,
        moved_from=moved_from,
        moved_to=changed.status,
        by=by,
        attempt=changed.attempt,
        message=message[:HISTORY_MESSAGE_CHARACTERS],
        correlation_id=job.correlation_id,
    )
    history = (*job.history, entry)
    if len(history) > HISTORY_ENTRIES:
        history = (history[0], *history[len(history) - HISTORY_ENTRIES + 1 :])
    return replace(changed, history=history)


def claimed(job: Job, now: datetime, settings: Settings) -> Job:
    """SUBMITTED to RUNNING. The first attempt is intended in the same write, unless the job must end."""
    hold = now + timedelta(seconds=settings.hold_seconds)
    if stop_reason(job, now):
        message, running = "Taken up to be ended.", JobStatus.RUNNING
        return described(job, now, WORKER, message, job.status, status=running, delay=None, due_at=hold)
    return described(
        job,
        now,
        WORKER,
        "Starting attempt 1.",
        job.status,
        status=JobStatus.RUNNING,
        attempt=1,
        delay=None,
        intent_at=now,
        due_at=hold,
    )


def taken_over(job: Job, now: datetime, settings: Settings) -> Job:
    """The timer takes a due job for itself: others leave it alone until the hold ends.

    A submitted one that it takes and does not claim found no start free, and nothing more is written of it then.
    """
    if job.status is JobStatus.SUBMITTED:
        return paced(job, now, now + submitted_hold(job, now))
    return replace(job, updated_at=now, due_at=now + timedelta(seconds=settings.hold_seconds))


def paced(job: Job, now: datetime, until: datetime) -> Job:
    """No start was free for the job, and it asks for one again at `until`."""
    return replace(job, updated_at=now, due_at=until, delay=delayed(job.delay, DelayCause.START_PACING, now, until))


def submitted_hold(job: Job, now: datetime) -> timedelta:
    """Half of the job's age, and up to twice that: spread, so that permits find some jobs due whenever they come."""
    shortest, longest = SUBMITTED_HOLDS
    return min(longest, max(shortest, (now - job.created_at) / 2) * (1 + hash01(job.rev)))


def intended(job: Job, now: datetime, settings: Settings) -> Job:
    """A run is about to be started: of the next attempt, or again of one whose run was never begun."""
    due_at = now + timedelta(seconds=settings.hold_seconds)
    if job.is_starting:
        return replace(job, updated_at=now, intent_at=now, due_at=due_at, delay=None)
    attempt = job.attempt + 1
    return described(
        job,
        now,
        WORKER,
        f"Starting attempt {attempt}.",
        job.status,
        attempt=attempt,
        intent_at=now,
        due_at=due_at,
        delay=None,
    )


def recorded(job: Job, run_id: str, now: datetime, settings: Settings, *, look_now: bool) -> Job:
    """The attempt's run is known. `look_now` brings the timer at once: the run is over, or the job must end."""
    message = f"Attempt {job.attempt} runs on EMR Serverless as {run_id}."
    due_at = now if look_now or stop_reason(job, now) else next_look(job, now, settings)
    return replace(job, updated_at=now, run_id=run_id, status_message=message, due_at=due_at, delay=None)


def run_seen(job: Job, state: str, began_at: datetime | None) -> Job:
    """What EMR says of the job's run: its state, and when it had workers."""
    return replace(job, run_state=state, run_began_at=began_at or job.run_began_at)


def next_look(job: Job, now: datetime, settings: Settings) -> datetime:
    """When a live run is looked at again: after the poll's pause, or earlier for the job's deadline or its limit."""
    cost_look = next_cost_look(job, now, prices_of(settings))
    moments = [now + timedelta(seconds=settings.poll_seconds), job.deadline_at]
    return max(now, min(moments if cost_look is None else [*moments, cost_look]))


def cost_limited(job: Job, now: datetime, limit_at: datetime, due_at: datetime) -> Job:
    """It is known, or known better, when the running attempt reaches the most that the job may cost."""
    return replace(job, updated_at=now, cost_limit_at=limit_at, due_at=due_at)


def cost_warned(job: Job, now: datetime, due_at: datetime) -> Job:
    """The job comes near the most that it may cost; said once, whatever attempts follow."""
    message = f"{WARNED_AT:.0%} of its maxCostUsd ({job.request.max_cost_usd}) are used up; at all of it, it is ended."
    return described(job, now, WORKER, message, job.status, cost_warned_at=now, due_at=due_at)


def start_refused(job: Job, now: datetime, cause: DelayCause, message: str, wait: timedelta, *, alone: bool) -> Job:
    """EMR certainly did not take this start. `alone`: no earlier intent of the attempt can have become a run."""
    message = clean_text(message)[:DETAIL_CHARACTERS]
    if not alone and job.intent_at is not None:
        fence = job.intent_at + START_FENCE
        delay = StartDelay(cause, now, fence)
        return replace(job, updated_at=now, status_message=message, due_at=fence, delay=delay)
    return replace(
        job,
        updated_at=now,
        status_message=message,
        attempt=job.attempt - 1,
        intent_at=None,
        progress=None,
        due_at=now + wait,
        delay=StartDelay(cause, now, now + wait),
    )


def succeeded(
    job: Job,
    now: datetime,
    by: str,
    message: str,
    due_at: datetime,
    manifest_sha256: str | None = None,
    bill: Bill | None = None,
) -> Job:
    """RUNNING to SUCCEEDED. The same write owes a dataset its scan, due at `due_at`; other jobs owe at most bills.

    The checksum is that of the manifest, where it is known; `bill` is that of the last run, likewise.
    """
    attempts = attempts_with_this(job, now, None, bill)
    bills_due = now + BILL_AFTER if lacks_bills(attempts) else None
    return described(
        job,
        now,
        by,
        message,
        job.status,
        status=JobStatus.SUCCEEDED,
        finished_at=now,
        attempts=attempts,
        bill_pending=lacks_bills(attempts),
        manifest_sha256=manifest_sha256,
        scan_pending=job.scan_of is not None,
        intent_at=None,
        progress=None,
        **WITHOUT_A_RUN,
        delay=None,
        reported=None,
        due_at=bills_due if job.scan_of is None else due_at,
    )


def failed(
    job: Job,
    now: datetime,
    by: str,
    reason: FailureReason,
    detail: str,
    due_at: datetime,
    card: FailureCard | None = None,
    bill: Bill | None = None,
) -> Job:
    """RUNNING to FAILED; the same write owes the dead-letter queue a message, a dataset its scan, due at `due_at`.

    `card` tells of the attempt what was seen of its run; without one, reason and detail make it.
    """
    attempts = attempts_with_this(job, now, card or failure_card(class_of_end(reason, detail), detail), bill)
    return described(
        job,
        now,
        by,
        failure_sentence(job, reason, detail),
        job.status,
        status=JobStatus.FAILED,
        finished_at=now,
        attempts=attempts,
        bill_pending=lacks_bills(attempts),
        failure_reason=reason,
        cost_limit_at=min(now, job.cost_limit_at or now) if reason is FailureReason.COST_LIMIT else job.cost_limit_at,
        failure_detail=clean_text(detail)[:DETAIL_CHARACTERS] or None,
        dlq_pending=True,
        scan_pending=job.scan_of is not None,
        intent_at=None,
        progress=None,
        **WITHOUT_A_RUN,
        delay=None,
        reported=None,
        due_at=due_at,
    )


def attempts_with_this(
    job: Job, now: datetime, failure: FailureCard | None, bill: Bill | None, estimate: Decimal | None = None
) -> tuple[AttemptRecord, ...]:
    """The records of the job's attempts and that of the current one, which ends now; there is none between two."""
    if job.is_idle:
        return job.attempts
    outcome = Outcome.SUCCEEDED if failure is None else Outcome.FAILED
    started_at = job.intent_at or job.updated_at
    size, began_at = job.size_name, job.run_began_at
    record = AttemptRecord(job.attempt, outcome, started_at, now, job.run_id, failure, bill, size, estimate, began_at)
    return with_record(job.attempts, record)


def failure_sentence(job: Job, reason: FailureReason, detail: str) -> str:
    """What happened, as a sentence that a person can act on."""
    openings = {
        FailureReason.CANCELLED: "Cancelled as asked.",
        FailureReason.TIMED_OUT: "Ran out of time.",
        FailureReason.RUN_FAILED: f"Attempt {job.attempt} failed and is not tried again.",
        FailureReason.INVALID_INPUT: "The input or a parameter is at fault.",
        FailureReason.CAPACITY: "No capacity was found before the deadline.",
        FailureReason.START_REJECTED: "EMR Serverless refused the run.",
        FailureReason.CANCELLED_EXTERNALLY: "The run was cancelled by somebody outside this platform.",
        FailureReason.RUN_LOST: "EMR Serverless no longer knows the run.",
        FailureReason.REPORTED: "The program reported a failure.",
        FailureReason.COST_LIMIT: f"It cost all that it may (maxCostUsd {job.request.max_cost_usd}).",
    }
    return f"{openings[reason]} {detail}".strip()


def lacks_bills(attempts: tuple[AttemptRecord, ...]) -> bool:
    """Whether EMR Serverless is to be asked what it bills of any."""
    return any(record.lacks_bill for record in attempts)


def retrying(
    job: Job,
    now: datetime,
    failure_class: FailureClass,
    detail: str,
    card: FailureCard | None = None,
    bill: Bill | None = None,
    estimate: Decimal | None = None,
) -> Job:
    """The attempt is over and another follows after the backoff: of the next size, if memory ran out.

    `card` tells of the attempt what was seen of its run; without one, class and detail make it. `estimate` is what it
    cost as far as is known, where a limit needs it.
    """
    wait = retry_backoff(job, failure_class)
    cause = DelayCause.EMR_CAPACITY if failure_class is FailureClass.CAPACITY else DelayCause.BACKOFF
    after = replace(job, went_bigger=job.went_bigger or failure_class is FailureClass.MEMORY)
    of_size = "" if after.went_bigger == job.went_bigger else f" with size {after.size_name} instead of {job.size_name}"
    message = (
        f"Attempt {job.attempt} failed ({failure_class}); the next follows in {wait.total_seconds():.0f} s{of_size}. "
        f"{detail}"
    )
    return described(
        job,
        now,
        WORKER,
        message.strip(),
        job.status,
        charged_failures=job.charged_failures + (failure_class not in UNCHARGED),
        went_bigger=after.went_bigger,
        attempts=attempts_with_this(job, now, card or failure_card(failure_class, detail), bill, estimate),
        run_id=None,
        intent_at=None,
        cost_limit_at=None,
        progress=None,
        **WITHOUT_A_RUN,
        delay=StartDelay(cause, now, now + wait),
        reported=None,
        due_at=now + wait,
    )


def waiting(job: Job, now: datetime, until: datetime) -> Job:
    """Nothing to do before `until`."""
    return replace(job, updated_at=now, due_at=until)


def dead_letter_sent(job: Job, now: datetime, due_at: datetime) -> Job:
    """The dead-letter queue has its message. The job is due at `due_at` while it owes something else."""
    return _without_duty(replace(job, dlq_pending=False), now, due_at)


def scan_noted(job: Job, now: datetime, due_at: datetime) -> Job:
    """The dataset has been told what its scan found. The job is due at `due_at` while it owes something else."""
    return _without_duty(replace(job, scan_pending=False), now, due_at)


def _without_duty(job: Job, now: datetime, due_at: datetime) -> Job:
    later = max(now, bills_due_at(job)) if job.bill_pending else None
    return replace(job, updated_at=now, duty_tries=0, due_at=due_at if job.owes else later)


def bills_due_at(job: Job) -> datetime:
    """When an ended job's bills are looked for: EMR Serverless needs some seconds for them."""
    return (job.finished_at or job.updated_at) + BILL_AFTER


def bills_read(job: Job, now: datetime, bills: Mapping[str, Bill]) -> Job:
    """The bills that EMR Serverless had, by run; what it still lacks is looked for later, and given up in the end."""
    attempts = tuple(
        replace(record, bill=bills.get(record.run_id or "")) if record.lacks_bill else record for record in job.attempts
    )
    tries = job.bill_tries + 1
    is_over = not lacks_bills(attempts) or tries > len(BILL_WAITS)
    return replace(
        job,
        updated_at=now,
        attempts=attempts,
        bill_pending=not is_over,
        bill_tries=tries if lacks_bills(attempts) else 0,
        due_at=None if is_over else now + BILL_WAITS[tries - 1],
    )


def duties_postponed(job: Job, now: datetime) -> Job:
    """A duty could not be done; it is tried again after a backoff, for ever."""
    tries = job.duty_tries + 1
    wait = backoff(job.job_id, tries, DUTY_BASE_SECONDS, DUTY_CAP_SECONDS)
    return replace(job, updated_at=now, duty_tries=tries, due_at=now + wait)


def cancel_requested(job: Job, now: datetime, by: str, reason: str | None) -> Job:
    """The owner wants the job to end; the timer brings it to a worker at once."""
    message = f"Cancellation asked for: {reason}" if reason else "Cancellation asked for."
    return described(job, now, by, message, job.status, cancel_requested_at=now, due_at=now)


def claimed_by_report(job: Job, now: datetime, by: str, message: str) -> Job:
    """SUBMITTED to RUNNING by a callback; a worker starts the first attempt at once."""
    return described(job, now, by, message, job.status, status=JobStatus.RUNNING, delay=None, due_at=now)


def progressed(job: Job, now: datetime, message: str, progress: Progress | None) -> Job:
    """The program says how far it is, and so that it runs. When somebody looks at the job next stays as it is."""
    noted = replace(job, updated_at=now, status_message=clean_text(message)[:DETAIL_CHARACTERS], progress=progress)
    return noted if job.is_idle else replace(noted, run_began_at=job.run_began_at or now)


def reported_in_vain(job: Job, now: datetime, message: str) -> Job:
    """A report of the program did not reach the API, and was found when its run had ended."""
    return described(job, now, WORKER, message, job.status)


def failure_reported(job: Job, now: datetime, report: FailureReport) -> Job:
    """The program says that it fails, and another attempt follows once its run has ended."""
    due_at = now + timedelta(seconds=30)
    return replace(job, updated_at=now, reported=report, due_at=min(job.due_at or due_at, due_at))


def replayed_as(job: Job, new_job_id: str, now: datetime, by: str, message: str) -> Job:
    """An operator repeats the failed job as another. What it is and what it owes stays as it was."""
    noted = described(job, now, by, message, job.status, replayed_by=(*job.replayed_by, new_job_id))
    return replace(noted, status_message=job.status_message)


def refusal_wait(job: Job, shortest_seconds: float, longest_seconds: float) -> timedelta:
    """How long a refused start waits: spread by the image's `rev`, so that a fleet's refusals do not return at once."""
    return timedelta(seconds=shortest_seconds + hash01(job.rev) * (longest_seconds - shortest_seconds))
