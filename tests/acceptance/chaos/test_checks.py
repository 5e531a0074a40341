"""Each check notices what it is for: a record that is right passes all of them, and one fault fails one."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.models import job_to_item
from shared.transitions import JobStatus
from tests.acceptance.chaos import checks
from tests.acceptance.chaos.checks import CHECKS, Aftermath
from tests.fakes.jobs import ended_job, job_id

FIRST, SECOND = job_id(1), job_id(2)


def run(name: str, begun: int, ended: int, state: str = "SUCCESS") -> dict:
    return {"run_id": f"run-{name}", "name": name, "state": state, "created_ms": begun, "ended_ms": ended}


def ended_well() -> Aftermath:
    """A job that succeeded at its second attempt, and one that failed."""
    good = job_to_item(ended_job(number=1, attempt=2, charged_failures=1, run_id=f"run-{FIRST}.2"))
    bad = job_to_item(ended_job(JobStatus.FAILED, number=2, run_id=f"run-{SECOND}.1"))
    for item in (good, bad):
        entry = {**item["history"][0], "from": "SUBMITTED", "to": "RUNNING"}
        item["history"] += [entry, {**entry, "from": "RUNNING", "to": item["status"], "by": "worker"}]
    bad["failureReason"] = "RUN_FAILED"
    runs = [run(f"{FIRST}.1", 1, 2, "FAILED"), run(f"{FIRST}.2", 3, 4), run(f"{SECOND}.1", 1, 2, "FAILED")]
    letter = {"envelope": "job-failed", "id": f"{SECOND}.failed", "jobId": SECOND, "failureReason": "RUN_FAILED"}
    counts = [{"key": "QUOTA#" + good["ownerId"], "activeJobs": 0}]
    return Aftermath([FIRST, SECOND], {FIRST: good, SECOND: bad}, runs, [letter], {"jobs": []}, counts)


def failing(left: Aftermath) -> set[str]:
    names = set()
    for check in CHECKS:
        try:
            check(left)
        except AssertionError:
            names.add(check.__name__)
    return names


def with_item(left: Aftermath, job: str, **changes: object) -> Aftermath:
    return replace(left, items={**left.items, job: {**copy.deepcopy(left.items[job]), **changes}})


AT_REST = checks.what_holds_at_rest_in_the_simulation_holds_here.__name__


def test_what_ended_well_passes_every_check():
    assert failing(ended_well()) == set()


@pytest.mark.parametrize(
    ("spoil", "noticed_by"),
    [
        (lambda left: replace(left, acknowledged=[job_id(3)]), "every_acknowledged_job_is_stored_and_has_ended"),
        (lambda left: with_item(left, FIRST, status="RUNNING"), "every_acknowledged_job_is_stored_and_has_ended"),
        (lambda left: replace(left, runs=left.runs[1:]), "every_attempt_has_one_run"),
        (lambda left: replace(left, runs=[*left.runs, run(f"{SECOND}.1", 5, 6)]), "every_attempt_has_one_run"),
        (lambda left: replace(left, runs=[*left.runs, run(f"{job_id(9)}.1", 5, 6)]), "every_run_belongs_to_a_job"),
        (
            lambda left: replace(left, runs=[{**left.runs[0], "ended_ms": 4}, *left.runs[1:]]),
            "no_job_had_two_live_runs_at_a_time",
        ),
        (
            lambda left: replace(left, letters=[*left.letters, {"body": "{"}]),
            "the_dead_letter_queue_holds_nothing_but_failed_jobs",
        ),
        (
            lambda left: replace(left, counts=[{**left.counts[0], "activeJobs": 1}]),
            "no_job_is_counted_as_active_any_more",
        ),
        (lambda left: replace(left, letters=[]), AT_REST),
        (lambda left: replace(left, queues={"jobs": ["{}"]}), AT_REST),
        (lambda left: with_item(left, FIRST, dueAt=1, dueShard="00"), AT_REST),
        (lambda left: with_item(left, FIRST, history=left.items[FIRST]["history"][::2]), AT_REST),
        (lambda left: with_item(left, FIRST, runId=f"run-{FIRST}.1"), AT_REST),
    ],
)
def test_a_fault_is_noticed_by_the_check_that_is_for_it(spoil: Callable[[Aftermath], Aftermath], noticed_by: str):
    assert noticed_by in failing(spoil(ended_well()))
