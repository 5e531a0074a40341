"""What must hold of the records when all is over: the simulation's own checks, and those that need a whole history.

Items are as the jobs table keeps them; a run has `run_id`, `name`, `state`, `created_ms` and `ended_ms`, as the
EMR Serverless service keeps it; a dead letter is its body.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cli.client import Record
from tests.simulation.invariants import RunRecord, check_at_rest, i15_active_jobs_are_counted_to_the_unit


@dataclass(frozen=True)
class Aftermath:
    """All that is left when everything came to rest."""

    acknowledged: Collection[str]
    items: Mapping[str, Record]
    runs: Sequence[Record]
    letters: Sequence[Record]
    queues: Mapping[str, Sequence[str]]
    # What the owners' items count.
    counts: Sequence[Record]


def job_of(run: Record) -> str:
    """The job that a run's name belongs to."""
    return run["name"].partition(".")[0]


def every_acknowledged_job_is_stored_and_has_ended(left: Aftermath) -> None:
    lost = [job_id for job_id in left.acknowledged if job_id not in left.items]
    going_on = [item for item in left.items.values() if item["status"] not in ("SUCCEEDED", "FAILED")]
    assert (lost, going_on) == ([], [])


def what_holds_at_rest_in_the_simulation_holds_here(left: Aftermath) -> None:
    runs = [RunRecord(run["run_id"], run["name"], run["state"], run["created_ms"]) for run in left.runs]
    check_at_rest(left.items.values(), runs, left.letters, left.queues)


def every_attempt_has_one_run(left: Aftermath) -> None:
    wrong = {}
    for job_id, item in left.items.items():
        # An attempt that was meant to start but was cancelled before has none; its job records none.
        attempts = item["attempt"] if "runId" in item else item["attempt"] - 1
        wanted = [f"{job_id}.{attempt}" for attempt in range(1, attempts + 1)]
        begun = sorted(run["name"] for run in left.runs if job_of(run) == job_id)
        if begun != sorted(wanted):
            wrong[job_id] = begun, wanted
    assert wrong == {}


def every_run_belongs_to_a_job(left: Aftermath) -> None:
    assert [run["name"] for run in left.runs if job_of(run) not in left.items] == []


def no_job_had_two_live_runs_at_a_time(left: Aftermath) -> None:
    by_job = defaultdict(list)
    for run in sorted(left.runs, key=lambda run: run["created_ms"]):
        by_job[job_of(run)].append(run)
    overlapping = [
        (earlier["name"], later["name"])
        for runs in by_job.values()
        for earlier, later in pairwise(runs)
        if earlier["ended_ms"] is None or earlier["ended_ms"] > later["created_ms"]
    ]
    assert overlapping == []


def the_dead_letter_queue_holds_nothing_but_failed_jobs(left: Aftermath) -> None:
    assert [letter for letter in left.letters if letter.get("envelope") != "job-failed"] == []


def no_job_is_counted_as_active_any_more(left: Aftermath) -> None:
    for counts in left.counts:
        own = [item for item in left.items.values() if counts["key"] == f"QUOTA#{item['ownerId']}"]
        i15_active_jobs_are_counted_to_the_unit(counts, own)


CHECKS: tuple[Callable[[Aftermath], None], ...] = (
    every_acknowledged_job_is_stored_and_has_ended,
    what_holds_at_rest_in_the_simulation_holds_here,
    every_attempt_has_one_run,
    every_run_belongs_to_a_job,
    no_job_had_two_live_runs_at_a_time,
    the_dead_letter_queue_holds_nothing_but_failed_jobs,
    no_job_is_counted_as_active_any_more,
)
