"""The table of reports, row by row: what an attempt's report does to its job."""

from dataclasses import replace
from datetime import timedelta

import pytest

from api.jobs.reports import apply_report
from api.jobs.schemas import Report, StagesDone
from shared.errors import AppError, InvalidTransition, ReportRefused
from shared.failure_cards import FailureCard, FailureClass
from shared.models import FailureReason, Job, Progress
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, starting_job, submitted_job, tracking_job

LATER = NOON + timedelta(seconds=60)
RUNNING, SUCCEEDED, FAILED = JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.FAILED
PASSING = "java.net.SocketTimeoutException: connection reset"
VALIDATOR = JobStatusTransitionValidator()


def report(status: JobStatus, attempt: int | None = None, message: str | None = None, reason=None) -> Report:
    """A report."""
    return Report(status, attempt, message, reason)


def after(job: Job, status: JobStatus, attempt: int | None = None, message: str | None = None, reason=None) -> Job:
    """The job after a report."""
    return apply_report(job, report(status, attempt, message, reason), LATER, VALIDATOR)


BEFORE_FIRST = idle_job(attempt=0, charged_failures=0)
JOBS = {
    "submitted": submitted_job(),
    "running, no attempt begun": BEFORE_FIRST,
    "starting": starting_job(),
    "tracking": tracking_job(),
    "idle": idle_job(),
    "succeeded": ended_job(SUCCEEDED),
    "failed": ended_job(FAILED),
}
OK, MOVE, ATTEMPT = None, InvalidTransition, ReportRefused
# The job, the attempt that reports, and what becomes of RUNNING, SUCCEEDED and FAILED.
TABLE: list[tuple[str, int | None, tuple[type[AppError] | None, ...]]] = [
    ("submitted", None, (OK, MOVE, MOVE)),
    ("submitted", 0, (OK, MOVE, MOVE)),
    ("submitted", 1, (ATTEMPT, MOVE, MOVE)),
    ("running, no attempt begun", None, (OK, OK, OK)),
    ("running, no attempt begun", 0, (OK, OK, OK)),
    ("running, no attempt begun", 1, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("starting", 1, (OK, OK, OK)),
    ("starting", None, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("starting", 0, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("tracking", 1, (OK, OK, OK)),
    ("tracking", 2, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("tracking", 0, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("tracking", None, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("idle", 1, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("idle", 2, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("idle", None, (ATTEMPT, ATTEMPT, ATTEMPT)),
    ("succeeded", 1, (MOVE, MOVE, MOVE)),
    ("succeeded", 2, (MOVE, MOVE, MOVE)),
    ("failed", 1, (MOVE, MOVE, MOVE)),
    ("failed", None, (MOVE, MOVE, MOVE)),
]
CASES = [
    (name, attempt, status, outcome)
    for name, attempt, outcomes in TABLE
    for status, outcome in zip((RUNNING, SUCCEEDED, FAILED), outcomes, strict=True)
]


@pytest.mark.parametrize(("name", "attempt", "status", "refusal"), CASES)
def test_a_report_is_taken_or_refused_as_the_table_says(name, attempt, status, refusal):
    job = JOBS[name]
    if refusal is None:
        assert after(job, status, attempt, "a message").status_message
    else:
        with pytest.raises(refusal):
            after(job, status, attempt, "a message")


@pytest.mark.parametrize("name", JOBS)
def test_no_report_makes_a_job_submitted_again(name):
    with pytest.raises(InvalidTransition):
        after(JOBS[name], JobStatus.SUBMITTED, JOBS[name].attempt)


def test_running_reported_of_a_submitted_job_leaves_its_first_attempt_to_a_worker_at_once():
    job = after(submitted_job(), RUNNING)

    assert (job.status, job.attempt, job.due_at, job.intent_at) == (RUNNING, 0, LATER, None)
    assert (job.history[-1].moved_from, job.history[-1].by) == (JobStatus.SUBMITTED, "callback")


@pytest.mark.parametrize("job", [BEFORE_FIRST, starting_job(), tracking_job()], ids=["before", "starting", "tracking"])
def test_success_reported_ends_the_job_and_at_most_its_bill_is_owed(job):
    done = after(job, SUCCEEDED, job.attempt, "Wrote 12 files.")

    due_at = None if job.run_id is None else LATER + timedelta(seconds=60)
    assert (done.status, done.finished_at, done.due_at) == (SUCCEEDED, LATER, due_at)
    assert done.bill_pending is (job.run_id is not None)
    assert (done.status_message, done.intent_at, done.dlq_pending) == ("Wrote 12 files.", None, False)


@pytest.mark.parametrize(
    ("job", "message", "given", "stored"),
    [
        (BEFORE_FIRST, None, None, FailureReason.REPORTED),
        (BEFORE_FIRST, PASSING, None, FailureReason.REPORTED),
        (tracking_job(), None, None, FailureReason.REPORTED),
        (tracking_job(), "AnalysisException: no such column", None, FailureReason.REPORTED),
        (tracking_job(), "what?", FailureReason.RUN_FAILED, FailureReason.RUN_FAILED),
        (tracking_job(), PASSING, FailureReason.INVALID_INPUT, FailureReason.INVALID_INPUT),
        (starting_job(charged_failures=2), PASSING, None, FailureReason.REPORTED),
        (tracking_job(cancel_requested_at=NOON), PASSING, None, FailureReason.CANCELLED),
        (tracking_job(deadline_at=LATER), PASSING, FailureReason.RUN_FAILED, FailureReason.TIMED_OUT),
    ],
)
def test_a_failure_that_is_not_tried_again_ends_the_job_and_its_duties_are_due(job, message, given, stored):
    done = after(job, FAILED, job.attempt, message, given)

    assert (done.status, done.failure_reason, done.failure_detail) == (FAILED, stored, message)
    assert (done.dlq_pending, done.due_at, done.finished_at) == (True, LATER, LATER)


@pytest.mark.parametrize(("due_in_seconds", "due_after_seconds"), [(600, 30), (31, 30), (30, 30), (10, 10), (None, 30)])
def test_a_failure_that_is_tried_again_is_noted_until_its_run_has_ended(due_in_seconds, due_after_seconds):
    due_at = None if due_in_seconds is None else LATER + timedelta(seconds=due_in_seconds)

    job = after(tracking_job(due_at=due_at), FAILED, 1, PASSING)

    assert (job.status, job.run_id, job.attempt) == (RUNNING, "run-1", 1)
    assert job.reported is not None
    assert (job.reported.failure_class, job.reported.message, job.reported.at) == ("transient", PASSING, LATER)
    assert job.due_at == LATER + timedelta(seconds=due_after_seconds)


def test_a_noted_failure_reported_again_writes_nothing():
    job = after(tracking_job(), FAILED, 1, PASSING)

    assert after(job, FAILED, 1, PASSING) is job
    assert after(job, FAILED, 1, PASSING + "!") is not job


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (SUCCEEDED, "Wrote 12 files.", None),
        (SUCCEEDED, None, None),
        (FAILED, "AnalysisException", None),
        (FAILED, None, None),
        (FAILED, "x", FailureReason.INVALID_INPUT),
        (FAILED, "x" * 1024, None),
    ],
)
def test_the_report_that_ended_a_job_may_come_again(status, message, reason):
    done = after(tracking_job(), status, 1, message, reason)

    assert after(done, status, 1, message, reason) is done
    # Also once its duties are done.
    assert after(replace(done, due_at=None, dlq_pending=False), status, 1, message, reason).status is status


@pytest.mark.parametrize(
    ("status", "attempt", "message"),
    [(SUCCEEDED, 1, "other"), (SUCCEEDED, 2, "m"), (SUCCEEDED, None, "m"), (FAILED, 1, "m")],
)
def test_any_other_report_about_a_job_that_ended_is_refused(status, attempt, message):
    done = after(tracking_job(), SUCCEEDED, 1, "m")

    with pytest.raises(InvalidTransition):
        after(done, status, attempt, message)


@pytest.mark.parametrize(("quiet_seconds", "is_written"), [(0, False), (4.999, False), (5, True), (60, True)])
def test_progress_is_written_at_most_every_five_seconds(quiet_seconds, is_written):
    job = tracking_job(run_began_at=NOON, updated_at=LATER - timedelta(seconds=quiet_seconds))

    told = after(job, RUNNING, 1, "Half of it is done.")

    assert (told is not job) == is_written
    assert (told.status_message == "Half of it is done.") == is_written


def test_progress_that_says_nothing_new_writes_nothing():
    job = tracking_job(run_began_at=NOON)

    assert after(job, RUNNING, 1) is job
    assert after(job, RUNNING, 1, job.status_message) is job


@pytest.mark.parametrize("job", [starting_job(updated_at=LATER), tracking_job(updated_at=LATER)])
def test_the_first_word_of_an_attempt_is_written_at_once_since_it_says_that_its_run_began(job):
    told = after(job, RUNNING, 1)

    assert told == replace(job, run_began_at=LATER)
    assert after(told, RUNNING, 1) is told


def test_what_emr_said_of_when_a_run_began_stands():
    assert after(tracking_job(run_began_at=NOON), RUNNING, 1, "Half.").run_began_at == NOON


def test_a_report_before_the_first_attempt_is_of_no_run():
    assert after(BEFORE_FIRST, RUNNING, 0, "Ready.").run_began_at is None


def test_progress_is_no_history():
    assert after(tracking_job(), RUNNING, 1, "Half.").history == tracking_job().history


def with_stages(job: Job, done: int, total: int, status: JobStatus = RUNNING, message: str | None = None) -> Job:
    """The job after a report of stages."""
    return apply_report(job, Report(status, job.attempt, message, None, StagesDone(done, total)), LATER, VALIDATOR)


@pytest.mark.parametrize("job", [starting_job(), tracking_job()], ids=["starting", "tracking"])
def test_stages_are_noted_with_their_time_and_nobody_looks_at_the_job_sooner_or_later(job):
    told = with_stages(job, 1, 3)

    assert told.progress == Progress(1, 3, LATER)
    assert told == replace(job, progress=told.progress, run_began_at=LATER, updated_at=LATER)


@pytest.mark.parametrize(
    ("known", "said", "is_written"),
    [((1, 3), (1, 3), False), ((1, 3), (2, 3), True), ((1, 3), (1, 4), True), ((2, 3), (1, 3), True)],
)
def test_stages_that_are_known_are_not_written_again(known, said, is_written):
    job = tracking_job(run_began_at=NOON, progress=Progress(*known, NOON))

    told = with_stages(job, *said)

    assert (told is not job) == is_written
    assert told.progress == (Progress(*said, LATER) if is_written else Progress(*known, NOON))


def test_a_new_sentence_leaves_the_stages_that_are_known():
    job = tracking_job(progress=Progress(1, 3, NOON))

    assert after(job, RUNNING, 1, "Half.").progress == Progress(1, 3, NOON)


def test_stages_are_those_of_an_attempt():
    assert with_stages(BEFORE_FIRST, 1, 3) is BEFORE_FIRST


@pytest.mark.parametrize("status", [SUCCEEDED, FAILED])
def test_a_job_that_ended_is_no_longer_on_its_way(status):
    job = tracking_job(progress=Progress(1, 3, NOON))

    assert with_stages(job, 3, 3, status).progress is None


def test_the_exceptions_behind_a_failure_decide_where_its_sentence_does_not_and_are_on_its_card():
    def failing(message: str, exceptions: str | None) -> Job:
        report = Report(FAILED, 1, message, FailureReason.RUN_FAILED, exceptions=exceptions)
        return apply_report(tracking_job(), report, LATER, VALIDATOR)

    assert failing("Job aborted.", None).status is FAILED
    assert failing("Job aborted.", "SparkException: aborted\njava.net.SocketTimeoutException: late").status is RUNNING
    ended = failing("AnalysisException: no column x", "org.apache.spark.sql.AnalysisException: x\nExecutorLostFailure")
    (record,) = ended.attempts
    assert record.failure == FailureCard(
        FailureClass.USER, "AnalysisException: no column x", "org.apache.spark.sql.AnalysisException: x"
    )


def test_the_checksum_of_a_manifest_is_kept_with_the_success_that_tells_it():
    report = Report(SUCCEEDED, 1, None, None, manifest_sha256="ab" * 32)

    assert apply_report(tracking_job(), report, LATER, VALIDATOR).manifest_sha256 == "ab" * 32
    assert after(tracking_job(), SUCCEEDED, 1).manifest_sha256 is None
