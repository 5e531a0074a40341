"""What a page of a list costs, counted: the same with 1,000 jobs and with 200,000, of one owner and in the table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from shared.dynamodb import to_dynamodb
from shared.job_filter import JobFilter
from shared.job_lists import JobLists
from shared.job_store import JobStore
from shared.models import CREATED_SHARDS, STATUS_SHARDS, Item, job_to_item, owner_status_key, shard_of
from shared.moments import epoch_ms
from shared.settings import Settings
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.clock import NOON
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.jobs import job_id, submitted_job

SETTINGS = Settings()
FEW, MANY = 1_000, 200_000
# The fake looks at every item there is for each query: what it shows of our calls, it shows with fewer.
MANY_IN_MEMORY = 20_000
LIMIT = 20
# BatchWriteItem's own limit.
BATCH, LOADERS = 25, 4
STATUSES = list(JobStatus)
# Every tenth job has this tag. What differs between jobs comes round every 20 jobs, so that pages that begin alike at
# different places hold alike.
RARE = "rare=yes"


@dataclass(frozen=True)
class Cost:
    """What was asked of DynamoDB: queries, the rows that they looked at, batch reads, and the jobs that these read."""

    queries: int = 0
    rows: int = 0
    reads: int = 0
    jobs: int = 0
    # In read units, as DynamoDB Local counts them; the fake does not.
    units: float = 0


class Counting:
    """A client of DynamoDB, as far as lists need one, that counts."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asking = {} if isinstance(client, FakeDynamoDB) else {"ReturnConsumedCapacity": "TOTAL"}
        self.cost = Cost()

    def query(self, **request: Any) -> Any:
        """Query."""
        answer = self._client.query(**request, **self._asking)
        units = answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0)
        self._add(Cost(queries=1, rows=answer["ScannedCount"], units=units))
        return answer

    def batch_get_item(self, **request: Any) -> Any:
        """BatchGetItem."""
        answer = self._client.batch_get_item(**request, **self._asking)
        units = sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ()))
        self._add(Cost(reads=1, jobs=sum(len(each["Keys"]) for each in request["RequestItems"].values()), units=units))
        return answer

    def _add(self, more: Cost) -> None:
        known = self.cost
        self.cost = Cost(
            known.queries + more.queries,
            known.rows + more.rows,
            known.reads + more.reads,
            known.jobs + more.jobs,
            known.units + more.units,
        )


class Table:
    """A table of the template's making for one owner's many jobs, a second apart."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.name, self.owner_id, self.size = f"jobs-{uuid4()}", "ann", 0
        if not isinstance(client, FakeDynamoDB):
            self._create()
        self._alike = {is_rare: self._bare_item(is_rare) for is_rare in (False, True)}

    def _bare_item(self, is_rare: bool) -> Item:
        """The item of a job with as little in it as can be read."""
        job = submitted_job(owner_id=self.owner_id, due_at=None, history=())
        tags = {"rare": "yes"} if is_rare else {"rare": "no"}
        request = replace(job.request, inputs=(), parameters={}, tags=tags)
        return job_to_item(replace(job, request=request, spec=replace(job.spec, job_driver={}, tags={})))

    def _create(self) -> None:
        model = self._client.describe_table(TableName=SETTINGS.jobs_table)["Table"]
        indexes = [
            {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
            for index in model["GlobalSecondaryIndexes"]
        ]
        self._client.create_table(
            TableName=self.name,
            KeySchema=model["KeySchema"],
            AttributeDefinitions=model["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=indexes,
        )

    def grow(self, size: int) -> None:
        """Have so many jobs, numbered from 1."""
        numbers = range(self.size + 1, size + 1)
        self.size = size
        if isinstance(self._client, FakeDynamoDB):
            self._client.items(self.name).update((job_id(number), self.item(number)) for number in numbers)
            return
        alike = {is_rare: to_dynamodb(item) for is_rare, item in self._alike.items()}  # once, not 200,000 times
        with ThreadPoolExecutor(LOADERS) as threads:
            for answer in threads.map(lambda some: self._put(alike, some), batches(numbers)):
                assert not answer["UnprocessedItems"]

    def _put(self, alike: dict[bool, Item], numbers: range) -> Any:
        items = [{**alike[is_rare(number)], **to_dynamodb(self.changing(number))} for number in numbers]
        return self._client.batch_write_item(
            RequestItems={self.name: [{"PutRequest": {"Item": each}} for each in items]}
        )

    def item(self, number: int) -> Item:
        """The item of a job."""
        return {**self._alike[is_rare(number)], **self.changing(number)}

    def changing(self, number: int) -> Item:
        """That part of the item in which jobs differ."""
        job, status, created_at = job_id(number), STATUSES[number % len(STATUSES)], self.created_ms(number)
        return {
            "jobId": job,
            "status": str(status),
            "createdAt": created_at,
            "createdKey": self.position(number),
            "createdShard": shard_of(job, CREATED_SHARDS),
            "ownerStatus": owner_status_key(self.owner_id, status),
            "statusShard": f"{status}#{shard_of(job, STATUS_SHARDS)}",
        }

    @staticmethod
    def created_ms(number: int) -> int:
        """When a job was submitted."""
        return epoch_ms(NOON) + number * 1000

    def position(self, number: int) -> str:
        """The position of a job."""
        return f"{self.created_ms(number):013d}#{job_id(number)}"

    def lists(self) -> dict[str, JobFilter]:
        """One list of each kind."""
        of_owner, middle = JobFilter(self.owner_id), self.size // 2
        some_time = replace(
            of_owner,
            created_from_ms=self.created_ms(middle - 200),
            created_until_ms=self.created_ms(middle + 200),
        )
        return {
            "all": of_owner,
            "one status": replace(of_owner, statuses=(JobStatus.FAILED,)),
            "two statuses": replace(of_owner, statuses=(JobStatus.SUBMITTED, JobStatus.FAILED)),
            "a tag": replace(of_owner, tags=(RARE,)),
            "a tag and two statuses": replace(
                of_owner, tags=(RARE,), statuses=(JobStatus.SUBMITTED, JobStatus.SUCCEEDED)
            ),
            "a range": some_time,
            "a range and a status": replace(some_time, statuses=(JobStatus.RUNNING,)),
            "all owners": replace(of_owner, owner_id=None),
            "all owners, one status": replace(of_owner, owner_id=None, statuses=(JobStatus.FAILED,)),
            "all owners, a tag": replace(of_owner, owner_id=None, tags=(RARE,)),
        }

    def costs(self) -> dict[str, Cost]:
        """What a first page and one in the middle cost of each list, in both orders."""
        return {
            f"{name}, {order}, {place}": self._cost(replace(wanted, newest_first=order == "newest"), after)
            for name, wanted in self.lists().items()
            for order in ("newest", "oldest")
            for place, after in (("first page", None), ("in the middle", self.position(self.size // 2)))
        }

    def _cost(self, wanted: JobFilter, after: str | None) -> Cost:
        counting: Any = Counting(self._client)
        store = JobStore(counting, self.name, SETTINGS.control_table, JobStatusTransitionValidator())
        page = JobLists(counting, self.name, store).page(wanted, LIMIT, after)
        assert len(page.jobs) == LIMIT
        assert page.next_position is not None
        cost: Cost = counting.cost
        return cost


def is_rare(number: int) -> bool:
    """Whether a job has the tag of few."""
    return number % 10 == 0


def batches(numbers: range) -> Iterator[range]:
    """Numbers in bunches as large as one call takes."""
    return (numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH))


@pytest.mark.timeout(900)  # most of it to put 200,000 items into DynamoDB Local
def test_a_page_costs_the_same_however_many_jobs_there_are(large_dynamodb: Any):
    table = Table(large_dynamodb)
    table.grow(FEW)
    with_few = table.costs()

    table.grow(MANY_IN_MEMORY if isinstance(large_dynamodb, FakeDynamoDB) else MANY)
    with_many = table.costs()

    for name, cost in with_many.items():
        print(f"{name:45} {cost}")
        few = with_few[name]
        assert (cost.reads, cost.jobs) == (few.reads, few.jobs) == (1, LIMIT), name
        if "all owners" not in name:
            assert (cost.queries, cost.rows) == (few.queries, few.rows), name
            assert abs(cost.units - few.units) <= 1, name
        else:  # which shard a job is in is a matter of chance: a shard more or less may be read again
            assert cost.queries <= 3 * STATUS_SHARDS, name
            assert 0.7 <= cost.rows / few.rows <= 1.4, name
