"""What a Spark program's report of its own attempt does to the job. Pure; the table is in docs/api/callbacks.md."""

from datetime import datetime, timedelta

from api.jobs.schemas import Report
from shared.errors import ReportRefused
from shared.failure_cards import FailureClass, failure_card
from shared.lifecycle import claimed_by_report, failed, failure_reported, progressed, succeeded
from shared.models import DETAIL_CHARACTERS, HISTORY_MESSAGE_CHARACTERS, FailureReason, FailureReport, Job, Progress
from shared.retry import CLASS_OF_REASON, classify_failure, may_retry, stop_reason
from shared.transitions import JobStatus, JobStatusTransitionValidator

REPORTER = "callback"
# A program may report as often as it likes; DynamoDB bills and bounds the writes of one item.
PROGRESS_PAUSE = timedelta(seconds=5)
DEFAULT_MESSAGES = {
    JobStatus.RUNNING: "The program reported that it runs.",
    JobStatus.SUCCEEDED: "The program reported success.",
}


def apply_report(job: Job, report: Report, now: datetime, validator: JobStatusTransitionValidator) -> Job:
    """The job after the report; the very job itself when nothing is to be written.

    Raises: InvalidTransition for a move that the table of moves does not have; ReportRefused for a report that does
    not come from the current attempt.
    """
    if is_repeated(job, report):
        return job
    if not job.status is report.status is JobStatus.RUNNING:  # that is progress, and no move
        validator.validate(job.status, report.status)
    refuse_other_attempts(job, report)
    if job.status is JobStatus.SUBMITTED:
        return claimed_by_report(job, now, REPORTER, message_of(report))
    if report.status is JobStatus.RUNNING:
        return with_progress(job, report, now)
    if report.status is JobStatus.SUCCEEDED:
        return succeeded(job, now, REPORTER, message_of(report), now, report.manifest_sha256)
    return with_failure(job, report, now)


def is_repeated(job: Job, report: Report) -> bool:
    """Whether this very report ended the job: its answer was lost, and it was sent again."""
    if not job.status.is_terminal or job.history[-1].by != REPORTER:
        return False
    if (job.status, job.attempt) != (report.status, report.attempt or 0):
        return False
    if report.status is JobStatus.FAILED:
        return (job.failure_detail or "") == detail_of(report)[:DETAIL_CHARACTERS]
    return job.status_message == message_of(report)


def refuse_other_attempts(job: Job, report: Report) -> None:
    """Only the attempt that is under way may speak. Raises: ReportRefused."""
    if job.attempt == 0 and not job.is_starting and not job.is_tracking:
        if report.attempt not in (None, 0):
            raise ReportRefused(f"No attempt has begun, so attempt {report.attempt} cannot report.")
        return
    if report.attempt is None:
        raise ReportRefused(f"Say which attempt reports; the current one is {job.attempt}.")
    if report.attempt != job.attempt:
        raise ReportRefused(f"Attempt {report.attempt} reports, but the current one is {job.attempt}.")
    if job.is_idle:
        raise ReportRefused(f"Attempt {job.attempt} is over, and its failure is counted.")


def with_progress(job: Job, report: Report, now: datetime) -> Job:
    """A new sentence about the job, or how far it is, unless something was written just now.

    The first word of an attempt is written in any case: until then the job says that its run is queued.
    """
    message = job.status_message if report.status_message is None else report.status_message
    progress = progress_of(job, report, now)
    if not job.is_idle and job.run_began_at is None:
        return progressed(job, now, message, progress)
    says_nothing_new = (message, progress) == (job.status_message, job.progress)
    if says_nothing_new or now - job.updated_at < PROGRESS_PAUSE:
        return job
    return progressed(job, now, message, progress)


def progress_of(job: Job, report: Report, now: datetime) -> Progress | None:
    """How far the job is after the report; what is not of an attempt, or not new, is left as it was."""
    said, known = report.progress, job.progress
    if said is None or job.is_idle:
        return known
    if known is not None and (known.stages_done, known.stages_total) == (said.stages_done, said.stages_total):
        return known
    return Progress(said.stages_done, said.stages_total, now)


def with_failure(job: Job, report: Report, now: datetime) -> Job:
    """The job ended; or the failure noted, if another attempt follows once the run has ended."""
    detail, failure_class = detail_of(report), class_of(report)
    if job.is_idle or not may_retry(job, failure_class, now):
        reason = stop_reason(job, now) or report.failure_reason or FailureReason.REPORTED
        card = failure_card(CLASS_OF_REASON.get(reason, failure_class), detail, report.exceptions or "")
        return failed(job, now, REPORTER, reason, detail, due_at=now, card=card)
    noted = FailureReport(job.attempt, str(failure_class), now, detail[:HISTORY_MESSAGE_CHARACTERS])
    if job.reported is not None and (job.reported.attempt, job.reported.message) == (noted.attempt, noted.message):
        return job
    return failure_reported(job, now, noted)


def class_of(report: Report) -> FailureClass:
    """What kind of failure it is: by its reason and its sentence, or else by the exceptions behind it."""
    found = classify_failure(report.failure_reason, detail_of(report))
    return classify_failure(None, report.exceptions or "") if found is FailureClass.UNKNOWN else found


def message_of(report: Report) -> str:
    """The sentence of a report that names no failure."""
    return report.status_message or DEFAULT_MESSAGES[report.status]


def detail_of(report: Report) -> str:
    """What a report of a failure says about it."""
    return report.status_message or ""
