"""The decision table, row by row, and the product of everything a decision may meet."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from shared.attempts import AttemptRecord, Outcome
from shared.bills import Usage
from shared.failure_cards import FailureClass
from shared.lifecycle import START_FENCE
from shared.models import FailureReason, FailureReport, Job
from shared.settings import Settings
from shared.spark_runner import Absence, Run
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import (
    ended_job,
    idle_job,
    job_id,
    starting_job,
    submitted_job,
    tracking_job,
    with_bigger,
    with_limit,
)
from worker.decide import (
    NOTHING_YET,
    Cancel,
    Claim,
    DoDuties,
    Done,
    Fail,
    Find,
    Intend,
    LimitCost,
    Look,
    Observation,
    ProgramFailure,
    ReadBills,
    Record,
    Retry,
    Succeed,
    Wait,
    WarnOfCost,
    decide,
)

SETTINGS = Settings()
CANCELLED = {"cancel_requested_at": NOON}
LATE = {"deadline_at": NOON}
MINUTE = timedelta(seconds=60)
BILL = {"bill_pending": True}
OWES = {"dlq_pending": True, "due_at": NOON}


def saw(state: str, details: str = "", run_id: str = "run-1", seconds: float = 10, failure=None) -> Observation:
    run = Run(run_id, f"{job_id()}.1", state, details, seconds)
    return Observation(run=run, failure=failure)


def missed(absence: Absence) -> Observation:
    return Observation(absence=absence)


def after(seconds: float) -> Wait:
    return Wait(NOON + timedelta(seconds=seconds))


def limited(**changes) -> Job:
    """A job that may cost what an hour of its size costs."""
    return with_limit(HOUR_USD, tracking_job(**changes))


def ran(state: str, minutes: float, details: str = "", usage: Usage | None = None) -> Observation:
    """A run that has been at work for so many minutes, or had when it ended."""
    started_at = NOON - timedelta(minutes=minutes)
    return Observation(Run("run-1", f"{job_id()}.1", state, details, minutes * 60, usage, started_at=started_at))


def billed(minutes: float) -> Usage:
    """What a run of the small size with two executors uses in so many minutes: 6 vCPU and 15 GB."""
    hours = Decimal(str(minutes)) / 60
    return Usage(6 * hours, 15 * hours, Decimal(0))


def limit_in(minutes: float) -> dict[str, datetime]:
    """When the limit is reached, as it was written down."""
    return {"cost_limit_at": NOON + timedelta(minutes=minutes)}


HOUR_USD = 0.4024215  # 6 x 0.052624 + 15 x 0.0057785
HOUR = timedelta(hours=1)
# To the millionth of a dollar, which is how exact amounts are.
HALF_AN_HOUR = NOON + timedelta(minutes=30, milliseconds=-3)
WARNED = {"cost_warned_at": NOON}
LOST_SHUFFLE = "MetadataFetchFailedException"
KILLED = "Job failed. ExitCode: 137. Last few exceptions: "
NO_LACK = ProgramFailure(FailureReason.RUN_FAILED, "`capacity`")
USER = ProgramFailure(FailureReason.INVALID_INPUT, "no such column")
REPORTED = {"reported": FailureReport(1, "transient", NOON, "lost a worker")}
FOUND_INSTEAD = replace(saw("RUNNING", run_id="another"), absence=Absence.GONE)
WITH_MANIFEST = replace(saw("SUCCESS"), manifest_sha256="0abc")
WITHOUT_MANIFEST = replace(saw("SUCCESS"), missing_manifest="s3://b/_manifest.json")
NO_MANIFEST = "Its run ended with SUCCESS, but left no manifest at s3://b/_manifest.json."
NO_RUN = f"EMR Serverless knows no run run-1 and none named {job_id()}.1."
LONG_OVER = Observation(replace(ran("CANCELLED", 60, "by hand").run, duration_seconds=2900))
LOST_IN_TIME = Observation(replace(ran("FAILED", 60, LOST_SHUFFLE).run, duration_seconds=2999))
EARLIER = AttemptRecord(1, Outcome.FAILED, NOON - HOUR, NOON, "run-0", estimate=Decimal(str(HOUR_USD)) / 2)
OLD_INTENT = {"intent_at": NOON - timedelta(seconds=900)}
YOUNG_INTENT = {"intent_at": NOON - timedelta(seconds=899)}
FENCED = {"intent_at": NOON - START_FENCE}

ROWS = [
    (1, ended_job(), NOTHING_YET, True, Done()),
    (1, ended_job(JobStatus.FAILED, **OWES), NOTHING_YET, True, DoDuties()),
    (1, ended_job(JobStatus.FAILED, **OWES), NOTHING_YET, False, Done()),
    (1, ended_job(scan_pending=True, due_at=NOON), NOTHING_YET, True, DoDuties()),
    (1, ended_job(JobStatus.FAILED), saw("SUCCESS"), True, Done()),
    (1, ended_job(**BILL, finished_at=NOON - timedelta(seconds=60)), NOTHING_YET, True, ReadBills()),
    (1, ended_job(**BILL, finished_at=NOON - timedelta(seconds=60)), NOTHING_YET, False, Done()),
    (1, ended_job(**BILL, finished_at=NOON - timedelta(seconds=59)), NOTHING_YET, True, after(1)),
    (
        1,
        ended_job(**{**BILL, "due_at": NOON}, finished_at=NOON - timedelta(seconds=60)),
        NOTHING_YET,
        True,
        ReadBills(),
    ),
    (1, ended_job(bill_pending=True, finished_at=NOON, due_at=NOON + MINUTE), NOTHING_YET, True, Done()),
    (1, ended_job(JobStatus.FAILED, **OWES, **BILL), NOTHING_YET, True, DoDuties()),
    (2, submitted_job(**CANCELLED), NOTHING_YET, False, Claim()),
    (2, submitted_job(**LATE), NOTHING_YET, True, Claim()),
    (3, submitted_job(), NOTHING_YET, False, Claim()),
    (4, tracking_job(), saw("FAILED", run_id="another"), True, Look()),
    (4, tracking_job(), saw("SUCCESS", run_id="another"), False, Done()),
    (5, tracking_job(), saw("SUCCESS"), False, Succeed()),
    (5, tracking_job(**CANCELLED), saw("SUCCESS"), False, Succeed()),
    (5, tracking_job(**LATE), saw("SUCCESS"), True, Succeed()),
    (5, tracking_job(**REPORTED), saw("SUCCESS"), True, Succeed()),
    (5, tracking_job(), WITH_MANIFEST, False, Succeed("0abc")),
    (5, tracking_job(), WITHOUT_MANIFEST, False, Fail(FailureReason.RUN_FAILED, NO_MANIFEST)),
    (5, tracking_job(**CANCELLED), WITHOUT_MANIFEST, True, Fail(FailureReason.CANCELLED, NO_MANIFEST)),
    (5, tracking_job(**LATE), WITHOUT_MANIFEST, True, Fail(FailureReason.TIMED_OUT, NO_MANIFEST)),
    (6, tracking_job(**CANCELLED), saw("FAILED", "x"), False, Fail(FailureReason.CANCELLED, "x")),
    (6, tracking_job(**CANCELLED), saw("CANCELLED"), False, Fail(FailureReason.CANCELLED, "")),
    (6, tracking_job(**LATE), saw("CANCELLED"), False, Fail(FailureReason.TIMED_OUT, "")),
    (
        7,
        tracking_job(),
        saw("CANCELLED", seconds=3600),
        False,
        Fail(FailureReason.TIMED_OUT, "The run was ended after its 3600 s (timeoutSeconds)."),
    ),
    (7, tracking_job(), saw("CANCELLED", "by hand"), False, Fail(FailureReason.CANCELLED_EXTERNALLY, "by hand")),
    (8, tracking_job(), saw("FAILED", LOST_SHUFFLE), False, Retry(FailureClass.TRANSIENT, LOST_SHUFFLE)),
    (8, tracking_job(), saw("FAILED", "no vCPU"), False, Retry(FailureClass.CAPACITY, "no vCPU")),
    (8, tracking_job(charged_failures=2), saw("FAILED", "no vCPU"), False, Retry(FailureClass.CAPACITY, "no vCPU")),
    (8, tracking_job(**REPORTED), saw("FAILED", "?"), False, Retry(FailureClass.TRANSIENT, "lost a worker")),
    (8, with_bigger(tracking_job()), saw("FAILED", KILLED), False, Retry(FailureClass.MEMORY, KILLED)),
    (
        8,
        with_bigger(tracking_job(charged_failures=2)),
        saw("FAILED", KILLED),
        False,
        Retry(FailureClass.MEMORY, KILLED),
    ),
    (9, tracking_job(), saw("FAILED", KILLED), False, Fail(FailureReason.RUN_FAILED, KILLED)),
    (
        9,
        with_bigger(tracking_job(went_bigger=True)),
        saw("FAILED", KILLED),
        False,
        Fail(FailureReason.RUN_FAILED, KILLED),
    ),
    (
        9,
        tracking_job(),
        saw("FAILED", "?", failure=NO_LACK),
        False,
        Fail(FailureReason.RUN_FAILED, "`capacity`"),
    ),
    (9, tracking_job(), saw("FAILED", "?"), False, Fail(FailureReason.RUN_FAILED, "?")),
    (
        9,
        tracking_job(charged_failures=2),
        saw("FAILED", LOST_SHUFFLE),
        False,
        Fail(FailureReason.RUN_FAILED, LOST_SHUFFLE),
    ),
    (9, tracking_job(), saw("FAILED", "?", failure=USER), False, Fail(FailureReason.INVALID_INPUT, "no such column")),
    (
        9,
        tracking_job(deadline_at=NOON + timedelta(seconds=1)),
        saw("FAILED", "no vCPU"),
        False,
        Fail(FailureReason.CAPACITY, "no vCPU"),
    ),
    (6, limited(**limit_in(0)), ran("CANCELLED", 60, "x"), False, Fail(FailureReason.COST_LIMIT, "x")),
    (6, limited(**limit_in(0)), ran("CANCELLED", 59.5, "x"), False, Fail(FailureReason.COST_LIMIT, "x")),
    (6, limited(**limit_in(0)), ran("FAILED", 60, LOST_SHUFFLE), True, Fail(FailureReason.COST_LIMIT, LOST_SHUFFLE)),
    (6, limited(), ran("FAILED", 20, LOST_SHUFFLE, billed(60)), True, Fail(FailureReason.COST_LIMIT, LOST_SHUFFLE)),
    (6, limited(**CANCELLED, **limit_in(0)), ran("CANCELLED", 60), True, Fail(FailureReason.CANCELLED, "")),
    # Seen late: the run ended before it had cost all that it may.
    (7, limited(**limit_in(-10)), LONG_OVER, True, Fail(FailureReason.CANCELLED_EXTERNALLY, "by hand")),
    (8, limited(**limit_in(-10)), LOST_IN_TIME, True, Retry(FailureClass.TRANSIENT, LOST_SHUFFLE)),
    (5, limited(**limit_in(0)), ran("SUCCESS", 60), True, Succeed()),
    ("9a", limited(), ran("RUNNING", 10), False, LimitCost(NOON + timedelta(minutes=50))),
    ("9a", limited(), ran("RUNNING", 70), True, LimitCost(NOON - timedelta(minutes=10))),
    ("9a", limited(**limit_in(50)), ran("RUNNING", 10, "", billed(30)), False, LimitCost(HALF_AN_HOUR)),
    ("9a", limited(**limit_in(50)), ran("RUNNING", 10, "", billed(90)), True, LimitCost(NOON - timedelta(minutes=10))),
    ("9a", limited(attempts=(EARLIER,)), ran("RUNNING", 10), True, LimitCost(NOON + timedelta(minutes=20))),
    (10, limited(**limit_in(50)), ran("RUNNING", 10, "", billed(5)), False, Done()),
    (10, limited(**limit_in(0)), ran("RUNNING", 60), False, Done()),
    (14, limited(**limit_in(0)), ran("RUNNING", 60), True, Cancel(NOON + MINUTE)),
    (14, limited(**limit_in(0)), ran("CANCELLING", 60), True, after(60)),
    ("14a", limited(**limit_in(12)), ran("RUNNING", 48), True, WarnOfCost()),
    ("14a", limited(**limit_in(12.02)), ran("RUNNING", 47.98), True, after(1.2)),
    (15, limited(**limit_in(5), **WARNED), ran("RUNNING", 55), True, after(300)),
    (15, limited(**limit_in(50)), ran("RUNNING", 10), True, after(600)),
    (15, limited(), saw("QUEUED"), True, after(600)),
    (15, with_limit(HOUR_USD / 10, tracking_job()), saw("QUEUED"), True, after(0.8 * 360)),
    (15, with_limit(0.01, tracking_job()), saw("QUEUED"), True, after(71.566)),
    (15, with_limit(0.01, tracking_job(attempts=(EARLIER,))), saw("QUEUED"), True, after(60)),
    (13, limited(**limit_in(0)), missed(Absence.NONE), True, Fail(FailureReason.COST_LIMIT, NO_RUN)),
    (10, tracking_job(), saw("RUNNING"), False, Done()),
    (10, tracking_job(), NOTHING_YET, False, Done()),
    (11, tracking_job(), NOTHING_YET, True, Look()),
    (12, tracking_job(**OLD_INTENT), missed(Absence.GONE), True, Find()),
    (12, tracking_job(**YOUNG_INTENT), missed(Absence.GONE), True, after(60)),
    (
        13,
        tracking_job(),
        missed(Absence.NONE),
        True,
        Fail(FailureReason.RUN_LOST, NO_RUN),
    ),
    (12, tracking_job(**OLD_INTENT), FOUND_INSTEAD, True, Record(FOUND_INSTEAD.run)),
    (13, tracking_job(), missed(Absence.UNKNOWN), True, after(30)),
    (14, tracking_job(**CANCELLED), saw("RUNNING"), True, Cancel(NOON + timedelta(seconds=60))),
    (14, tracking_job(**LATE), saw("QUEUED"), True, Cancel(NOON + timedelta(seconds=60))),
    (14, tracking_job(**CANCELLED), saw("CANCELLING"), True, after(60)),
    (15, tracking_job(), saw("RUNNING"), True, after(600)),
    (15, tracking_job(), saw("CANCELLING"), True, after(600)),
    (15, tracking_job(), saw("A STATE OF NEXT YEAR"), True, after(600)),
    (15, tracking_job(deadline_at=NOON + timedelta(seconds=60)), saw("RUNNING"), True, after(60)),
    (16, starting_job(), saw("RUNNING"), False, Record(saw("RUNNING").run)),
    (16, starting_job(**CANCELLED), saw("SUCCESS"), True, Record(saw("SUCCESS").run)),
    (17, starting_job(), NOTHING_YET, False, Done()),
    (17, starting_job(attempt=2), saw("SUCCESS"), False, Done()),
    (18, starting_job(), NOTHING_YET, True, Find()),
    (18, starting_job(attempt=2), saw("SUCCESS"), True, Find()),
    (18, starting_job(), missed(Absence.UNKNOWN), True, after(30)),
    (19, starting_job(), missed(Absence.NONE), True, Intend()),
    (
        20,
        starting_job(**CANCELLED, **FENCED),
        missed(Absence.NONE),
        True,
        Fail(FailureReason.CANCELLED, "No run had begun."),
    ),
    (20, starting_job(**CANCELLED), missed(Absence.NONE), True, Wait(NOON + START_FENCE)),
    (21, idle_job(), NOTHING_YET, False, Done()),
    (21, idle_job(**CANCELLED), NOTHING_YET, True, Fail(FailureReason.CANCELLED, "No run was under way.")),
    (21, idle_job(**limit_in(0)), NOTHING_YET, True, Fail(FailureReason.COST_LIMIT, "No run was under way.")),
    (21, idle_job(**LATE), NOTHING_YET, True, Fail(FailureReason.TIMED_OUT, "No run was under way.")),
    (22, idle_job(), NOTHING_YET, True, Intend()),
]


@pytest.mark.parametrize(("row", "job", "seen", "mine", "action"), ROWS, ids=[f"row-{row[0]}" for row in ROWS])
def test_each_row_of_the_table_gives_its_action(row, job, seen, mine, action):
    assert decide(job, seen, NOON, mine, SETTINGS) == action


def test_every_row_is_tried():
    assert {row[0] for row in ROWS} == {*range(1, 23), "9a", "14a"}


PHASES = [submitted_job, starting_job, tracking_job, idle_job, ended_job]
STATES = ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS", "FAILED", "CANCELLING", "CANCELLED", "QUEUED", "?"]
OBSERVATIONS = [
    *(missed(absence) for absence in Absence),
    *(saw(state, run_id=run_id) for state in STATES for run_id in ("run-1", "another")),
    WITH_MANIFEST,
    WITHOUT_MANIFEST,
]


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_whatever_is_met_there_is_one_action_and_it_is_legal(phase):
    for seen, stop, mine in itertools.product(OBSERVATIONS, [{}, CANCELLED, LATE], [True, False]):
        job = phase(**stop)

        action = decide(job, seen, NOON, mine, SETTINGS)

        if not mine:
            assert not isinstance(action, Look | Find | Cancel | Wait | Intend), (seen, stop)
        if stop:
            assert not isinstance(action, Intend | Retry), (seen, stop)
        if isinstance(action, Succeed):
            assert seen.run is not None
            assert (seen.run.state, seen.run.run_id) == ("SUCCESS", "run-1")
