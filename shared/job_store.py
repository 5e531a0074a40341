"""The jobs table: DynamoDB behind our words. All that knows its expressions, its types and its errors."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import structlog
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import JobNotFound, StoredJobUnreadable, StoreRefused, StoreUnavailable
from shared.models import STATUS_SHARDS, Item, Job, epoch_ms, job_from_item, job_to_item, owner_status_key
from shared.transitions import JobStatus, JobStatusTransitionValidator, sources_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = structlog.get_logger()

# BatchGetItem's own limit.
BATCH_GET_KEYS = 100
BATCH_GET_ROUNDS = 5
STATUS_PAGE = 1000

_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


@dataclass(frozen=True)
class Won:
    """The write was made, or had been made already by this very call whose answer was lost."""

    job: Job


@dataclass(frozen=True)
class Refused:
    """Somebody else wrote first: `job` is what is stored now, or None if nothing is."""

    job: Job | None


@dataclass(frozen=True)
class ListPage:
    """One page of job ids by creation, newest first; `last_key` is where the next begins, None at the end."""

    job_ids: tuple[str, ...]
    last_key: str | None


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate DynamoDB's errors; refused conditions are handled before."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            raise StoreRefused(f"DynamoDB refuses the request: {error}") from error
        raise StoreUnavailable(f"DynamoDB did not answer: {error}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"DynamoDB did not answer: {error}") from error


def to_dynamodb(item: Item) -> dict[str, Any]:
    """An item in DynamoDB's wire form."""
    return {name: _serializer.serialize(value) for name, value in item.items()}


def from_dynamodb(item: dict[str, Any]) -> Item:
    """An item from DynamoDB's wire form; all our numbers are whole."""
    return {name: _whole(_deserializer.deserialize(value)) for name, value in item.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _whole(entry) for name, entry in value.items()}
    return value


class JobStore:
    """Reads jobs consistently and writes each change under a condition on the image that it was decided on."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        validator: JobStatusTransitionValidator,
        new_rev: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._client = client
        self._table = table
        self._validator = validator
        self._new_rev = new_rev

    def create(self, job: Job) -> Won | Refused:
        """Store a new job. Refused holds the job that has its id already. Raises: StoreUnavailable."""
        job = replace(job, rev=self._new_rev())
        request: Item = {
            "TableName": self._table,
            "Item": to_dynamodb(job_to_item(job)),
            "ConditionExpression": "attribute_not_exists(jobId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return self._write(self._client.put_item, request, job)

    def update(self, seen: Job, wanted: Job) -> Won | Refused:
        """Change `seen` into `wanted`, if `seen` is still what is stored.

        Raises: InvalidTransition before anything is sent; StoreUnavailable.
        """
        if wanted.status is not seen.status:
            self._validator.validate(seen.status, wanted.status)
        wanted = replace(wanted, rev=self._new_rev())
        before, after = job_to_item(seen), job_to_item(wanted)
        request = update_request(before, after, _statuses_to_leave(seen.status, wanted.status))
        return self._write(self._client.update_item, {"TableName": self._table, **request}, wanted)

    def _write(self, call: Callable[..., Any], request: Item, wanted: Job) -> Won | Refused:
        with store_errors():
            try:
                call(**request)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                return self._refusal(error.response, wanted)
        return Won(wanted)

    def _refusal(self, response: Any, wanted: Job) -> Won | Refused:
        if "Item" not in response:
            return Refused(None)
        stored = job_from_item(from_dynamodb(response["Item"]))
        # The answer to our own write was lost and the SDK sent it again: what we find is what we wrote.
        return Won(stored) if stored.rev == wanted.rev else Refused(stored)

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
        for start in range(0, len(job_ids), BATCH_GET_KEYS):
            for item in self._batch_get(job_ids[start : start + BATCH_GET_KEYS]):
                found |= _readable(item)
        return [found[job_id] for job_id in job_ids if job_id in found]

    def _batch_get(self, job_ids: Sequence[str]) -> Iterator[Item]:
        wanted: Any = {self._table: {"Keys": [_key(job_id) for job_id in job_ids], "ConsistentRead": True}}
        for _ in range(BATCH_GET_ROUNDS):
            with store_errors():
                answer = self._client.batch_get_item(RequestItems=wanted)
            yield from map(from_dynamodb, answer["Responses"].get(self._table, []))
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return
        raise StoreUnavailable("DynamoDB left keys of a batch unread several times in a row.")

    def list_page(
        self, owner_id: str, status: JobStatus | None, limit: int, after: str | None, newest_first: bool = True
    ) -> ListPage:
        """Up to `limit` ids of an owner's jobs, beginning behind the sort key `after`. Raises: StoreUnavailable."""
        index, name, value = (
            ("byOwner", "ownerId", owner_id)
            if status is None
            else ("byOwnerStatus", "ownerStatus", owner_status_key(owner_id, status))
        )
        request: Item = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": f"{name} = :partition",
            "ExpressionAttributeValues": to_dynamodb({":partition": value}),
            "ScanIndexForward": not newest_first,
            "Limit": limit,
        }
        if after is not None:
            start = {name: value, "createdKey": after, "jobId": after.partition("#")[2]}
            request["ExclusiveStartKey"] = to_dynamodb(start)
        with store_errors():
            answer = self._client.query(**request)
        rows = [from_dynamodb(row) for row in answer["Items"]]
        more = bool(answer.get("LastEvaluatedKey")) and bool(rows)
        return ListPage(tuple(row["jobId"] for row in rows), rows[-1]["createdKey"] if more else None)

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
