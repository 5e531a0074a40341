"""The stores and the queue against MiniStack, and the fakes against the same tests."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from local.deploy import make_client
from shared.contracts.contract_store import ContractEntry, ContractStore, ContractVersion
from shared.control_store import START_BUCKET, ControlStore
from shared.dynamodb import to_dynamodb
from shared.errors import InvalidTransition, JobNotFound, QueueUnavailable, QuotaExceeded, StoreUnavailable
from shared.job_queue import JobQueue
from shared.job_store import JobStore, Refused, Won
from shared.lifecycle import claimed, succeeded, waiting
from shared.limits.quota_items import QuotaStore, quota_key
from shared.limits.quotas import Quota
from shared.limits.rate_limit_table import SharedLimiter
from shared.limits.rate_limits import SECOND, Rate, RouteClass, microseconds
from shared.models import DUE_SHARDS, job_to_item, shard_of
from shared.moments import epoch_ms
from shared.settings import Settings
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.clock import NOON, Clock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.jobs import ended_job, starting_job, submitted_job
from tests.fakes.sqs import FakeSQS

SETTINGS = Settings()
STATUSES = list(JobStatus)
LEGAL = {("SUBMITTED", "RUNNING"), ("RUNNING", "SUCCEEDED"), ("RUNNING", "FAILED")}


class LaxValidator(JobStatusTransitionValidator):
    """Lets everything pass, to show that the store's own condition holds without it."""

    def validate(self, current: JobStatus, target: JobStatus) -> None:
        return


@dataclass(frozen=True)
class Parts:
    """What is under test, on one of the two."""

    dynamodb: Any
    sqs: Any

    def store(self, validator: JobStatusTransitionValidator | None = None) -> JobStore:
        return JobStore(
            self.dynamodb, SETTINGS.jobs_table, SETTINGS.control_table, validator or JobStatusTransitionValidator()
        )

    def limiter(self) -> SharedLimiter:
        return SharedLimiter(self.dynamodb, SETTINGS.control_table)

    def contracts(self) -> ContractStore:
        return ContractStore(self.dynamodb, SETTINGS.contracts_table)

    def queue(self, name: str = SETTINGS.jobs_queue) -> JobQueue:
        return JobQueue(self.sqs, self.sqs, name)

    def control(self, burst: int = 15) -> ControlStore:
        return ControlStore(self.dynamodb, SETTINGS.control_table, 0.0001, burst, lambda tries: None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes `parts` runs on each of them; on DynamoDB Local where it is at hand."""
    if "parts" in metafunc.fixturenames:
        also = ["dynamodb-local"] if metafunc.config.getoption("--dynamodb-local") else []
        metafunc.parametrize("parts", ["fake", "ministack", *also], indirect=True)


@pytest.fixture
def parts(request) -> Parts:
    if request.param == "fake":
        names = [SETTINGS.jobs_queue, SETTINGS.events_queue]
        return Parts(FakeDynamoDB(), FakeSQS(Clock(), names, SETTINGS.dead_letter_queue))
    environment = request.getfixturevalue("aws_cloud").environment
    sqs = make_client("sqs", environment)
    if request.param == "dynamodb-local":
        return Parts(request.getfixturevalue("dynamodb_local"), sqs)
    return Parts(make_client("dynamodb", environment), sqs)


def fresh(job):
    """The same job under an id and an owner of its own, so that tests may share a table."""
    return replace(job, job_id=str(uuid4()), owner_id=str(uuid4()))


def test_a_job_that_was_stored_is_read_back_as_it_was(parts):
    job = fresh(submitted_job())

    won = parts.store().create(job)

    assert isinstance(won, Won)
    assert parts.store().get(job.job_id) == won.job
    assert replace(won.job, rev=job.rev) == job


def test_the_same_id_is_stored_once_and_the_second_gets_the_first(parts):
    job = fresh(submitted_job())
    first = parts.store().create(job)

    second = parts.store().create(replace(job, request_digest="another"))

    assert second == Refused(first.job)


def test_a_job_that_was_never_stored_is_not_found(parts):
    with pytest.raises(JobNotFound):
        parts.store().get(str(uuid4()))


def test_a_change_removes_what_is_gone_and_keeps_what_it_does_not_know(parts):
    job = parts.store().create(fresh(starting_job())).job

    done = parts.store().update(job, succeeded(job, NOON, "worker", "Done.", NOON)).job

    stored = parts.store().get(job.job_id)
    assert stored == done
    assert (stored.intent_at, stored.due_at, stored.status) == (None, None, JobStatus.SUCCEEDED)


def test_only_the_first_of_two_writers_who_saw_the_same_wins(parts):
    seen = parts.store().create(fresh(submitted_job())).job

    first = parts.store().update(seen, claimed(seen, NOON, SETTINGS))
    second = parts.store().update(seen, claimed(seen, NOON, SETTINGS))

    assert isinstance(first, Won)
    assert second == Refused(first.job)


def test_a_change_of_a_job_that_is_gone_is_refused_with_nothing(parts):
    job = fresh(submitted_job())

    assert parts.store().update(job, waiting(job, NOON, NOON)) == Refused(None)


def test_of_many_writers_at_once_one_wins(parts):
    seen = parts.store().create(fresh(submitted_job())).job
    store = parts.store()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: store.update(seen, claimed(seen, NOON, SETTINGS)), range(8)))

    assert sum(isinstance(result, Won) for result in results) == 1


@pytest.mark.parametrize(("current", "target"), list(itertools.product(STATUSES, STATUSES)))
def test_every_pair_of_statuses_is_stored_only_if_it_is_legal(parts, current, target):
    job = parts.store().create(fresh(submitted_job(status=current))).job
    wanted = replace(job, status=target)

    if current is target:
        assert isinstance(parts.store().update(job, wanted), Won), "no change of status is no transition"
    elif (current, target) in LEGAL:
        assert parts.store().update(job, wanted).job.status is target
    else:
        with pytest.raises(InvalidTransition):
            parts.store().update(job, wanted)
        assert parts.store().get(job.job_id) == job


# No status leads to SUBMITTED, so no condition can be written for it: the validator alone refuses that.
CHANGES = [pair for pair in itertools.permutations(STATUSES, 2) if pair[1] is not JobStatus.SUBMITTED]


@pytest.mark.parametrize(("current", "target"), CHANGES)
def test_the_condition_of_the_write_holds_the_table_by_itself(parts, current, target):
    job = parts.store().create(fresh(submitted_job(status=current))).job

    result = parts.store(LaxValidator()).update(job, replace(job, status=target))

    assert isinstance(result, Won) is ((current, target) in LEGAL)


def test_many_jobs_are_read_in_the_order_asked_for_and_missing_ones_left_out(parts):
    jobs = [parts.store().create(fresh(submitted_job())).job for _ in range(120)]
    wanted = [job.job_id for job in reversed(jobs)]

    assert parts.store().get_many([*wanted, str(uuid4())]) == list(reversed(jobs))


def test_an_item_that_cannot_be_read_hides_no_other(parts):
    good, spoilt = (parts.store().create(fresh(submitted_job())).job for _ in range(2))
    item = {**job_to_item(spoilt), "history": "nonsense"}
    parts.dynamodb.put_item(TableName=SETTINGS.jobs_table, Item=to_dynamodb(item))

    assert parts.store().get_many([spoilt.job_id, good.job_id]) == [good]


def test_the_due_index_holds_what_is_due_and_nothing_that_ended(parts):
    due = fresh(submitted_job(due_at=NOON))
    later = fresh(submitted_job(due_at=NOON + timedelta(days=400)))
    for job in (due, later, fresh(ended_job())):
        parts.store().create(job)

    shard = shard_of(due.job_id, DUE_SHARDS)
    found = [i for n in range(DUE_SHARDS) for i in parts.store().due_ids(f"{n:02d}", NOON + timedelta(days=1), 1000)]

    assert due.job_id in found
    assert later.job_id not in found
    assert due.job_id in parts.store().due_ids(shard, NOON, 1000)


def test_a_bucket_of_five_gives_five_permits(parts):
    full = {"key": START_BUCKET, "milliTokens": 5000, "at": epoch_ms(NOON), "rev": str(uuid4())}
    parts.dynamodb.put_item(TableName=SETTINGS.control_table, Item=to_dynamodb(full))
    control = parts.control(burst=5)

    assert [control.take_start_permit(NOON) for _ in range(8)] == [True] * 5 + [False] * 3
    control.empty_start_bucket(NOON)
    assert not control.take_start_permit(NOON + timedelta(seconds=10))


LIMITS = {Quota.ACTIVE_JOBS: 5, Quota.SUBMISSIONS: 8, Quota.UPLOAD_BYTES: 1000, Quota.UPLOADS: 3}


def used(parts: Parts, owner_id: str, now=NOON) -> dict[Quota, int]:
    return dict(QuotaStore(parts.dynamodb, SETTINGS.control_table).usage(owner_id, now).used)


def create(parts: Parts, owner_id: str, at=NOON) -> Won | Refused | None:
    """A job of the owner; None where the quota refuses it."""
    job = replace(fresh(submitted_job(at=at)), owner_id=owner_id)
    try:
        return parts.store().create(job, LIMITS)
    except QuotaExceeded:
        return None


def end(parts: Parts, job) -> None:
    running = parts.store().update(job, claimed(job, NOON, SETTINGS)).job
    parts.store().update(running, succeeded(running, NOON, "worker", "Done.", NOON))


def test_jobs_are_counted_while_they_have_not_ended_and_submissions_all_day(parts):
    owner = str(uuid4())
    jobs = [create(parts, owner).job for _ in range(5)]

    assert create(parts, owner) is None
    for job in jobs[:3]:
        end(parts, job)

    assert (used(parts, owner)[Quota.ACTIVE_JOBS], used(parts, owner)[Quota.SUBMISSIONS]) == (2, 5)
    assert [isinstance(create(parts, owner), Won) for _ in range(4)] == [True, True, True, False]
    assert used(parts, owner)[Quota.SUBMISSIONS] == 8
    tomorrow = NOON + timedelta(days=1)
    assert create(parts, owner, tomorrow) is None, "the day is new, and the five active jobs are not over"
    end(parts, jobs[3])
    assert isinstance(create(parts, owner, tomorrow), Won)
    assert used(parts, owner, tomorrow)[Quota.SUBMISSIONS] == 1


def test_of_many_creates_at_once_as_many_are_stored_as_there_is_room(parts):
    owner = str(uuid4())

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: create(parts, owner), range(40)))

    assert sum(result is not None for result in results) == 5
    assert (used(parts, owner)[Quota.ACTIVE_JOBS], used(parts, owner)[Quota.SUBMISSIONS]) == (5, 5)


def test_of_many_creates_of_one_id_at_once_one_is_stored_and_counted(parts):
    job = replace(fresh(submitted_job()), owner_id=str(uuid4()))
    store = parts.store()

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: store.create(job, LIMITS), range(30)))

    assert sum(isinstance(result, Won) for result in results) == 1
    assert used(parts, job.owner_id)[Quota.ACTIVE_JOBS] == 1


def test_jobs_that_end_at_the_same_moment_are_each_counted_off_once(parts):
    owner = str(uuid4())
    jobs = [create(parts, owner).job for _ in range(5)]

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda job: end(parts, job) if parts.store().get(job.job_id).rev == job.rev else None, jobs))

    assert used(parts, owner)[Quota.ACTIVE_JOBS] == 0


def test_of_two_that_end_a_job_one_counts_it_off(parts):
    owner = str(uuid4())
    first, _other = (create(parts, owner).job for _ in range(2))
    running = parts.store().update(first, claimed(first, NOON, SETTINGS)).job
    ended = succeeded(running, NOON, "worker", "Done.", NOON)

    results = [parts.store().update(running, ended) for _ in range(2)]

    assert [isinstance(result, Won) for result in results] == [True, False]
    assert used(parts, owner)[Quota.ACTIVE_JOBS] == 1


def test_a_job_whose_owner_has_no_counts_ends_all_the_same(parts):
    job = create(parts, str(uuid4())).job
    parts.dynamodb.put_item(TableName=SETTINGS.control_table, Item=quota_key(job.owner_id))

    end(parts, job)

    assert parts.store().get(job.job_id).status is JobStatus.SUCCEEDED


def test_a_callback_message_is_remembered_once(parts):
    message_id = str(uuid4())

    assert parts.control().remember_message(message_id, NOON, timedelta(minutes=10))
    assert not parts.control().remember_message(message_id, NOON, timedelta(minutes=10))


# One a second, five at once; a window long enough that no real clock matters.
RATE = Rate(RouteClass.WRITES, per_second=1, burst=5)
T0 = microseconds(NOON)


def test_processes_share_a_bucket_that_grows_back(parts):
    owner, first, second = str(uuid4()), parts.limiter(), parts.limiter()

    passed = [limiter.spend(RATE, owner, T0).is_allowed for limiter in (first, second) * 3]
    later = [limiter.spend(RATE, owner, T0 + SECOND).is_allowed for limiter in (second, first)]
    full_again = [first.spend(RATE, owner, T0 + 60 * SECOND).remaining for _ in range(2)]

    assert passed == [True] * 5 + [False]
    assert later == [True, False]
    assert full_again == [4, 3]


def test_what_is_left_is_counted_over_all_processes(parts):
    owner, first, second = str(uuid4()), parts.limiter(), parts.limiter()

    left = [limiter.spend(RATE, owner, T0).remaining for limiter in (first, second) * 2]
    refused = [limiter.spend(RATE, owner, T0) for limiter in (first, second)]

    assert left == [4, 3, 2, 1]
    assert [spent.is_allowed for spent in refused] == [True, False]
    assert refused[1].retry_in_seconds == 1


def test_of_many_requests_at_once_the_burst_passes(parts):
    owner, limiters = str(uuid4()), [parts.limiter() for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(lambda number: limiters[number % 4].spend(RATE, owner, T0), range(40)))

    assert sum(each.is_allowed for each in spent) == 5


def drain(queue: JobQueue) -> list:
    messages = queue.receive(10, 0, 30)
    queue.delete(messages)
    return messages


def test_a_sent_message_is_received_hidden_released_and_deleted(parts):
    queue = parts.queue()
    while drain(queue):
        pass
    queue.send({"kind": "job", "jobId": "ä"}, {"correlationId": "c-1"})

    (message,) = queue.receive(1, 0, 30)
    assert message.body == '{"kind": "job", "jobId": "ä"}'
    assert queue.receive(1, 0, 30) == []
    queue.release([message])
    (again,) = queue.receive(1, 0, 30)
    queue.delete([again])
    assert queue.receive(1, 0, 30) == []
    queue.delete([])
    queue.release([])


def test_many_messages_are_sent_and_none_is_left(parts):
    queue = parts.queue()
    while drain(queue):
        pass

    left = queue.send_all([{"number": number} for number in range(23)], {"correlationId": "c-1"})

    received = []
    while messages := drain(queue):
        received += [json.loads(message.body)["number"] for message in messages]
    assert (left, sorted(received)) == ([], list(range(23)))


def test_messages_to_a_queue_that_does_not_exist_are_all_left(parts):
    assert parts.queue("no-such-queue").send_all([{}] * 12, {}) == list(range(12))


def test_a_queue_that_does_not_exist_is_unavailable(parts):
    with pytest.raises(QueueUnavailable):
        parts.queue("no-such-queue").send({})


def test_a_store_that_cannot_be_reached_says_so():
    client = boto3.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=boto3.session.Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    store = JobStore(client, SETTINGS.jobs_table, SETTINGS.control_table, JobStatusTransitionValidator())

    with pytest.raises(StoreUnavailable):
        store.get("x")
    with pytest.raises(StoreUnavailable):
        store.create(submitted_job())


def test_the_item_is_what_the_indexes_need(parts):
    job = fresh(submitted_job())

    assert {"createdKey", "ownerStatus", "statusShard", "dueAt", "dueShard"} <= set(job_to_item(job))


# --- Contracts -------------------------------------------------------------------------------------------------------

VERSION = ContractVersion("ab" * 32, "s3://artifacts/contracts/flights/1.0.0.json", NOON, "ann")


def test_a_contract_is_read_as_it_was_saved(parts):
    entry = ContractEntry(f"c{uuid4()}", "ann").with_version("1.0.0", VERSION)

    assert parts.contracts().save(entry)

    found = parts.contracts().get(entry.name)
    assert replace(found, rev="") == entry
    assert parts.contracts().get(f"c{uuid4()}") is None


def test_a_contract_is_saved_only_as_it_was_read(parts):
    contracts, new = parts.contracts(), ContractEntry(f"c{uuid4()}", "ann").with_version("1.0.0", VERSION)
    assert contracts.save(new)
    read = contracts.get(new.name)

    assert not contracts.save(new)
    assert contracts.save(read.with_version("1.1.0", VERSION))
    assert not contracts.save(read.with_version("1.2.0", VERSION))
    assert sorted(contracts.get(new.name).versions) == ["1.0.0", "1.1.0"]


def test_contracts_are_listed_once_each_page_by_page(parts):
    names = {f"c{uuid4()}" for _ in range(5)}
    for name in names:
        parts.contracts().save(ContractEntry(name, "ann").with_version("1.0.0", VERSION))

    found, after = [], None
    while True:
        page = parts.contracts().page(2, after)
        found += [entry.name for entry in page.entries]
        after = page.last_name
        if after is None:
            break

    assert names <= set(found)
    assert len(found) == len(set(found))
