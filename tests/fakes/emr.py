"""EMR Serverless in memory: runs that do what their plan says, on a virtual clock."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.clock import Clock
from tests.fakes.seam import aws_error

PAGE_ROWS = 50
OVER = ("SUCCESS", "FAILED", "CANCELLED")
# How many starts AWS takes at once, and then each second.
START_QUOTA_BURST = 25
START_QUOTA_RATE = 1.0


@dataclass(frozen=True)
class Plan:
    """How a run goes: its state after each number of seconds, in order, and the words that explain the last.

    `failure` is what kind of failure that is, for those who check what became of it: capacity, transient, memory or
    user.
    """

    states: tuple[tuple[float, str], ...] = ((0, "SUBMITTED"), (1, "RUNNING"), (10, "SUCCESS"))
    details: str = ""
    begins: bool = True  # a run that expires in the queue never does
    queued_seconds: float = 0  # so long it has no startedAt
    failure: str = ""

    @property
    def succeeds(self) -> bool:
        """Whether the run ends well, if nobody cancels it."""
        return self.states[-1][1] == "SUCCESS"

    @property
    def ends_after(self) -> float:
        """Seconds until the run ends by itself; infinite if it never does."""
        return next((after for after, state in self.states if state in OVER), math.inf)


SUCCEEDS = Plan()
EVERY_STATE = Plan(
    (
        *((0, "SUBMITTED"), (1, "QUEUED"), (2, "PENDING"), (3, "SCHEDULED")),
        *((4, "RUNNING"), (1300, "A STATE OF NEXT YEAR"), (1400, "RUNNING"), (1500, "SUCCESS")),
    )
)


def fails(details: str, after_seconds: float = 10, failure: str = "") -> Plan:
    """A run that ends FAILED with these stateDetails."""
    return Plan(((0, "SUBMITTED"), (1, "RUNNING"), (after_seconds, "FAILED")), details, failure=failure)


def runs_for(seconds: float) -> Plan:
    """A run that succeeds after a while."""
    return Plan(((0, "SUBMITTED"), (1, "RUNNING"), (seconds, "SUCCESS")))


@dataclass
class FakeRun:
    """A run as the service keeps it."""

    run_id: str
    name: str
    token: str
    request: dict[str, Any]
    plan: Plan
    created_at: datetime
    cancelled_at: datetime | None = None


@dataclass
class FakeEMR:
    """Takes runs and lets them go as `plans` says, by name; `SUCCEEDS` for those it does not know."""

    clock: Clock
    plans: dict[str, Plan] = field(default_factory=dict)
    default_plan: Plan = SUCCEEDS
    cancel_seconds: float = 5.0
    # How long a clientToken is known; 0: not at all.
    token_seconds: float = math.inf
    # ListJobRuns shows runs, and GetJobRun shows states, as they were so long ago.
    list_lag_seconds: float = 0.0
    get_lag_seconds: float = 0.0
    page_rows: int = PAGE_ROWS
    # Above so many live runs a start is refused.
    most_live_runs: int | None = None
    # Whether StartJobRun is held to its quota of one a second and 25 at once.
    start_quota: bool = False
    # So many looks at a run are answered with a 404, although it is there.
    wrong_answers: int = 0
    # GetJobRun says so long after a run's end what is billed of it.
    bill_seconds: float = 0.0
    watch: Callable[[FakeRun], None] = lambda run: None
    # When StartJobRun was called, by whoever, and whatever came of it.
    starts: list[datetime] = field(default_factory=list)
    runs: dict[str, FakeRun] = field(default_factory=dict)
    # The most vCPU-hours that an event told of each run.
    told_vcpu_hours: dict[str, float] = field(default_factory=dict)
    # How often a token was recognised.
    tokens_known: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _start_tokens: float = START_QUOTA_BURST
    _start_tokens_at: datetime | None = None

    @property
    def names(self) -> list[str]:
        """The names of all runs ever begun, in order."""
        return [run.name for run in self.runs.values()]

    def start_job_run(self, **request: Any) -> Any:
        """StartJobRun: the same token and request give the same run, as long as the token is known."""
        self.starts.append(self.clock())
        if self.start_quota and not self._takes_a_start():
            raise aws_error("StartJobRun", "ThrottlingException", "Rate exceeded", status=429)
        for run in self.runs.values():
            age = (self.clock() - run.created_at).total_seconds()
            if run.token == request["clientToken"] and age < self.token_seconds:
                if run.request != request:
                    raise aws_error("StartJobRun", "ConflictException")
                self.tokens_known += 1
                return {"jobRunId": run.run_id, "applicationId": request["applicationId"]}
        live = sum(self.state_of(run) not in OVER for run in self.runs.values()) if self.most_live_runs else 0
        if self.most_live_runs is not None and live >= self.most_live_runs:
            raise aws_error("StartJobRun", "ServiceQuotaExceededException", status=402)
        run_id = f"{next(self._numbers):016d}"
        plan = self.plans.get(request["name"], self.default_plan)
        run = FakeRun(run_id, request["name"], request["clientToken"], request, plan, self.clock())
        self.runs[run_id] = run
        self.watch(run)
        return {"jobRunId": run_id, "applicationId": request["applicationId"]}

    def _takes_a_start(self) -> bool:
        now = self.clock()
        passed = (now - (self._start_tokens_at or now)).total_seconds()
        self._start_tokens = min(START_QUOTA_BURST, self._start_tokens + passed * START_QUOTA_RATE)
        self._start_tokens_at = now
        if self._start_tokens < 1:
            return False
        self._start_tokens -= 1
        return True

    def get_job_run(self, applicationId: str, jobRunId: str) -> Any:
        """GetJobRun."""
        if jobRunId not in self.runs or self.wrong_answers > 0:
            self.wrong_answers -= jobRunId in self.runs
            raise aws_error("GetJobRun", "ResourceNotFoundException", status=404)
        run = self.runs[jobRunId]
        return {"jobRun": {**self._row(run, self.get_lag_seconds), **self._billed(run), "jobRunId": jobRunId}}

    def _billed(self, run: FakeRun) -> dict[str, Any]:
        """What is billed of a run of one vCPU and 4 GB, once that is known."""
        ends_at = self.ends_at(run)
        if (
            ends_at is None
            or not run.plan.begins
            or self.clock() < ends_at + timedelta(seconds=max(self.bill_seconds, self.get_lag_seconds))
        ):
            return {}
        hours = max(60.0, (ends_at - run.created_at).total_seconds()) / 3600
        billed = {"vCPUHour": round(hours, 3), "memoryGBHour": round(4 * hours, 3), "storageGBHour": 0.0}
        return {"billedResourceUtilization": billed}

    def get_dashboard_for_job_run(self, applicationId: str, jobRunId: str) -> Any:
        """GetDashboardForJobRun: a new address each time, from RUNNING on."""
        if jobRunId not in self.runs:
            raise aws_error("GetDashboardForJobRun", "ResourceNotFoundException", status=404)
        state = self.state_of(self.runs[jobRunId])
        if state not in ("RUNNING", "CANCELLING", *OVER):
            message = f"Dashboard cannot be served for job in {state} state"
            raise aws_error("GetDashboardForJobRun", "ValidationException", message)
        return {"url": f"https://p-{jobRunId}.emrappui.invalid/?authToken=fake{next(self._numbers)}"}

    def list_job_runs(self, applicationId: str, createdAtAfter: datetime, nextToken: str = "0") -> Any:
        """ListJobRuns, newest first, `page_rows` a page."""
        shown_to = self.clock() - timedelta(seconds=self.list_lag_seconds)
        rows = [run for run in self.runs.values() if createdAtAfter <= run.created_at <= shown_to]
        rows.sort(key=lambda run: run.run_id, reverse=True)
        start, size = int(nextToken), self.page_rows
        page = [{**self._row(run, self.list_lag_seconds), "id": run.run_id} for run in rows[start : start + size]]
        return {"jobRuns": page, **({"nextToken": str(start + size)} if len(rows) > start + size else {})}

    def cancel_job_run(self, applicationId: str, jobRunId: str) -> Any:
        """CancelJobRun: asked for now, done a little later, unless the run ends by itself before."""
        if jobRunId not in self.runs:
            raise aws_error("CancelJobRun", "ResourceNotFoundException", status=404)
        run = self.runs[jobRunId]
        if self.state_of(run) in OVER:
            raise aws_error("CancelJobRun", "ValidationException", "The job run has ended.")
        run.cancelled_at = run.cancelled_at or self.clock()
        return {"jobRunId": jobRunId}

    def ends_at(self, run: FakeRun) -> datetime | None:
        """When a run ends, as it looks now; None if it never does."""
        seconds = run.plan.ends_after
        if run.cancelled_at is not None:
            asked = (run.cancelled_at - run.created_at).total_seconds()
            seconds = min(seconds, asked + self.cancel_seconds)
        return None if math.isinf(seconds) else run.created_at + timedelta(seconds=seconds)

    def state_of(self, run: FakeRun, ago_seconds: float = 0.0) -> str:
        """The state of a run now, or a while ago."""
        at = self.clock() - timedelta(seconds=ago_seconds) if ago_seconds else self.clock()
        age = (at - run.created_at).total_seconds()
        natural = run.plan.states[0][1]
        for after, state in run.plan.states:
            if age >= after:
                natural = state
        if run.cancelled_at is None or run.cancelled_at > at:
            return natural
        ended_first = run.plan.ends_after <= (run.cancelled_at - run.created_at).total_seconds() + self.cancel_seconds
        if natural in OVER and ended_first:
            return natural
        return "CANCELLED" if at >= run.cancelled_at + timedelta(seconds=self.cancel_seconds) else "CANCELLING"

    def utilization_event(self, run: FakeRun, vcpu_hours: float) -> dict[str, Any]:
        """The EventBridge event of what is billed of a live run so far; of a run that is over, of all of it."""
        self.told_vcpu_hours[run.run_id] = max(vcpu_hours, self.told_vcpu_hours.get(run.run_id, 0.0))
        detail = {
            "jobRunId": run.run_id,
            "applicationId": run.request["applicationId"],
            "resourceUtilizationFinal": self.state_of(run) in OVER,
            "totalBilledResourceUtilization": {"vCPUHour": vcpu_hours, "memoryGBHour": 0, "storageGBHour": 0},
        }
        kind = "EMR Serverless Job Resource Utilization Update"
        return {"source": "aws.emr-serverless", "detail-type": kind, "detail": detail}

    def event_of(self, run: FakeRun) -> dict[str, Any]:
        """The EventBridge event of a run's present state."""
        detail = {"jobRunId": run.run_id, "applicationId": run.request["applicationId"], "state": self.state_of(run)}
        return {"source": "aws.emr-serverless", "detail-type": "EMR Serverless Job Run State Change", "detail": detail}

    def _started(self, run: FakeRun, lag_seconds: float) -> dict[str, Any]:
        """When a run left the queue, once it has."""
        started_at = run.created_at + timedelta(seconds=run.plan.queued_seconds)
        seen_at = self.clock() - timedelta(seconds=lag_seconds)
        return {"startedAt": started_at} if run.plan.begins and started_at <= seen_at else {}

    def _row(self, run: FakeRun, lag_seconds: float) -> dict[str, Any]:
        state = self.state_of(run, lag_seconds)
        return {
            "name": run.name,
            "state": state,
            **({"endedAt": self.ends_at(run)} if state in OVER else {}),
            "stateDetails": run.plan.details,
            "createdAt": run.created_at,
            **self._started(run, lag_seconds),
            "updatedAt": self.clock(),
        }
