"""The legal moves of a job: the one table, and the one validator that everything asks before it stores."""

from enum import StrEnum

from shared.errors import InvalidTransition


class JobStatus(StrEnum):
    """Where a job is. SUCCEEDED and FAILED are for ever."""

    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        """Whether no move leads out of this status."""
        return self not in MOVES


MOVES: dict[JobStatus, frozenset[JobStatus]] = {  # a status with no entry is terminal
    JobStatus.SUBMITTED: frozenset({JobStatus.RUNNING}),
    JobStatus.RUNNING: frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED}),
}


def sources_of(target: JobStatus) -> list[JobStatus]:
    """The statuses a job may leave to reach `target`; the job store builds its write condition from them."""
    return sorted(source for source, targets in MOVES.items() if target in targets)


class JobStatusTransitionValidator:
    """Refuses every move that the table does not name."""

    def validate(self, current: JobStatus, target: JobStatus) -> None:
        """Return if a job may move from `current` to `target`. Raises: InvalidTransition."""
        if target in MOVES.get(current, frozenset()):
            return
        allowed = ", ".join(sorted(MOVES.get(current, frozenset())))
        right = f"from {current} it can only become {allowed}" if allowed else f"{current} is final"
        raise InvalidTransition(f"A job that is {current} cannot become {target}: {right}.")
