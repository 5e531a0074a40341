"""Which failures are worth another attempt, and how long to wait before it. Pure: jitter is a hash."""

import hashlib
import re
from datetime import datetime, timedelta

from shared.failure_cards import FailureClass
from shared.models import FailureReason, Job

# Waiting for room costs no attempt; and that an attempt may be bigger, its job says apart from how often it is tried.
UNCHARGED = (FailureClass.CAPACITY, FailureClass.MEMORY)
CAPACITY_BASE_SECONDS = 60
CAPACITY_CAP_SECONDS = 900
DUTY_BASE_SECONDS = 5
DUTY_CAP_SECONDS = 900

# What the reason of a job's failure says by itself; a failed run's class is found by its texts.
CLASS_OF_REASON: dict[FailureReason, FailureClass] = {
    FailureReason.CANCELLED: FailureClass.CANCELLED,
    FailureReason.TIMED_OUT: FailureClass.TIMED_OUT,
    FailureReason.INVALID_INPUT: FailureClass.INPUT,
    FailureReason.CAPACITY: FailureClass.CAPACITY,
    FailureReason.START_REJECTED: FailureClass.REFUSED,
    FailureReason.CANCELLED_EXTERNALLY: FailureClass.ENDED_OUTSIDE,
    FailureReason.RUN_LOST: FailureClass.LOST,
    FailureReason.COST_LIMIT: FailureClass.COST_LIMIT,
}
# Texts of EMR Serverless' stateDetails and of Spark's exceptions. The first that matches decides, and a user's
# fault is looked for before a passing one, since Spark reports a user's exception inside a lost task. A text
# that nothing matches is UNKNOWN and is not tried again: repeating a hopeless job costs money.
# Memory comes first of all: a worker that is killed for its memory is lost, too, and its task failed.
FAILURE_TEXTS: tuple[tuple[str, FailureClass], ...] = (
    (r"outofmemory|java heap space|gc overhead limit exceeded|\bmemoryerror\b", FailureClass.MEMORY),
    (r"unable.to.acquire.(\d+.bytes.of.)?memory|not enough memory to build and broadcast", FailureClass.MEMORY),
    (r"(exceed|beyond)\w*( the)? ('?physical'?|'?virtual'?)? ?memory limit|\boom-?killed", FailureClass.MEMORY),
    # Killed (128 + 9), as the kernel does when a container's memory is used up; and Spark's own code for it.
    (r"exit ?(code|status):? ?(137|52)\b", FailureClass.MEMORY),
    (r"analysisexception|parseexception|unresolved_column|table_or_view_not_found", FailureClass.USER),
    (r"path_not_found|path does not exist|no such file or directory", FailureClass.USER),
    (r"cast_invalid_input|sparkdatetimeexception|sparknumberformatexception|divide_by_zero", FailureClass.USER),
    (r"syntaxerror|nameerror|typeerror|valueerror|keyerror|modulenotfounderror|importerror", FailureClass.USER),
    (r"classnotfoundexception|nosuchmethoderror", FailureClass.USER),
    (r"lost (its )?(worker|driver|executor)|executorlostfailure|worker was lost", FailureClass.TRANSIENT),
    (r"metadatafetchfailed|fetchfailed|missing an output location for shuffle", FailureClass.TRANSIENT),
    # Of our own programs: another attempt writes elsewhere.
    (r"\btasksgoon\b", FailureClass.TRANSIENT),
    (r"slowdown|service unavailable|status code: 50[0-9]|internal ?(server )?error", FailureClass.TRANSIENT),
    (r"image pull|imagepull|pull(ing)? image", FailureClass.TRANSIENT),
    (r"connection (reset|refused)|sockettimeoutexception", FailureClass.TRANSIENT),
)
# EMR Serverless' own words for a run that got no workers. A program's words are never looked at for them: a column
# may be called `capacity`. A run with an exit code had workers.
NO_CAPACITY = re.compile(r"vcpu|capacity|maximum (cpu|memory|disk)|servicequota", re.IGNORECASE)
HAD_WORKERS = re.compile(r"exit ?code", re.IGNORECASE)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), found) for pattern, found in FAILURE_TEXTS)


def classify_run(state_details: str) -> FailureClass:
    """The class of a failed run by EMR Serverless' own words, where its program left none."""
    if NO_CAPACITY.search(state_details) and not HAD_WORKERS.search(state_details):
        return FailureClass.CAPACITY
    return classify_failure(None, state_details)


def classify_failure(reason: FailureReason | None, text: str) -> FailureClass:
    """The class of a failure by what the program said: its `reason`, else its text. Never a lack of capacity."""
    if reason is FailureReason.INVALID_INPUT:
        return FailureClass.INPUT
    for pattern, found in _COMPILED:
        if pattern.search(text):
            return found
    return FailureClass.UNKNOWN


def class_of_end(reason: FailureReason, detail: str) -> FailureClass:
    """The class of what ended a job: by its reason, and where that is only that something failed, by its detail."""
    return CLASS_OF_REASON.get(reason) or classify_failure(None, detail)


def hash01(*parts: object) -> float:
    """A number in [0, 1) that only depends on `parts`: jitter that a pure function may use."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def backoff(job_id: str, tries: int, base_seconds: float, cap_seconds: float) -> timedelta:
    """How long to wait after try number `tries` (from 1): full jitter below a doubling bound, at least a second."""
    bound_seconds = min(cap_seconds, base_seconds * 2.0 ** (max(tries, 1) - 1))
    return timedelta(milliseconds=max(1000, round(1000 * hash01(job_id, tries) * bound_seconds)))


def retry_backoff(job: Job, failure_class: FailureClass) -> timedelta:
    """How long the job's next attempt must wait after the current one failed."""
    if failure_class is FailureClass.CAPACITY:
        return backoff(job.job_id, job.attempt, CAPACITY_BASE_SECONDS, CAPACITY_CAP_SECONDS)
    return backoff(job.job_id, job.attempt, job.retry_policy.base_seconds, job.retry_policy.cap_seconds)


def stop_reason(job: Job, now: datetime) -> FailureReason | None:
    """Why the job must come to an end, if it must: its owner asked, its time is over, or it cost what it may."""
    if job.cancel_requested_at is not None:
        return FailureReason.CANCELLED
    if now >= job.deadline_at:
        return FailureReason.TIMED_OUT
    reached = job.cost_limit_at is not None and now >= job.cost_limit_at
    return FailureReason.COST_LIMIT if reached else None


def may_retry(job: Job, failure_class: FailureClass, now: datetime) -> bool:
    """Whether a failure of this class is followed by another attempt."""
    if stop_reason(job, now) or now + retry_backoff(job, failure_class) >= job.deadline_at:
        return False
    if failure_class is FailureClass.MEMORY:
        return job.may_go_bigger
    if failure_class is FailureClass.TRANSIENT:
        return job.charged_failures + 1 < job.retry_policy.max_attempts
    return failure_class is FailureClass.CAPACITY
