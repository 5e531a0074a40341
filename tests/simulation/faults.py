"""What can befall a process at one of its calls to AWS. Each fault strikes once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.seam import AnswerLost, aws_error, no_answer, no_connection

if TYPE_CHECKING:
    from tests.simulation.simulation import Process, Simulation

BEFORE, SENDING, AFTER = "before it was signed", "before it was sent", "after it was done"
START = "start_job_run"
THROTTLES = {
    "job_run": "ThrottlingException",
    "item": "ProvisionedThroughputExceededException",
    "query": "ProvisionedThroughputExceededException",
    "object": "SlowDown",
}
STOPS = (100, 290, 400, 2000)
LOST_WORKERS = "Executor lost: the worker was lost"

Strike = Callable[["Simulation", "Process", str], None]


class Crash(BaseException):
    """The process died. Not an Exception: nothing of it may go on."""


@dataclass(frozen=True)
class Fault:
    """One kind of trouble, the moment of the call in which it strikes, and how the job may end then besides."""

    name: str
    where: str
    strike: Strike
    also: frozenset[str] = frozenset()
    only: str | None = None  # the only operation that it makes sense for
    # It holds only while EMR honours clientTokens: a process that is stopped between signing and sending.
    needs_token: bool = False
    # Somebody else did something meanwhile, rather than that the call went wrong.
    is_event: bool = False

    def fits(self, operation: str) -> bool:
        """Whether it can befall this operation."""
        return self.only in (None, operation)


def crash(_simulation: "Simulation", process: "Process", _operation: str) -> None:
    """The process dies here."""
    process.dead = True
    raise Crash


def throttle_error(operation: str) -> Exception:
    """How the service of an operation says that it is asked too much."""
    code = next((code for part, code in THROTTLES.items() if part in operation), "RequestThrottled")
    return aws_error(operation, code, "Rate exceeded", status=429)


def raising(make_error: Callable[[str], Exception]) -> Strike:
    """The call fails with an error."""

    def strike(_simulation: "Simulation", _process: "Process", operation: str) -> None:
        raise make_error(operation)

    return strike


def stopping(seconds: int) -> Strike:
    """The process stands still while time passes for all others."""

    def strike(simulation: "Simulation", _process: "Process", _operation: str) -> None:
        simulation.pass_time(seconds)

    return strike


def others_turn(simulation: "Simulation", _process: "Process", _operation: str) -> None:
    """Every message comes once more, and the other workers do all that they can do now."""
    simulation.repeat_messages()
    simulation.turn_others()


def cancelling(simulation: "Simulation", _process: "Process", _operation: str) -> None:
    """The owner cancels the job just now."""
    simulation.cancel_now()


def reporting(status: JobStatus, message: str | None = None, reason: FailureReason | None = None) -> Strike:
    """The program reports just now, if there is one that runs."""

    def strike(simulation: "Simulation", _process: "Process", _operation: str) -> None:
        simulation.report_now(status, message, reason)

    return strike


def refused(code: str, status: int = 400) -> Strike:
    """EMR answers with an error of this code."""
    return raising(lambda operation: aws_error(operation, code, status=status))


TROUBLES = (
    Fault("crash", BEFORE, crash),
    Fault("crash", AFTER, crash),
    Fault("answer lost", AFTER, raising(lambda operation: no_answer())),
    Fault("answer lost and call sent again", AFTER, raising(lambda operation: AnswerLost())),
    Fault("no connection", BEFORE, raising(lambda operation: no_connection())),
    Fault("throttled", BEFORE, raising(throttle_error)),
)
PAUSES = tuple(
    Fault(f"stopped for {seconds} s", where, stopping(seconds), needs_token=where == SENDING)
    for where in (BEFORE, SENDING, AFTER)
    for seconds in STOPS
)
STARTS_GONE_WRONG = (
    Fault("access denied", BEFORE, refused("AccessDeniedException", 403), only=START),
    Fault("quota exceeded", BEFORE, refused("ServiceQuotaExceededException", 402), only=START),
    Fault("called invalid", BEFORE, refused("ValidationException"), frozenset({"START_REJECTED"}), only=START),
    Fault("called a conflict", BEFORE, refused("ConflictException", 409), only=START),
    Fault("called a conflict", AFTER, refused("ConflictException", 409), only=START),
    Fault("server error", AFTER, refused("InternalServerException", 500), only=START),
)
# Between signing and sending nothing is read or stored: only a start can tell the difference.
OTHERS = tuple(
    Fault("the others' turn", where, others_turn, only=START if where == SENDING else None, is_event=True)
    for where in (BEFORE, SENDING, AFTER)
)
CANCELS = tuple(
    Fault(
        "cancelled",
        where,
        cancelling,
        frozenset({"CANCELLED"}),
        only=START if where == SENDING else None,
        is_event=True,
    )
    for where in (BEFORE, SENDING, AFTER)
)
REPORTS = tuple(
    Fault(name, where, strike, also, is_event=True)
    for where in (BEFORE, AFTER)
    for name, strike, also in (
        ("success reported", reporting(JobStatus.SUCCEEDED), frozenset({"SUCCEEDED"})),
        (
            "bad input reported",
            reporting(JobStatus.FAILED, "no such column", FailureReason.INVALID_INPUT),
            frozenset({"INVALID_INPUT"}),
        ),
        ("a passing failure reported", reporting(JobStatus.FAILED, LOST_WORKERS), frozenset({"RUN_FAILED"})),
        ("progress reported", reporting(JobStatus.RUNNING, "half way"), frozenset()),
    )
)
ALL = (*TROUBLES, *PAUSES, *STARTS_GONE_WRONG, *OTHERS, *CANCELS, *REPORTS)
