"""EMR Serverless in memory: runs that do what their plan says, on a virtual clock."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.clock import Clock
from tests.fakes.seam import aws_error

PAGE_ROWS = 50


@dataclass(frozen=True)
class Plan:
    """How a run goes: its state after each number of seconds, in order, and the words that explain the last."""

    states: tuple[tuple[float, str], ...] = ((0, "SUBMITTED"), (1, "RUNNING"), (10, "SUCCESS"))
    details: str = ""
    begins: bool = True  # a run that expires in the queue never does


SUCCEEDS = Plan()


def fails(details: str, after_seconds: float = 10) -> Plan:
    """A run that ends FAILED with these stateDetails."""
    return Plan(((0, "SUBMITTED"), (1, "RUNNING"), (after_seconds, "FAILED")), details)


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
    runs: dict[str, FakeRun] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def names(self) -> list[str]:
        """The names of all runs ever begun, in order."""
        return [run.name for run in self.runs.values()]

    def start_job_run(self, **request: Any) -> Any:
        """StartJobRun: the same token and request give the same run."""
        for run in self.runs.values():
            if run.token == request["clientToken"]:
                if run.request != request:
                    raise aws_error("StartJobRun", "ConflictException")
                return {"jobRunId": run.run_id, "applicationId": request["applicationId"]}
        run_id = f"{next(self._numbers):016d}"
        plan = self.plans.get(request["name"], self.default_plan)
        self.runs[run_id] = FakeRun(run_id, request["name"], request["clientToken"], request, plan, self.clock())
        return {"jobRunId": run_id, "applicationId": request["applicationId"]}

    def get_job_run(self, applicationId: str, jobRunId: str) -> Any:
        """GetJobRun."""
        if jobRunId not in self.runs:
            raise aws_error("GetJobRun", "ResourceNotFoundException", status=404)
        return {"jobRun": {**self._row(self.runs[jobRunId]), "jobRunId": jobRunId}}

    def list_job_runs(self, applicationId: str, createdAtAfter: datetime, nextToken: str = "0") -> Any:
        """ListJobRuns, newest first, 50 a page."""
        rows = [run for run in self.runs.values() if run.created_at >= createdAtAfter]
        rows.sort(key=lambda run: run.run_id, reverse=True)
        start = int(nextToken)
        page = [{**self._row(run), "id": run.run_id} for run in rows[start : start + PAGE_ROWS]]
        return {"jobRuns": page, **({"nextToken": str(start + PAGE_ROWS)} if len(rows) > start + PAGE_ROWS else {})}

    def cancel_job_run(self, applicationId: str, jobRunId: str) -> Any:
        """CancelJobRun: asked for now, done a little later, unless the run ends by itself before."""
        if jobRunId not in self.runs:
            raise aws_error("CancelJobRun", "ResourceNotFoundException", status=404)
        run = self.runs[jobRunId]
        if self.state_of(run) in ("SUCCESS", "FAILED", "CANCELLED"):
            raise aws_error("CancelJobRun", "ValidationException", "The job run has ended.")
        run.cancelled_at = run.cancelled_at or self.clock()
        return {"jobRunId": jobRunId}

    def state_of(self, run: FakeRun) -> str:
        """The state of a run now."""
        age = (self.clock() - run.created_at).total_seconds()
        natural = [state for after, state in run.plan.states if age >= after][-1]
        if run.cancelled_at is None or natural in ("SUCCESS", "FAILED"):
            return natural
        done = run.cancelled_at + timedelta(seconds=self.cancel_seconds)
        return "CANCELLED" if self.clock() >= done else "CANCELLING"

    def event_of(self, run: FakeRun) -> dict[str, Any]:
        """The EventBridge event of a run's present state."""
        detail = {"jobRunId": run.run_id, "applicationId": run.request["applicationId"], "state": self.state_of(run)}
        return {"source": "aws.emr-serverless", "detail-type": "EMR Serverless Job Run State Change", "detail": detail}

    def _row(self, run: FakeRun) -> dict[str, Any]:
        return {
            "name": run.name,
            "state": self.state_of(run),
            "stateDetails": run.plan.details,
            "createdAt": run.created_at,
            **({"startedAt": run.created_at} if run.plan.begins else {}),
            "updatedAt": self.clock(),
        }
