"""A run and an application as this service keeps them: plain, frozen, and without any knowledge of storage."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """The nine states of EMR Serverless."""

    SUBMITTED = "SUBMITTED"
    QUEUED = "QUEUED"
    PENDING = "PENDING"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether a run in this state changes no more."""
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset({RunState.SUCCESS, RunState.FAILED, RunState.CANCELLED})
# What an application's maxConcurrentRuns counts.
ADMITTED_STATES = frozenset({RunState.PENDING, RunState.SCHEDULED, RunState.RUNNING, RunState.CANCELLING})
# What the account's vCPUs are held by.
HOLDING_STATES = frozenset({RunState.SCHEDULED, RunState.RUNNING, RunState.CANCELLING})


@dataclass(frozen=True)
class Run:
    """One job run. Times are epoch milliseconds; `request` is what StartJobRun was asked."""

    run_id: str
    application_id: str
    client_token: str
    request: Mapping[str, Any]
    state: RunState
    state_details: str
    created_ms: int
    updated_ms: int
    release_label: str
    vcpu: int
    next_ms: int | None = None  # when the scheduler must look again; none once it is over
    queued_ms: int | None = None  # when it entered the queue
    queue_wait_ms: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    fate_seconds: float | None = None  # a simulated run lasts this long; none runs Spark
    fate_failure: str | None = None  # and then fails with this sentence; none succeeds
    launches: int = 0  # how often a process was started for it: never more than once

    @property
    def name(self) -> str | None:
        """The name that the caller gave it."""
        name: str | None = self.request.get("name")
        return name

    @property
    def is_simulated(self) -> bool:
        """Whether it ends by the clock instead of by a Spark process."""
        return self.fate_seconds is not None


@dataclass(frozen=True)
class Application:
    """One application; `request` is what CreateApplication was asked."""

    application_id: str
    client_token: str
    request: Mapping[str, Any]
    state: str
    created_ms: int
    updated_ms: int

    def max_concurrent_runs(self, default: int) -> int:
        """How many of its runs may be beyond the queue."""
        return int(self.request.get("schedulerConfiguration", {}).get("maxConcurrentRuns", default))

    def queue_timeout_minutes(self, default: int) -> int:
        """How long a run of it may wait in the queue."""
        return int(self.request.get("schedulerConfiguration", {}).get("queueTimeoutMinutes", default))

    @property
    def starts_by_itself(self) -> bool:
        """Whether a run starts it (AWS's default)."""
        return bool(self.request.get("autoStartConfiguration", {}).get("enabled", True))
