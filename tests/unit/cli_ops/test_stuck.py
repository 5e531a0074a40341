"""Jobs that are overdue, since when and why."""

from datetime import timedelta

import pytest

from shared.errors import StoreUnavailable
from shared.stuck_jobs import phase_of, stuck_jobs, waits_for
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, job_id, starting_job, submitted_job, tracking_job
from tests.fakes.seam import no_answer
from tests.unit.cli_ops.operations import Ops

MARGIN = timedelta(seconds=300)


@pytest.mark.parametrize(
    ("job", "phase", "reason"),
    [
        (submitted_job(), "submitted", "It waits for a worker, or for a permit to start its first run."),
        (idle_job(), "between attempts", "It waits for a worker, or for a permit to start attempt 2."),
        (starting_job(), "starting", f"A worker has to find out whether run {job_id()}.1 began."),
        (tracking_job(), "tracking", "A worker has to look at run run-1."),
        (tracking_job(cancel_requested_at=NOON), "tracking", "Its cancellation was asked for; a worker has to end it."),
        (
            ended_job(JobStatus.FAILED, dlq_pending=True, duty_tries=4),
            "failed",
            "Its dead letter is owed; 4 tries failed.",
        ),
        (ended_job(scan_pending=True, duty_tries=2), "succeeded", "What its scan found is owed; 2 tries failed."),
        (
            ended_job(bill_pending=True, bill_tries=2),
            "succeeded",
            "What its runs cost is not known; EMR Serverless was asked 2 times.",
        ),
    ],
)
def test_what_a_job_waits_for_follows_from_its_phase(job, phase, reason):
    assert (phase_of(job), waits_for(job)) == (phase, reason)


@pytest.mark.parametrize(("seconds", "is_stuck"), [(299, False), (300, True), (301, True)])
def test_a_job_is_stuck_when_it_is_overdue_by_the_margin(seconds, is_stuck):
    ops = Ops()
    ops.store.create(tracking_job(due_at=NOON))
    ops.clock.forward(seconds)

    found = stuck_jobs(ops.store, ops.clock(), MARGIN)

    assert [stuck.due_at for stuck in found] == ([NOON] if is_stuck else [])


def test_the_longest_overdue_comes_first_and_what_cannot_be_read_before_all():
    ops = Ops()
    for number, minutes in ((1, 20), (2, 40), (3, 30), (4, 10)):
        ops.store.create(tracking_job(number=number, due_at=NOON - timedelta(minutes=minutes)))
    ops.world.item(tracking_job(number=4))["spec"] = None

    found = stuck_jobs(ops.store, NOON, MARGIN)

    assert [stuck.job_id for stuck in found] == [job_id(4), job_id(2), job_id(3), job_id(1)]
    assert found[0].waits_for.startswith("Every worker sets it aside: Job ")
    assert found[0].job is None


def test_the_index_only_nominates():
    ops = Ops()
    ops.store.create(tracking_job(number=1, due_at=NOON - timedelta(hours=1)))
    ops.store.create(tracking_job(number=2, due_at=NOON - timedelta(hours=1)))
    table = ops.settings.jobs_table

    def somebody_acts(operation, arguments):
        if operation != "get_item":
            return
        if arguments["Key"]["jobId"]["S"] == job_id(1):
            ops.world.dynamodb.items(table).pop(job_id(1))
        else:
            ops.world.dynamodb.items(table)[job_id(2)]["dueAt"] += 7_200_000

    ops.seam.before = somebody_acts

    assert stuck_jobs(ops.store, NOON, MARGIN) == []


def test_without_dynamodb_nothing_is_said_to_be_well():
    ops = Ops()
    ops.seam.fail_before("query", no_answer())

    with pytest.raises(StoreUnavailable):
        stuck_jobs(ops.store, NOON, MARGIN)
