"""What a job's record says of its cost."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from api.jobs.costs import job_cost
from shared.attempts import AttemptRecord, Outcome
from shared.bills import Bill, Usage
from shared.models import Job, job_from_item, job_to_item
from shared.settings import Settings
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, tracking_job
from tests.unit.api.service import Api

BILL = Bill(Usage(Decimal("0.5"), Decimal("2.25"), Decimal("0")), Decimal("0.039314"), "USD", "the list", "2026-08-13")
DEARER = replace(BILL, amount=Decimal("0.1"), as_of="2026-11-01")


def record(attempt: int = 1, bill: Bill | None = BILL, run_id: str | None = "run-1", **changes: Any) -> AttemptRecord:
    """An attempt that has ended."""
    return replace(AttemptRecord(attempt, Outcome.FAILED, NOON, NOON, run_id, bill=bill), **changes)


def ended(*records: AttemptRecord, **changes: Any) -> Job:
    """A job that has ended with these attempts."""
    return ended_job(attempts=records, **{"attempt": len(records), **changes})


@pytest.mark.parametrize(
    ("job", "amount", "is_complete"),
    [
        (ended(record()), 0.039314, True),
        (ended(record(), record(2, DEARER)), 0.139314, True),
        # What is not known is not in the sum, and it is said so.
        (ended(record(bill=None), record(2)), 0.039314, False),
        (tracking_job(attempts=(record(),)), 0.039314, False),
        # Refused before there was a run, or ended before any was begun: that costs nothing.
        (ended(record(bill=None, run_id=None)), 0.0, True),
        (ended(record(bill=None, run_id=None), record(2)), 0.039314, True),
        (ended(), 0.0, True),
    ],
)
def test_the_cost_of_a_job_is_the_sum_of_what_is_known(job: Job, amount: float, is_complete: bool):
    cost = job_cost(job, Settings())

    assert cost is not None
    assert (cost["amount"], cost["currency"], cost["isComplete"]) == (amount, "USD", is_complete)


@pytest.mark.parametrize(
    "job",
    [
        tracking_job(),
        ended(record(bill=None)),
        # It reported its success before its run was recorded, but had one.
        ended(record(bill=None, run_id=None, outcome=Outcome.SUCCEEDED)),
        # Of before attempts had records.
        ended(attempt=1),
        # Amounts of two currencies have no sum.
        ended(record(), record(2, replace(BILL, currency="EUR"))),
    ],
)
def test_nothing_is_said_where_nothing_is_known(job: Job):
    assert job_cost(job, Settings()) is None


def test_a_bill_survives_its_item():
    job = ended(record(), record(2, bill=None), bill_pending=True, bill_tries=3)

    item = job_to_item(job)

    assert job_from_item(item) == job
    assert "bill" not in item["attempts"][1]


def test_a_record_shows_each_attempt_by_the_prices_of_its_time(api: Api):
    api.store.create(ended(record(), record(2, DEARER, run_id="run-2"), status=JobStatus.SUCCEEDED))

    cost = api.get(f"/jobs/{ended().job_id}").get_json()["cost"]

    assert cost["attempts"][0] == {
        "attempt": 1,
        "runId": "run-1",
        "vcpuHours": 0.5,
        "memoryGbHours": 2.25,
        "storageGbHours": 0.0,
        "amount": 0.039314,
        "source": "the list",
        "asOf": "2026-08-13",
    }
    assert [(each["runId"], each["asOf"]) for each in cost["attempts"]] == [
        ("run-1", "2026-08-13"),
        ("run-2", "2026-11-01"),
    ]
