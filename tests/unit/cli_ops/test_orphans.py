"""Runs that no job owns, and jobs whose run is gone."""

from datetime import timedelta

import pytest

from shared.errors import SparkUnavailable
from shared.models import Job
from shared.orphans import SETTLED, Fault, Finding, Search, find_orphans, mend
from shared.spark_runner import Absence
from tests.fakes.clock import NOON
from tests.fakes.emr import FakeRun, runs_for
from tests.fakes.jobs import ended_job, idle_job, job_id, starting_job, submitted_job, tracking_job
from tests.fakes.seam import aws_error, no_answer
from tests.unit.cli_ops.operations import Ops

LONG_AGO = NOON - timedelta(hours=1)


def search_of(ops: Ops) -> Search:
    return Search(
        ops.store, ops.runner, "00app", ops.clock, timedelta(seconds=300), pause=lambda: ops.pauses.append(1.0)
    )


def start(ops: Ops, name: str) -> FakeRun:
    """A run that goes on for a day."""
    ops.emr.plans[name] = runs_for(86400)
    run_id = ops.emr.start_job_run(clientToken=name, name=name, applicationId="00app")["jobRunId"]
    return ops.emr.runs[run_id]


def faults(ops: Ops) -> list[Fault]:
    return [finding.fault for finding in find_orphans(search_of(ops))]


def with_run(ops: Ops, job: Job) -> FakeRun:
    """A live run of the job's present attempt, and the job in the table."""
    run = start(ops, job.run_name)
    ops.store.create(job)
    return run


@pytest.mark.parametrize(
    ("job", "found"),
    [
        (ended_job(finished_at=LONG_AGO), [Fault.JOB_IS_OVER]),
        (ended_job(finished_at=NOON - timedelta(seconds=300)), [Fault.JOB_IS_OVER]),
        (ended_job(finished_at=NOON - timedelta(seconds=299)), []),
        (ended_job(), []),
        (starting_job(), []),
        (idle_job(), []),
        (submitted_job(), []),
        (tracking_job(run_id="0000000000000001"), []),
        (tracking_job(run_id="another"), [Fault.SECOND_RUN, Fault.RUN_IS_GONE]),
    ],
)
def test_a_live_run_is_an_orphan_if_its_job_has_ended_for_a_while(job, found):
    ops = Ops()
    with_run(ops, job)

    assert faults(ops) == found


def test_a_live_run_of_no_job_is_an_orphan_but_not_one_of_somebody_elses_name():
    ops = Ops()
    start(ops, f"{job_id()}.1")
    start(ops, "nightly-report")
    start(ops, f"{job_id(2)}.one")

    assert faults(ops) == [Fault.NO_JOB]


def test_a_run_that_has_ended_is_no_orphan():
    ops = Ops()
    start(ops, f"{job_id()}.1")
    ops.clock.forward(86401)

    assert faults(ops) == []


def test_all_pages_are_read_with_a_pause_between_two():
    ops = Ops()
    for number in range(1, 8):
        start(ops, f"{job_id(number)}.1")

    assert faults(ops) == [Fault.NO_JOB] * 7
    assert len(ops.pauses) == 2


def test_a_list_that_is_cut_short_is_no_list():
    ops = Ops()
    for number in range(1, 8):
        start(ops, f"{job_id(number)}.1")
    ops.seam.before = lambda operation, arguments: fail_second_page(arguments)

    def fail_second_page(arguments):
        if "nextToken" in arguments:
            raise aws_error("ListJobRuns", "ThrottlingException")

    with pytest.raises(SparkUnavailable):
        faults(ops)


def test_a_job_whose_run_emr_does_not_know_is_found_and_one_whose_run_just_ended_is_not():
    ops = Ops()
    ops.store.create(tracking_job(number=1, run_id="gone"))
    ended = start(ops, f"{job_id(2)}.1")
    ops.store.create(tracking_job(number=2, run_id=ended.run_id))
    ops.clock.forward(86401)

    (finding,) = find_orphans(search_of(ops))

    assert (finding.fault, finding.job.job_id) == (Fault.RUN_IS_GONE, job_id(1))


@pytest.mark.parametrize(("has_run", "count"), [(True, 2), (False, 1)])
def test_a_job_that_cannot_be_read_is_shown_and_hides_nothing(has_run, count):
    ops = Ops()
    job = tracking_job(run_id="0000000000000001")
    ops.store.create(job)
    if has_run:
        start(ops, job.run_name)
    ops.world.item(job)["history"] = "none"
    start(ops, f"{job_id(5)}.1")

    assert sorted(faults(ops)) == sorted([Fault.UNREADABLE] * count + [Fault.NO_JOB])


def test_a_job_that_the_index_still_shows_but_that_is_gone_is_nothing():
    ops = Ops()
    job = tracking_job(run_id="gone")
    ops.store.create(job)
    ops.seam.before = lambda operation, arguments: (
        ops.world.dynamodb.items(ops.settings.jobs_table).clear() if operation == "get_item" else None
    )

    assert faults(ops) == []


def mend_all(ops: Ops) -> list[str | None]:
    return [mend(search_of(ops), finding) for finding in find_orphans(search_of(ops))]


@pytest.mark.parametrize("job", [ended_job(finished_at=LONG_AGO), None])
def test_mending_cancels_the_orphan(job):
    ops = Ops()
    run = start(ops, f"{job_id()}.1")
    if job is not None:
        ops.store.create(job)

    assert mend_all(ops) == [f"Run {run.run_id} was told to end."]

    assert ops.emr.state_of(run) == "CANCELLING"
    ops.clock.forward(10)
    assert faults(ops) == []


def test_mending_makes_the_job_due_whose_run_is_gone_and_a_worker_decides():
    ops = Ops()
    ops.store.create(tracking_job(run_id="gone", due_at=NOON + timedelta(hours=1)))

    assert mend_all(ops) == [f"Job {job_id()} is due now; a worker decides."]

    assert ops.store.get(job_id()).due_at == NOON


def test_nobody_but_a_person_decides_about_a_second_run():
    ops = Ops()
    first = start(ops, "first")
    second = with_run(ops, tracking_job(run_id=first.run_id))

    (finding,) = find_orphans(search_of(ops))

    assert finding.fault is Fault.SECOND_RUN
    assert mend(search_of(ops), finding) is None
    assert ops.emr.state_of(second) != "CANCELLING"


def test_what_was_settled_meanwhile_is_left_alone():
    ops = Ops()
    run = start(ops, f"{job_id()}.1")
    ops.store.create(tracking_job(number=2, run_id="gone"))
    findings = find_orphans(search_of(ops))
    ops.clock.forward(86401)
    job = ops.store.get(job_id(2))
    ops.world.dynamodb.items(ops.settings.jobs_table).clear()
    ops.store.create(idle_job(number=2))

    assert [mend(search_of(ops), finding) for finding in findings] == [SETTLED, SETTLED]
    assert run.cancelled_at is None
    assert job.run_id == "gone"


def test_a_run_that_is_no_orphan_any_more_is_not_cancelled():
    ops = Ops()
    run = start(ops, f"{job_id()}.1")
    (finding,) = find_orphans(search_of(ops))
    ops.store.create(tracking_job(run_id=run.run_id))

    assert mend(search_of(ops), finding) == SETTLED
    assert mend(search_of(ops), Finding(Fault.JOB_IS_OVER, "", finding.run)) == SETTLED
    assert run.cancelled_at is None


def test_while_emr_does_not_answer_nothing_is_judged():
    ops = Ops()
    ops.store.create(tracking_job(run_id="gone"))
    ops.seam.fail_before("get_job_run", no_answer())

    with pytest.raises(SparkUnavailable):
        faults(ops)
    assert ops.runner.look("00app", "gone") is Absence.GONE
