"""The jobs table: DynamoDB behind our words. All that knows its expressions, its types and its errors."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from shared import tracing
from shared.dynamodb import (
    Verdict,
    from_dynamodb,
    read_batch,
    store_errors,
    to_dynamodb,
    wait_a_little,
    write_all,
    write_one,
)
from shared.errors import JobNotFound, StoredJobUnreadable
from shared.job_metrics import count_change
from shared.limits.quota_items import Counted, counting_job, freeing_job, store_counted
from shared.limits.quotas import Quota
from shared.models import STATUS_SHARDS, Item, Job, job_from_item, job_to_item
from shared.moments import epoch_ms
from shared.transitions import JobStatus, JobStatusTransitionValidator, sources_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = structlog.get_logger()

STATUS_PAGE = 1000
ONE_JOB: Mapping[Quota, int] = {Quota.ACTIVE_JOBS: 1, Quota.SUBMISSIONS: 1}


@dataclass(frozen=True)
class Won:
    """The write was made, or had been made already by this very call whose answer was lost."""

    job: Job


@dataclass(frozen=True)
class Refused:
    """Somebody else wrote first: `job` is what is stored now, or None if nothing is."""

    job: Job | None


class JobStore:
    """Reads jobs consistently and writes each change under a condition on the image that it was decided on.

    A job is counted for its owner in the transaction that stores it, and no longer in the one that ends it.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        control_table: str,
        validator: JobStatusTransitionValidator,
        new_rev: Callable[[], str] = lambda: str(uuid.uuid4()),
        pause: Callable[[int], None] = wait_a_little,
    ) -> None:
        """`pause(n)` waits a little after the n-th time that another transaction was in the way."""
        self._client = client
        self._table = table
        self._control_table = control_table
        self._validator = validator
        self._new_rev = new_rev
        self._pause = pause

    def create(self, job: Job, limits: Mapping[Quota, int] | None = None) -> Won | Refused:
        """Store a new job, if its owner may have one more. Refused holds the job that has its id already.

        It is part of the trace in which it is stored. Without `limits` it is counted, but not refused.
        Raises: QuotaExceeded, StoreUnavailable.
        """
        job = replace(job, rev=self._new_rev(), traceparent=tracing.carried())
        put: Item = {
            "TableName": self._table,
            "Item": to_dynamodb(job_to_item(job)),
            "ConditionExpression": "attribute_not_exists(jobId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        counting = counting_job(self._control_table, job.owner_id, limits, job.created_at)
        counted = Counted(job.owner_id, ONE_JOB, limits, job.created_at)
        refused = store_counted(self._client, put, counting, counted, self._pause)
        return _counted(None, Won(job) if refused is None else _refusal(refused, job))

    def update(self, seen: Job, wanted: Job) -> Won | Refused:
        """Change `seen` into `wanted`, if `seen` is still what is stored.

        Raises: InvalidTransition before anything is sent; StoreUnavailable.
        """
        if wanted.status is not seen.status:
            self._validator.validate(seen.status, wanted.status)
        wanted = replace(wanted, rev=self._new_rev())
        before, after = job_to_item(seen), job_to_item(wanted)
        change = update_request(before, after, _statuses_to_leave(seen.status, wanted.status))
        refused = self._write({"TableName": self._table, **change}, seen, wanted)
        return _counted(seen, Won(wanted) if refused is None else _refusal(refused, wanted))

    def _write(self, request: Item, seen: Job, wanted: Job) -> Verdict | None:
        """None if the update was made; else what was in its way."""
        if wanted.status.is_terminal and not seen.status.is_terminal:
            writes = [{"Update": request}, freeing_job(self._control_table, seen.owner_id)]
            return next(iter(write_all(self._client, writes, self._pause)), None)
        return write_one(self._client.update_item, request, self._pause)

    def get(self, job_id: str) -> Job:
        """The job as it is stored now. Raises: JobNotFound, StoredJobUnreadable, StoreUnavailable."""
        with store_errors():
            answer = self._client.get_item(TableName=self._table, Key=_key(job_id), ConsistentRead=True)
        if "Item" not in answer:
            raise JobNotFound(f"There is no job {job_id}.")
        return job_from_item(from_dynamodb(answer["Item"]))

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """The jobs that exist among `job_ids`, in that order, as they are stored now.

        One that cannot be read is left out and logged: it must not hide the others. Raises: StoreUnavailable.
        """
        found: dict[str, Job] = {}
        for item in read_batch(self._client, self._table, [_key(job_id) for job_id in job_ids]):
            found |= _readable(item)
        return [found[job_id] for job_id in job_ids if job_id in found]

    def due_ids(self, shard: str, now: datetime, limit: int) -> list[str]:
        """Up to `limit` ids of one shard's jobs that are due, the longest due first. Raises: StoreUnavailable."""
        with store_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName="byDue",
                KeyConditionExpression="dueShard = :shard AND dueAt <= :now",
                ExpressionAttributeValues=to_dynamodb({":shard": shard, ":now": epoch_ms(now)}),
                Limit=limit,
            )
        return [row["jobId"]["S"] for row in answer["Items"]]

    def ids_of_status(self, status: JobStatus) -> Iterator[str]:
        """The ids of all jobs of a status, as the index knows them, page after page. Raises: StoreUnavailable."""
        for number in range(STATUS_SHARDS):
            request: Item = {
                "TableName": self._table,
                "IndexName": "byStatus",
                "KeyConditionExpression": "statusShard = :shard",
                "ExpressionAttributeValues": to_dynamodb({":shard": f"{status}#{number:02d}"}),
                "Limit": STATUS_PAGE,
            }
            while True:
                with store_errors():
                    answer = self._client.query(**request)
                yield from (row["jobId"]["S"] for row in answer["Items"])
                if not answer.get("LastEvaluatedKey"):
                    break
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def ping(self) -> None:
        """Return if the table can be read. Raises: StoreUnavailable."""
        with store_errors():
            self._client.get_item(TableName=self._table, Key=_key("ping"))


def _counted(before: Job | None, result: Won | Refused) -> Won | Refused:
    """The result of a write, counted here so that no caller can forget it."""
    if isinstance(result, Won):
        count_change(before, result.job)
    return result


def _refusal(refused: Verdict, wanted: Job) -> Won | Refused:
    if refused.item is None:
        return Refused(None)
    stored = job_from_item(refused.item)
    # The answer to our own write was lost and the SDK sent it again: what we find is what we wrote.
    return Won(stored) if stored.rev == wanted.rev else Refused(stored)


def _readable(item: Item) -> dict[str, Job]:
    try:
        job = job_from_item(item)
    except StoredJobUnreadable as error:
        log.error("stored_job_unreadable", job_id=item.get("jobId"), reason=error.detail)
        return {}
    return {job.job_id: job}


def _key(job_id: str) -> Any:
    return {"jobId": {"S": job_id}}


def _statuses_to_leave(current: JobStatus, target: JobStatus) -> list[JobStatus]:
    return [current] if current is target else sources_of(target)


def update_request(before: Item, after: Item, statuses: Sequence[JobStatus]) -> Item:
    """UpdateItem's arguments that turn one item into another, on condition of the first's `rev` and a legal status."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    removed = sorted(name for name in before if name not in after)
    names = {f"#{name}": name for name in (*changed, *removed, "rev", "status")}
    values = {f":{name}": value for name, value in changed.items()}
    values |= {f":from{number}": str(status) for number, status in enumerate(statuses)}
    values[":seen"] = before["rev"]
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
    if removed:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    allowed = ", ".join(f":from{number}" for number in range(len(statuses)))
    return {
        "Key": _key(before["jobId"]),
        "UpdateExpression": expression,
        "ConditionExpression": f"#rev = :seen AND #status IN ({allowed})",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_dynamodb(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
