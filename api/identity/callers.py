"""Who may call, and what a caller may do: an owner of jobs, and the scopes that were granted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

JOBS_READ = "jobs:read"
JOBS_WRITE = "jobs:write"
DATASETS_WRITE = "datasets:write"
OPS = "ops"
# By their meanings, which the document shows.
SCOPES = {
    JOBS_READ: "look at your jobs, at what they wrote, at your datasets, and at the job types",
    JOBS_WRITE: "submit, cancel and replay jobs",
    DATASETS_WRITE: "register datasets, upload them, and look at them; put contracts",
    OPS: "what jobs:read allows, for everybody's jobs and datasets; with jobs:write, cancel and replay those jobs too",
}


@dataclass(frozen=True)
class Caller:
    """Somebody who owns jobs, and the scopes that this request has."""

    owner_id: str
    scopes: frozenset[str]

    @property
    def is_operator(self) -> bool:
        """Whether the jobs of all owners are this caller's to see."""
        return OPS in self.scopes


class Callers(Protocol):
    """Tells by the Authorization header who is calling."""

    def identify(self, authorization: str | None, now: datetime) -> Caller:
        """The caller. Raises: Unauthenticated, InvalidToken, IssuerUnavailable."""


# No operator: there is nobody else whose jobs there were to see.
LOCAL_CALLER = Caller("local", frozenset(SCOPES) - {OPS})


class Anybody:
    """AUTH_MODE=none: everybody is the same owner, which only a developer's machine and CI allow."""

    def identify(self, authorization: str | None, now: datetime) -> Caller:  # noqa: ARG002
        """The one caller there is, whatever the header says."""
        return LOCAL_CALLER
