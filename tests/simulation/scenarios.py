"""What may become of one job: the stories that every fault is tried on."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from api.jobs.schemas import StagesDone
from shared.job_queue import job_message
from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.emr import EVERY_STATE, FakeRun, Plan, fails, runs_for
from tests.fakes.jobs import job_id, submitted_job, with_bigger, with_limit
from tests.simulation.simulation import Cancel, Put, Says, Setup, Submit

SHUFFLE_LOST = fails("MetadataFetchFailedException: Missing an output location for shuffle 0", 10, "transient")
OUT_OF_MEMORY = fails("Job failed. ExitCode: 137. Last few exceptions: none were logged", 10, "memory")
NO_CAPACITY = fails("Worker could not be allocated: maximum vCPU capacity reached", 2, "capacity")
USER_FAULT = fails("org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN] `x`", 10, "user")
STRANGE = fails("something that nobody has seen before", 10, "user")
FOREVER = runs_for(100_000)
LOST_WORKERS = "Executor lost: the worker was lost"


@dataclass(frozen=True)
class Scenario:
    """A story, the ways in which it may end (a status or a failure's reason), and how many runs it takes.

    `also`: further ends that are right once something went wrong, and `most_runs` how many runs it may take then.
    `plain`: nothing is disturbed in it, so that each duty is done once and no run is looked for. None: it may differ.
    """

    name: str
    setup: Setup
    ends: frozenset[str]
    runs: int | None
    most_runs: int | None
    also: frozenset[str]
    plain: bool


def scenario(
    name: str,
    end: str,
    runs: int | None = 1,
    also: str = "",
    most_runs: int | None = None,
    plain: bool = True,
    **setup: object,
) -> Scenario:
    """A scenario; `end` and `also` may name several ends."""
    most = runs if most_runs is None else most_runs
    return Scenario(name, Setup(**setup), frozenset(end.split()), runs, most, frozenset(also.split()), plain)


def never(_run: FakeRun) -> tuple[float, ...]:
    """EventBridge loses every event."""
    return ()


def thrice(_run: FakeRun) -> tuple[float, ...]:
    """EventBridge repeats every event, once at once and once much later."""
    return (1.0, 1.0, 200.0)


def late(_run: FakeRun) -> tuple[float, ...]:
    """Events come late, those of later runs before those of earlier ones."""
    return (45.0, 400.0) if _run.name.endswith(".1") else (1.0,)


def copies(*delays: float) -> Callable[[str], tuple[float, ...]]:
    """SQS delivers every message of the jobs queue so often, after so many seconds."""
    return lambda queue: delays if queue.endswith("jobs") else (0.0,)


def says(attempt: int, after: float, status: JobStatus, message: str | None = None, **more: object) -> Says:
    """A program's report."""
    return Says(attempt, after, status, message, **more)


def stages(attempt: int, after: float) -> Says:
    """A program's report of how far it is."""
    return says(attempt, after, RUNNING, stages=StagesDone(round(after), 20))


RUNNING, SUCCEEDED, FAILED = JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.FAILED
# The worker writes whom to report to before each start, and looks for reports in vain after each run.
TOLD = {
    "settings": {"callback_url": "https://api.example.com", "callback_signing_keys": ("k" * 40,)},
    "job": {"spec": replace(submitted_job().spec, callbacks_uri=f"s3://artifacts/callbacks/{job_id()}/")},
}
UNKNOWN_JOB = json.dumps(job_message(job_id(99)))
RETRIED = {1: SHUFFLE_LOST}
MAY_GO_BIGGER = {"request": with_bigger().request, "spec": with_bigger().spec}
# After 447 s at the size small, by the settings' prices.
MAY_COST = {"request": with_limit(0.05).request}
STUBBORN = dict.fromkeys(range(1, 9), SHUFFLE_LOST)

SCENARIOS = (
    scenario("a job succeeds", "SUCCEEDED"),
    scenario("the message is lost", "SUCCEEDED", actions=(Submit(hint=False),)),
    scenario("the message comes three times", "SUCCEEDED", message_delays=copies(0.0, 0.0, 30.0), plain=False),
    scenario("a run goes through every state, and one of next year", "SUCCEEDED", plans={1: EVERY_STATE}),
    scenario("no event ever comes", "SUCCEEDED", deliveries=never),
    scenario("events come thrice", "SUCCEEDED", deliveries=thrice),
    scenario("a passing failure is retried", "SUCCEEDED", 2, plans=RETRIED),
    scenario(
        "a passing failure is retried while events are late and out of order",
        "SUCCEEDED",
        2,
        plans=RETRIED,
        deliveries=late,
    ),
    scenario("a passing failure is retried while no event comes", "SUCCEEDED", 2, plans=RETRIED, deliveries=never),
    scenario("a passing failure never passes", "RUN_FAILED", 3, plans=STUBBORN),
    scenario("the program is at fault", "RUN_FAILED", plans={1: USER_FAULT}),
    scenario("memory runs out once", "SUCCEEDED", 2, plans={1: OUT_OF_MEMORY}, job=MAY_GO_BIGGER),
    scenario(
        "memory runs out again and again",
        "RUN_FAILED",
        2,
        plans=dict.fromkeys(range(1, 9), OUT_OF_MEMORY),
        job=MAY_GO_BIGGER,
    ),
    scenario("memory runs out, and the job allows no more", "RUN_FAILED", plans={1: OUT_OF_MEMORY}),
    scenario(
        "memory runs out after and before passing failures",
        "RUN_FAILED",
        4,
        plans={**STUBBORN, 2: OUT_OF_MEMORY},
        job=MAY_GO_BIGGER,
    ),
    scenario(
        "cancelled between an attempt and a bigger one",
        "CANCELLED",
        1,
        "SUCCEEDED",
        2,
        plans={1: OUT_OF_MEMORY},
        actions=(Submit(), Cancel(11.5)),
        job=MAY_GO_BIGGER,
    ),
    scenario(
        "the program reports that memory ran out, and its run ends later",
        "SUCCEEDED",
        2,
        "RUN_FAILED",
        plans={1: fails("?", 100, "user")},
        says=(says(1, 8, FAILED, "java.lang.OutOfMemoryError: Java heap space"),),
        job=MAY_GO_BIGGER,
    ),
    scenario("a failure that nobody knows", "RUN_FAILED", plans={1: STRANGE}),
    scenario(
        "the program leaves a note that its input is bad",
        "INVALID_INPUT",
        plans={1: fails("ExitCode: 1", 10, "user")},
        left_behind={1: {"failureReason": "INVALID_INPUT", "message": "no such column"}},
    ),
    scenario("a run succeeds and leaves no manifest", "RUN_FAILED", leaves_manifests=False),
    scenario("there is no capacity for a while", "SUCCEEDED", 3, plans={1: NO_CAPACITY, 2: NO_CAPACITY}),
    scenario(
        "there is no capacity until the deadline",
        "CAPACITY TIMED_OUT",
        None,
        plans=dict.fromkeys(range(1, 40), NO_CAPACITY),
        deadline_seconds=90,
    ),
    scenario(
        "cancelled before anyone took it up", "CANCELLED", 0, "SUCCEEDED", 1, actions=(Submit(hint=False), Cancel(0.5))
    ),
    scenario(
        "cancelled in the moment of its start", "CANCELLED", None, plans={1: FOREVER}, actions=(Submit(), Cancel(0))
    ),
    scenario("cancelled while it runs", "CANCELLED", plans={1: FOREVER}, actions=(Submit(), Cancel(20))),
    scenario(
        "a cancellation loses to success",
        "SUCCEEDED",
        1,
        "CANCELLED",
        plans={1: runs_for(27)},
        actions=(Submit(), Cancel(20)),
        aws={"cancel_seconds": 60},
    ),
    scenario(
        "cancelled between two attempts",
        "CANCELLED",
        1,
        "SUCCEEDED",
        2,
        plans=RETRIED,
        actions=(Submit(), Cancel(11.5)),
    ),
    scenario(
        "cancelled just before its run ends",
        "CANCELLED SUCCEEDED",
        1,
        plans={1: runs_for(20)},
        actions=(Submit(), Cancel(19.5)),
    ),
    scenario(
        "cancelled after it failed", "RUN_FAILED", 1, "CANCELLED", plans={1: USER_FAULT}, actions=(Submit(), Cancel(13))
    ),
    scenario("the deadline passes while it runs", "TIMED_OUT", plans={1: FOREVER}, deadline_seconds=700),
    scenario(
        "the deadline passes before it starts",
        "TIMED_OUT",
        0,
        most_runs=1,
        plans={1: FOREVER},
        actions=(Submit(hint=False),),
        deadline_seconds=60,
    ),
    scenario(
        "the deadline passes between two attempts",
        "TIMED_OUT RUN_FAILED",
        None,
        "SUCCEEDED",
        plans=RETRIED,
        deadline_seconds=12,
    ),
    scenario(
        "the run takes longer than its timeout",
        "TIMED_OUT",
        plans={1: Plan(((0, "RUNNING"), (300, "CANCELLED")))},
        job={"spec": replace(submitted_job().spec, timeout_minutes=5)},
    ),
    scenario(
        "somebody else cancels the run", "CANCELLED_EXTERNALLY", plans={1: Plan(((0, "RUNNING"), (60, "CANCELLED")))}
    ),
    scenario("EMR answers once that it does not know the run", "SUCCEEDED", aws={"wrong_answers": 1}),
    scenario(
        "EMR forgets the run",
        "RUN_LOST",
        None,
        "SUCCEEDED",
        plans={1: FOREVER},
        forgotten_after=100,
        plain=False,
    ),
    scenario(
        "EMR's reads lag, its list has many pages",
        "SUCCEEDED",
        2,
        plans=RETRIED,
        aws={"list_lag_seconds": 60, "get_lag_seconds": 5, "page_rows": 1},
    ),
    scenario("a run costs all that it may", "COST_LIMIT", plans={1: FOREVER}, job=MAY_COST),
    scenario(
        "a run comes near what it may cost", "SUCCEEDED", also="COST_LIMIT", plans={1: runs_for(400)}, job=MAY_COST
    ),
    scenario(
        "EMR says that a run costs more than by its time",
        "COST_LIMIT",
        plans={1: FOREVER},
        job=MAY_COST,
        utilization=lambda run: ((100.0, 0.5), (200.0, 0.8), (300.0, 0.95)),
    ),
    scenario(
        "what a job may cost is used up by its second attempt",
        "COST_LIMIT",
        2,
        plans={1: fails("MetadataFetchFailedException", 200, "transient"), 2: FOREVER},
        job=MAY_COST,
    ),
    scenario("EMR says late what it bills", "SUCCEEDED", 2, plans=RETRIED, aws={"bill_seconds": 200}),
    scenario("EMR says late what it bills of a failure", "RUN_FAILED", plans={1: USER_FAULT}, aws={"bill_seconds": 30}),
    scenario("EMR never says what it bills", "SUCCEEDED", aws={"bill_seconds": 100_000}),
    scenario("the indexes lag", "SUCCEEDED", 2, plans=RETRIED, deliveries=never, index_lag=lambda: 2.0),
    scenario("a scan of a dataset succeeds", "SUCCEEDED", scans=True),
    scenario("a scan of a dataset fails", "RUN_FAILED", scans=True, plans={1: USER_FAULT}),
    scenario(
        "a scan of a dataset says itself that it succeeded",
        "SUCCEEDED",
        scans=True,
        says=(says(1, 8, SUCCEEDED),),
        deliveries=never,
    ),
    scenario(
        "bad messages surround the job",
        "SUCCEEDED",
        actions=(Put(0, "jobs", "{no json"), Put(0, "jobs", UNKNOWN_JOB), Put(0, "events", "[]"), Submit()),
    ),
    scenario(
        "the program reports progress", "SUCCEEDED", says=(says(1, 5, RUNNING, "half way"), says(1, 6, RUNNING, "more"))
    ),
    scenario(
        "the program is told whom to report to, and reports how far it is",
        "SUCCEEDED",
        2,
        plans={1: SHUFFLE_LOST, 2: runs_for(20)},
        says=(stages(1, 5), stages(2, 5), stages(2, 9), stages(2, 10), says(2, 18, SUCCEEDED)),
        **TOLD,
    ),
    scenario("the program reports success and its run succeeds", "SUCCEEDED", says=(says(1, 8, SUCCEEDED),)),
    scenario(
        "the program reports success and its run fails",
        "SUCCEEDED",
        1,
        "RUN_FAILED",
        plans={1: USER_FAULT},
        says=(says(1, 8, SUCCEEDED),),
    ),
    scenario(
        "the program reports bad input",
        "INVALID_INPUT",
        1,
        "RUN_FAILED",
        plans={1: USER_FAULT},
        says=(says(1, 8, FAILED, "no such column", reason=FailureReason.INVALID_INPUT),),
    ),
    scenario(
        "the program reports a passing failure, and its run ends later",
        "SUCCEEDED",
        2,
        "RUN_FAILED",
        plans={1: fails("?", 100, "user")},
        says=(says(1, 8, FAILED, LOST_WORKERS),),
    ),
    scenario(
        "every attempt reports a passing failure",
        "REPORTED RUN_FAILED",
        3,
        plans=STUBBORN,
        says=tuple(says(n, 8, FAILED, LOST_WORKERS) for n in range(1, 4)),
    ),
    scenario(
        "an attempt that is over reports late",
        "SUCCEEDED",
        2,
        plans={1: SHUFFLE_LOST, 2: runs_for(200)},
        says=(says(1, 15, SUCCEEDED, late=True), says(1, 90, FAILED, "too late", late=True)),
    ),
    scenario(
        "a report of a passing failure comes while it is cancelled",
        "CANCELLED",
        1,
        "SUCCEEDED RUN_FAILED",
        2,
        plans={1: fails("?", 60, "user")},
        says=(says(1, 30, FAILED, LOST_WORKERS),),
        actions=(Submit(), Cancel(20)),
        aws={"cancel_seconds": 20},
    ),
)
