"""A job and its item are the same thing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.attempts import AttemptRecord, Outcome
from shared.delays import DelayCause, StartDelay
from shared.dynamodb import from_dynamodb, to_dynamodb
from shared.errors import StoredJobUnreadable
from shared.failure_cards import FailureCard, FailureClass
from shared.lifecycle import described
from shared.models import FailureReason, FailureReport, Progress, job_from_item, job_to_item
from shared.moments import epoch_ms, from_epoch_ms
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, idle_job, starting_job, submitted_job, tracking_job, with_bigger, with_limit

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "job",
    [
        submitted_job(),
        starting_job(cancel_requested_at=NOON),
        tracking_job(reported=FailureReport(1, "transient", NOON, "lost a worker")),
        tracking_job(progress=Progress(0, 7, NOON)),
        submitted_job(spec=replace(submitted_job().spec, callbacks_uri="s3://artifacts/callbacks/job-1/")),
        idle_job(),
        ended_job(),
        submitted_job(traceparent=f"00-{'a' * 32}-{'b' * 16}-03"),
        with_bigger(),
        with_limit(0.5, tracking_job(cost_limit_at=NOON, cost_warned_at=NOON)),
        with_limit(2, idle_job(attempts=(AttemptRecord(1, Outcome.FAILED, NOON, NOON, estimate=Decimal("0.01")),))),
        with_bigger(idle_job(went_bigger=True, attempts=(AttemptRecord(1, Outcome.FAILED, NOON, NOON, size="small"),))),
        idle_job(attempts=(AttemptRecord(1, Outcome.FAILED, NOON, NOON + timedelta(seconds=9), "run-1"),)),
        idle_job(attempts=(AttemptRecord(1, Outcome.FAILED, NOON, NOON),)),
        idle_job(attempts=(AttemptRecord(1, Outcome.FAILED, NOON, NOON, "run-1", FailureCard(FailureClass.LOST)),)),
        idle_job(delay=StartDelay(DelayCause.EMR_CAPACITY, NOON, NOON + timedelta(seconds=9))),
        tracking_job(run_state="QUEUED"),
        tracking_job(run_state="RUNNING", run_began_at=NOON),
        idle_job(attempts=(AttemptRecord(1, Outcome.FAILED, NOON, NOON, "run-1", run_began_at=NOON),)),
        ended_job(finished_at=NOON, scan_of="d1", scan_pending=True, keep_days=400, due_at=NOON),
        ended_job(JobStatus.FAILED, failure_reason=FailureReason.CAPACITY, dlq_pending=True, duty_tries=2, due_at=NOON),
    ],
)
def test_a_job_survives_the_way_to_dynamodb_and_back(job):
    assert job_from_item(from_dynamodb(to_dynamodb(job_to_item(job)))) == job


# How long it takes says nothing about the job, and depends on what else the machine does.
@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@given(st.dictionaries(st.text(max_size=10), json_values, max_size=4))
def test_any_parameters_survive_it_too(parameters):
    job = submitted_job()
    job = replace(job, request=replace(job.request, parameters=parameters))

    assert job_from_item(from_dynamodb(to_dynamodb(job_to_item(job)))) == job


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_keeps_its_milliseconds(milliseconds):
    assert epoch_ms(from_epoch_ms(milliseconds)) == milliseconds


def test_nothing_is_stored_for_what_is_absent():
    assert not [name for name, value in job_to_item(submitted_job()).items() if value is None]


@pytest.mark.parametrize(("due_at", "indexed"), [(NOON, True), (None, False)])
def test_a_job_is_in_the_due_index_only_while_it_is_owed_work(due_at, indexed):
    item = job_to_item(submitted_job(due_at=due_at))

    assert ("dueAt" in item, "dueShard" in item) == (indexed, indexed)


def test_an_item_of_the_next_version_is_read_past_what_it_added():
    job = submitted_job()

    assert job_from_item({**job_to_item(job), "schemaVersion": 2, "addedNext": "unknown here"}) == job


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"status": "LOST"}, "LOST"),
        ({"schemaVersion": 3}, "schemaVersion 3; this code reads 1 to 2"),
        ({"schemaVersion": 0}, "schemaVersion 0"),
        ({"schemaVersion": "1"}, "schemaVersion 1"),
        ({"schemaVersion": None}, "schemaVersion None"),
        ({"history": "nonsense"}, "cannot be read"),
        ({"request": {}}, "jobType"),
        ({"createdAt": "yesterday"}, "cannot be read"),
        ({"spec": None}, "cannot be read"),
    ],
)
def test_an_item_that_is_nonsense_is_refused_by_name(spoil, said):
    item = {**job_to_item(submitted_job()), **spoil}

    with pytest.raises(StoredJobUnreadable, match=said):
        job_from_item(item)


def test_the_history_is_bounded_and_keeps_its_first_entry():
    job = submitted_job()
    for minute in range(60):
        job = described(job, NOON + timedelta(minutes=minute), "worker", "x" * 300, job.status)

    assert len(job.history) == 50
    assert job.history[0].message == "Submitted."
    assert job.history[-1].at == NOON + timedelta(minutes=59)
    assert len(job.history[-1].message) == 256


def test_the_item_of_a_job_expires_days_after_its_end_and_before_that_never():
    ended = ended_job(finished_at=NOON, keep_days=400)

    assert job_to_item(ended)["expiresAt"] == NOON.timestamp() + 400 * 24 * 3600
    assert "expiresAt" not in job_to_item(tracking_job(keep_days=400))
    assert "expiresAt" not in job_to_item(ended_job(finished_at=NOON))
