"""Every story, with every kind of trouble at every one of its calls to AWS."""

import random
from collections.abc import Iterator

import pytest

from tests.fakes.jobs import job_id
from tests.simulation import invariants
from tests.simulation.faults import (
    ALL,
    CANCELS,
    OTHERS,
    PAUSES,
    REPORTS,
    START,
    STARTS_GONE_WRONG,
    TROUBLES,
    Fault,
)
from tests.simulation.scenarios import SCENARIOS, Scenario
from tests.simulation.simulation import Cancel, Faults, Put, Simulation
from tests.simulation.tally import SEED, TRIED

# Which part of the longer lists is tried in a run that is not `--full`.
PAUSES_AT_WRITES, PAUSES_ELSEWHERE = 0.4, 0.1
SAMPLED_EVENTS = 0.5
SAMPLED_REPORTS = 0.08
pytestmark = pytest.mark.timeout(1800)  # seconds; the whole of it takes long
WRITES = ("put_item", "update_item", "transact_write_items")
RESENT = "answer lost and call sent again"
# After these the start is made again soon; a platform that is refused waits for an operator.
SOON_AGAIN = {fault.name for fault in TROUBLES} | {"server error", "called a conflict"}


def end_of(simulation: Simulation) -> str:
    """How the job ended: its status, or the reason of its failure."""
    item = simulation.checker.items[job_id()]
    return item.get("failureReason", item["status"])


def simulate(scenario: Scenario, faults: Faults | None = None, token_seconds: float = 720.0) -> Simulation:
    """One schedule, run until nothing is left to happen."""
    simulation = Simulation(scenario.setup, faults, token_seconds)
    try:
        simulation.run()
    except Exception as error:
        where = {index: f"{fault.name} {fault.where}" for index, fault in simulation.faults.by_index.items()}
        if not isinstance(error, AssertionError):
            error.add_note(simulation.trace.told())
        error.add_note(f"{scenario.name}; clientToken for {token_seconds} s; at call {where}")
        raise
    return simulation


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_without_faults_a_story_ends_as_it_should(scenario):
    simulation = simulate(scenario)

    TRIED["stories without faults"] += 1
    hold, item = simulation.checker.hold, simulation.checker.items[job_id()]
    assert end_of(simulation) in scenario.ends, simulation.trace.told()
    assert scenario.runs in (None, len(simulation.emr.starts)), simulation.trace.told()
    letters = [letter["id"] for letter in simulation.checker.letters]
    if scenario.plain:
        hold(invariants.l4_without_faults_nothing_is_done_twice, simulation.calls, letters, item["status"] == "FAILED")
    asked = [action.at for action in scenario.setup.actions if isinstance(action, Cancel)]
    if asked and item.get("failureReason") == "CANCELLED":
        asked_at = item["cancelRequestedAt"]
        hold(invariants.l2_a_cancelled_run_ends_its_job_soon, asked_at, item["finishedAt"])

    if item.get("failureReason") == "COST_LIMIT":
        hold(invariants.l6_a_job_that_reaches_its_limit_ends_soon, item["costLimitAt"], item["finishedAt"])


def chosen(faults: tuple[Fault, ...], share: float, rng: random.Random, full: bool) -> Iterator[Fault]:
    """All of these faults, or a share of them."""
    return (fault for fault in faults if full or rng.random() < share)


def faults_at(operation: str, rng: random.Random, full: bool) -> list[Fault]:
    """What is tried at a call of this operation."""
    pauses = {START: 1.0}.get(operation, PAUSES_AT_WRITES if operation in WRITES else PAUSES_ELSEWHERE)
    faults = [
        *(*TROUBLES, *STARTS_GONE_WRONG),
        *chosen((*OTHERS, *CANCELS), 1.0 if operation == START else SAMPLED_EVENTS, rng, full),
        *chosen(PAUSES, pauses, rng, full),
        *chosen(REPORTS, SAMPLED_REPORTS, rng, full),
    ]
    return [fault for fault in faults if fault.fits(operation)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_whatever_befalls_one_call_the_story_ends_as_it_should(scenario, full):
    rng = random.Random(f"{SEED} {scenario.name}")
    smooth = simulate(scenario)

    for index, operation in enumerate(smooth.calls):
        TRIED["crash points (calls at which something was tried)"] += 1
        for fault in faults_at(operation, rng, full):
            tried = simulate(scenario, Faults({index: fault}))
            check_end(tried, scenario, fault, operation, smooth)
            TRIED["schedules with a fault at one call"] += 1
            # Where EMR recognised no token, a schedule without tokens is the very same.
            leans_on_token = tried.emr.tokens_known > 0 and not fault.needs_token
            TRIED["of these once more without clientToken, since EMR had recognised one"] += leans_on_token
            if leans_on_token:
                without = simulate(scenario, Faults({index: fault}), token_seconds=0)
                check_end(without, scenario, fault, operation, smooth)


def check_end(tried: Simulation, scenario: Scenario, fault: Fault, operation: str, smooth: Simulation) -> None:
    """The job ended in one of the right ways, with no more runs than it needs, and not too late."""
    end = end_of(tried)
    assert end in scenario.ends | scenario.also | fault.also, f"{scenario.name}: {end}\n{tried.trace.told()}"
    if scenario.most_runs is not None and not fault.is_event:
        assert len(tried.emr.runs) <= scenario.most_runs, f"{len(tried.emr.runs)} runs\n{tried.trace.told()}"
    checker = tried.checker
    bad = [action.body for action in scenario.setup.actions if isinstance(action, Put)]
    checker.hold(invariants.q6_no_bad_message_is_lost, bad, tried.sqs.bodies(tried.settings.dead_letter_queue))
    if fault.name == RESENT and operation in WRITES and job_id() in checker.ended_at:
        ended_at, without = checker.ended_at[job_id()], smooth.checker.ended_at[job_id()]
        checker.hold(invariants.l1_a_lost_answer_costs_less_than_half_a_minute, ended_at, without)
    if operation == START and fault.name in SOON_AGAIN and "cancel" not in scenario.name:
        for attempt, recorded_at in checker.recorded_at.items():
            hold_seconds = tried.settings.hold_seconds
            checker.hold(invariants.l5_a_start_is_recorded_soon, checker.meant_at[attempt], recorded_at, hold_seconds)


def test_every_fault_fits_some_call():
    operations = {"start_job_run", "update_item", "transact_write_items", "receive_message"}

    assert all(any(fault.fits(operation) for operation in operations) for fault in ALL)
