"""What takes more than one fault to go wrong, and what takes many workers."""

import itertools
import random

import pytest

from tests.fakes.emr import runs_for
from tests.fakes.jobs import job_id
from tests.fakes.seam import aws_error
from tests.simulation import invariants
from tests.simulation.faults import (
    AFTER,
    BEFORE,
    CANCELS,
    OTHERS,
    PAUSES,
    SENDING,
    START,
    STARTS_GONE_WRONG,
    TROUBLES,
    Fault,
    raising,
)
from tests.simulation.scenarios import FOREVER, SHUFFLE_LOST, USER_FAULT, never
from tests.simulation.simulation import Cancel, Faults, Setup, Simulation, Submit
from tests.simulation.tally import SEED, TRIED

pytestmark = pytest.mark.timeout(1800)  # seconds; the whole of it takes long
AT_A_START = (*TROUBLES, *STARTS_GONE_WRONG, *PAUSES)
# What makes the next start the second of the same attempt.
LEAVES_AN_INTENT = (
    *(fault for fault in PAUSES if fault.where != AFTER),
    *(fault for fault in TROUBLES if fault.name in ("no connection", "crash") and fault.where == BEFORE),
)
STORIES = {
    "it succeeds": Setup(),
    "it is retried": Setup(plans={1: SHUFFLE_LOST}),
    "no event comes": Setup(deliveries=never),
    "the list lags": Setup(aws={"list_lag_seconds": 60}),
}


def test_two_starts_of_an_attempt_may_both_go_wrong(full):
    """A start that is still under way, and another that is refused: a refusal says nothing about the first."""
    pairs = list(itertools.product(AT_A_START, AT_A_START))
    for name, setup in STORIES.items():
        for first, second in pairs if full else random.Random(f"{SEED} {name}").sample(pairs, 120):
            faults = Faults(by_operation={(START, 0): first, (START, 1): second})
            simulation = Simulation(setup, faults)

            simulation.run()

            TRIED["pairs of faults at starts"] += 1
            assert simulation.checker.items[job_id()]["status"] == "SUCCEEDED" or "invalid" in first.name + second.name


def test_a_cancellation_at_any_time_after_two_starts_went_wrong_ends_the_job(full):
    """One cancellation, swept in half seconds, over pairs of faults at starts."""
    pairs = list(itertools.product(LEAVES_AN_INTENT, AT_A_START))
    times = [half / 2 for half in (*range(8), *range(176, 200), *range(376, 404), *range(820, 860))]
    tries = list(itertools.product(pairs, times))
    for (first, second), at in tries if full else random.Random(SEED).sample(tries, 300):
        setup = Setup(plans={1: runs_for(1000)}, actions=(Submit(), Cancel(at)), aws={"list_lag_seconds": 60})
        simulation = Simulation(setup, Faults(by_operation={(START, 0): first, (START, 1): second}))

        simulation.run()

        TRIED["cancellations swept over pairs of faults"] += 1
        item = simulation.checker.items[job_id()]
        assert item.get("failureReason", item["status"]) in ("CANCELLED", "SUCCEEDED", "START_REJECTED")


def calls_of(setup: Setup) -> list[str]:
    """The calls of a story in which nothing goes wrong."""
    simulation = Simulation(setup)
    simulation.run()
    return simulation.calls


def test_a_cancellation_in_any_moment_ends_the_job_within_two_minutes():
    """Also between a start and its record, while a run that just began is not yet listed."""
    setup = Setup(plans={1: runs_for(900)}, aws={"list_lag_seconds": 60})
    for index, operation in enumerate(calls_of(setup)):
        for fault in CANCELS:
            if not fault.fits(operation):
                continue
            simulation = Simulation(setup, Faults({index: fault}))

            simulation.run()

            item = simulation.checker.items[job_id()]
            if "cancelRequestedAt" in item:
                soon = invariants.l2_a_cancelled_run_ends_its_job_soon
                simulation.checker.hold(soon, item["cancelRequestedAt"], item["finishedAt"])


class Always(Faults):
    """One fault, at every call of an operation while it lasts, and not within itself."""

    def __init__(self, operation: str, fault: Fault, most: int = 10**9) -> None:
        super().__init__()
        self.operation, self.fault, self.left, self.deep = operation, fault, most, 0

    def at(self, index: int, operation: str) -> Fault | None:
        """What befalls this call."""
        if operation != self.operation or self.left <= 0 or self.deep >= 2:
            return None
        self.left -= 1
        return Fault(self.fault.name, self.fault.where, self._strike)

    def _strike(self, simulation, process, operation) -> None:
        self.deep += 1
        try:
            self.fault.strike(simulation, process, operation)
        finally:
            self.deep -= 1


@pytest.mark.parametrize("where", [SENDING, AFTER])
def test_many_workers_who_race_for_permits_never_start_more_than_the_pace(where):
    jobs = tuple(Submit(0, number) for number in range(1, 26))
    setup = Setup(actions=jobs, workers=3, settings={"start_burst": 3, "start_rate_per_second": 0.5})
    others = next(fault for fault in OTHERS if fault.where == where)

    simulation = Simulation(setup, Always("put_item", others))
    simulation.run()

    assert len(simulation.emr.starts) == 25
    took_ms = max(simulation.checker.recorded_at.values()) - min(simulation.checker.meant_at.values())
    assert took_ms / 1000 <= 1.15 * (25 - 3) / 0.5, "the pace is not made use of"


def test_while_emr_does_not_answer_a_run_is_looked_at_once_a_hold():
    """The timer takes a job before it acts; what fails is not tried again at once."""
    away = Fault(
        "EMR is away", BEFORE, raising(lambda operation: aws_error(operation, "InternalServerException", status=500))
    )
    setup = Setup(plans={1: runs_for(400)}, deliveries=never)

    simulation = Simulation(setup, Always("get_job_run", away, most=8))
    simulation.run()

    item = simulation.checker.items[job_id()]
    looks = simulation.calls.count("get_job_run")
    assert item["status"] == "SUCCEEDED"
    assert looks == 9
    assert item["finishedAt"] - item["createdAt"] >= 1000 * (600 + 8 * simulation.settings.hold_seconds)


def test_two_timers_that_see_the_same_due_job_send_one_dead_letter():
    setup = Setup(plans={1: USER_FAULT}, deliveries=never)
    operations = calls_of(setup)
    for index, operation in enumerate(operations):
        if operation in ("query", "get_item"):
            simulation = Simulation(setup, Faults({index: OTHERS[0]}))

            simulation.run()

            assert len(simulation.checker.letters) == 1, simulation.trace.told()


def test_emrs_quota_of_starts_is_never_exceeded_by_a_fleet_that_keeps_its_pace():
    jobs = tuple(Submit(number / 10, number) for number in range(1, 61))
    setup = Setup(actions=jobs, workers=3, aws={"start_quota": True})

    simulation = Simulation(setup)
    simulation.run()

    assert len(simulation.emr.starts) == 60, "a start was throttled, and made again"


def test_a_quota_of_live_runs_delays_jobs_and_fails_none():
    jobs = tuple(Submit(0, number) for number in range(1, 6))
    setup = Setup(actions=jobs, aws={"most_live_runs": 1})

    simulation = Simulation(setup)
    simulation.run()

    assert {item["status"] for item in simulation.checker.items.values()} == {"SUCCEEDED"}
    assert {item["attempt"] for item in simulation.checker.items.values()} == {1}


def test_a_worker_whose_clock_is_wrong_starts_nothing_and_the_other_goes_on():
    setup = Setup(plans={1: FOREVER}, skews=(30.0, 0.0, 0.0), deadline_seconds=600)

    simulation = Simulation(setup)
    simulation.run()

    starters = {who for _, who, what, _ in simulation.trace.events if what == START}
    assert starters == {"worker-B"}


def test_a_start_whose_answer_was_lost_is_found_behind_many_newer_runs():
    """Also by its name alone: the clientToken is not honoured here."""
    jobs = tuple(Submit(0, number) for number in range(1, 7))
    plans = {(number, 1): runs_for(300) for number in range(1, 7)}
    setup = Setup(actions=jobs, plans=plans, aws={"page_rows": 2})
    lost = next(fault for fault in TROUBLES if fault.name == "answer lost")

    simulation = Simulation(setup, Faults(by_operation={(START, 0): lost}), token_seconds=0)
    simulation.run()

    assert len(simulation.emr.runs) == 6
    assert simulation.calls.count("list_job_runs") == 3


def test_after_a_throttled_start_nobody_in_the_fleet_starts_anything_for_ten_seconds():
    jobs = tuple(Submit(0, number) for number in range(1, 11))
    throttled = next(fault for fault in TROUBLES if fault.name == "throttled")

    simulation = Simulation(Setup(actions=jobs, workers=3), Faults(by_operation={(START, 4): throttled}))
    simulation.run()

    calls = [at for at, _, what, _ in simulation.trace.events if what == START]
    in_hand = 2 * 3 - 1  # whoever has a permit already may use it
    assert sum(calls[4] < at <= calls[4] + 10_000 for at in calls) + sum(at == calls[4] for at in calls[5:]) <= in_hand
