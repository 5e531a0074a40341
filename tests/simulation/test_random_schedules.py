"""Several jobs, workers and faults at once, drawn at random. A schedule is a list of numbers, so that it shrinks."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.emr import EVERY_STATE, SUCCEEDS, Plan, runs_for
from tests.fakes.eventbridge import untold
from tests.simulation.faults import ALL, LOST_WORKERS, SENDING, Fault
from tests.simulation.scenarios import (
    FOREVER,
    MAY_COST,
    MAY_GO_BIGGER,
    NO_CAPACITY,
    OUT_OF_MEMORY,
    SHUFFLE_LOST,
    STRANGE,
    USER_FAULT,
    copies,
    late,
    never,
    thrice,
)
from tests.simulation.simulation import Action, Cancel, Faults, Says, Setup, Simulation, Submit
from tests.simulation.tally import TRIED

Choice = TypeVar("Choice")

NUMBERS = 64
EXAMPLES, EXAMPLES_IN_FULL = 300, 5000
# What is drawn by 0 comes first: that is what a failing example shrinks to.
CANCELLED_BY_OTHERS = Plan(((0, "RUNNING"), (60, "CANCELLED")))
PLANS = (
    *(SUCCEEDS, SHUFFLE_LOST, NO_CAPACITY, USER_FAULT, STRANGE, SHUFFLE_LOST),
    *(runs_for(45), runs_for(300), CANCELLED_BY_OTHERS, EVERY_STATE, OUT_OF_MEMORY),
)
OPERATIONS = (
    *("start_job_run", "update_item", "start_job_run", "update_item", "get_item", "put_item"),
    "transact_write_items",
    *("get_job_run", "list_job_runs", "cancel_job_run", "receive_message", "send_message"),
    *("delete_message_batch", "query", "get_object"),
)
REPORTS = (
    (JobStatus.RUNNING, "half way", None),
    (JobStatus.SUCCEEDED, None, None),
    (JobStatus.FAILED, LOST_WORKERS, None),
    (JobStatus.FAILED, "no such column", FailureReason.INVALID_INPUT),
)


class Draw:
    """Reads a list of numbers as choices."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = iter(numbers)

    def up_to(self, most: int) -> int:
        """A number from 0 to `most`; 0 when the list is used up."""
        return next(self._numbers, 0) % (most + 1)

    def of(self, choices: Sequence[Choice]) -> Choice:
        """One of several."""
        return choices[self.up_to(len(choices) - 1)]


def setup_from(draw: Draw) -> Setup:
    """Jobs, their runs, their owners, the workers and AWS."""
    jobs = 1 + draw.up_to(2)
    deadline_seconds = draw.of((86_400, 86_400, 700, 100, 31))
    actions: list[Action] = []
    plans: dict[Any, Plan] = {}
    says: list[Says] = []
    for number in range(1, jobs + 1):
        actions.append(Submit(draw.up_to(20) / 2 if number > 1 else 0.0, number, hint=draw.of((True, True, False))))
        for attempt in range(1, 4):
            plans[number, attempt] = draw.of(PLANS)
        if draw.of((False, True)):
            actions.append(Cancel(draw.up_to(240) / 2, number))
            if draw.of((False, True)):
                plans[number, 1] = FOREVER
        if draw.of((False, False, True)):
            status, message, reason = draw.of(REPORTS)
            attempt, late_by = 1 + draw.up_to(1), draw.of((0, 0, 300))
            says.append(Says(attempt, 2 + draw.up_to(20) + late_by, status, message, reason, late_by > 0, number))
    aws = {
        "list_lag_seconds": draw.of((0, 0, 10, 60)),
        "get_lag_seconds": draw.of((0, 0, 3)),
        "page_rows": draw.of((50, 1)),
        "cancel_seconds": draw.of((5, 60, 0)),
        "wrong_answers": draw.of((0, 0, 0, 1)),
        "most_live_runs": draw.of((None, None, 1)),
    }
    return Setup(
        job=draw.of(({}, MAY_GO_BIGGER, MAY_COST)),
        actions=tuple(actions),
        plans=plans,
        says=tuple(says),
        deadline_seconds=deadline_seconds,
        workers=2 + draw.up_to(1),
        skews=(0.0, draw.of((0.0, 5.0, -5.0)), draw.of((0.0, 4.0, -4.0))),
        aws=aws,
        deliveries=draw.of((lambda run: (1.0,), never, thrice, late)),
        utilization=draw.of((untold, lambda run: ((100.0, 1.0), (300.0, 2.0)))),
        message_delays=copies(*draw.of(((0.0,), (0.0, 0.0), (3.0, 50.0)))),
        index_lag=draw.of((None, lambda: 2.0)),
    )


def faults_from(draw: Draw, token_seconds: float) -> dict[tuple[str, int], Fault]:
    """Up to four faults, each at the n-th call of an operation."""
    faults: dict[tuple[str, int], Fault] = {}
    for _ in range(1 + draw.up_to(3)):
        operation, number = draw.of(OPERATIONS), draw.up_to(7)
        # While others have their turn between signing and sending, they may be stopped: that needs the token, too.
        fitting = [fault for fault in ALL if fault.fits(operation) and (token_seconds or fault.where != SENDING)]
        faults[operation, number] = draw.of(fitting)
    return faults


def try_script(numbers: Sequence[int]) -> None:
    """Run the schedule that a list of numbers stands for."""
    draw = Draw(numbers)
    token_seconds = draw.of((720.0, 0.0))
    faults = faults_from(draw, token_seconds)
    setup = setup_from(draw)
    note(f"{setup}\nclientToken for {token_seconds} s")
    for (operation, number), fault in faults.items():
        note(f"{operation} no. {number}: {fault.name}, {fault.where}")
    TRIED["random schedules"] += 1
    Simulation(setup, Faults(by_operation=faults), token_seconds).run()


@pytest.mark.timeout(1800)
def test_whatever_happens_at_once_every_invariant_holds(full):
    @settings(
        max_examples=EXAMPLES_IN_FULL if full else EXAMPLES,
        derandomize=not full,
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(st.lists(st.integers(0, 9999), min_size=NUMBERS, max_size=NUMBERS))
    def any_schedule(numbers):
        try_script(numbers)

    any_schedule()
