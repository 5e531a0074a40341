"""The quotas' items in the control table, one for each owner, and the writes that count.

An item changes in the transaction that stores or ends what it counts. So `activeJobs` is the number of the owner's jobs
that have not ended, whatever crashes when. What is counted by the day begins anew with the day: the first write that
finds an older day in the item opens the new one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Counter

from shared.dynamodb import Verdict, from_dynamodb, store_errors, to_dynamodb, write_all, write_one
from shared.errors import QuotaExceeded, StoreUnavailable
from shared.limits.quotas import Quota, Usage, day_of, is_open, refuse_excess, usage_of
from shared.metrics import METRICS
from shared.models import Item
from shared.moments import epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REFUSALS = Counter(
    "cdp_quota_refusals_total", "Jobs and uploads refused since their owner has too many", ["quota"], registry=METRICS
)
DAY_IS_OPEN = "#day >= :day"
# Opening the day of an owner's counts, taking out what expired, or losing a race costs one more try each.
COUNT_TRIES = 4


def quota_key(owner_id: str) -> Item:
    """The key of an owner's item."""
    return {"key": {"S": f"QUOTA#{owner_id}"}}


@dataclass(frozen=True)
class Counted:
    """What is to be counted for an owner, and when; without limits it is counted whatever was used."""

    owner_id: str
    wanted: Mapping[Quota, int]
    limits: Mapping[Quota, int] | None
    at: datetime


class QuotaStore:
    """Reads what owners use."""

    def __init__(self, client: "DynamoDBClient", control_table: str) -> None:
        self._client = client
        self._table = control_table

    def usage(self, owner_id: str, now: datetime) -> Usage:
        """What an owner uses now. Raises: StoreUnavailable."""
        with store_errors():
            answer = self._client.get_item(TableName=self._table, Key=quota_key(owner_id), ConsistentRead=True)
        return usage_of(from_dynamodb(answer["Item"]) if "Item" in answer else None, now)


def counting_job(table: str, owner_id: str, limits: Mapping[Quota, int] | None, now: datetime) -> Item:
    """A transaction's write that counts one more job; without limits it counts whatever was used."""
    condition, values = DAY_IS_OPEN, {":day": day_of(now), ":one": 1}
    if limits is not None:
        condition += " AND #activeJobs < :activeJobs AND #submissionsToday < :submissionsToday"
        values |= {f":{quota}": limits[quota] for quota in (Quota.ACTIVE_JOBS, Quota.SUBMISSIONS)}
    names = ("day", Quota.ACTIVE_JOBS, Quota.SUBMISSIONS)
    update = "SET #activeJobs = #activeJobs + :one, #submissionsToday = #submissionsToday + :one"
    return _update(table, owner_id, update, names, values, condition)


def freeing_job(table: str, owner_id: str) -> Item:
    """A transaction's write that counts one job less: it has ended. Nothing about the item can refuse it."""
    return _update(table, owner_id, "ADD #activeJobs :less", (Quota.ACTIVE_JOBS,), {":less": -1})


def counting_upload(
    table: str,
    owner_id: str,
    dataset_id: str,
    size_bytes: int,
    expires_at: datetime,
    limits: Mapping[Quota, int],
    now: datetime,
) -> Item:
    """A transaction's write that counts one more open upload, and its bytes."""
    room_bytes = limits[Quota.UPLOAD_BYTES] - size_bytes
    return _update(
        table,
        owner_id,
        "SET #uploadBytesToday = #uploadBytesToday + :bytes, #openUploads.#dataset = :expiresAt",
        ("day", Quota.UPLOAD_BYTES, Quota.UPLOADS),
        {
            ":day": day_of(now),
            ":bytes": size_bytes,
            ":room": room_bytes,
            ":uploads": limits[Quota.UPLOADS],
            ":expiresAt": epoch_ms(expires_at),
        },
        f"{DAY_IS_OPEN} AND #uploadBytesToday <= :room AND size(#openUploads) < :uploads",
        dataset_id,
    )


def freeing_upload(table: str, owner_id: str, dataset_id: str) -> Item:
    """A transaction's write that counts one open upload less: it is complete, or given up.

    It is refused where the upload is not counted: it had expired and made room, or the table was restored. Without the
    condition DynamoDB would call the whole transaction invalid wherever the map is missing.
    """
    path = "#openUploads.#dataset"
    return _update(table, owner_id, f"REMOVE {path}", (Quota.UPLOADS,), {}, f"attribute_exists({path})", dataset_id)


def store_counted(
    client: "DynamoDBClient",
    put: Item,
    counting: Item,
    counted: Counted,
    pause: Callable[[int], None],
) -> Verdict | None:
    """Make a Put and the write that counts it, or neither; None if they were made, else what refused the Put itself.

    That the Put is refused wins over the quota: what is there already needs no room.
    Raises: QuotaExceeded, StoreUnavailable.
    """
    table, owner_id, now = counting["Update"]["TableName"], counted.owner_id, counted.at
    for _ in range(COUNT_TRIES):
        verdicts = write_all(client, [{"Put": put}, counting], pause)
        if not verdicts:
            return None
        stored, counts = verdicts
        if stored.is_refused:
            return stored
        if counted.limits is not None:
            _refuse_excess(usage_of(counts.item, now), counted.wanted, counted.limits, now)
        make_room(client, table, owner_id, counts.item, now)
    raise StoreUnavailable(f"The counts of {owner_id} were changed by others {COUNT_TRIES} times in a row.")


def _refuse_excess(usage: Usage, wanted: Mapping[Quota, int], limits: Mapping[Quota, int], now: datetime) -> None:
    try:
        refuse_excess(usage, wanted, limits, now)
    except QuotaExceeded as error:
        REFUSALS.labels(error.facts["quota"]["name"]).inc()
        raise


def make_room(client: "DynamoDBClient", table: str, owner_id: str, item: Item | None, now: datetime) -> bool:
    """Open the day in an owner's item, or take out uploads that have expired; False if there was neither to do.

    `item` is what refused a write. Raises: StoreUnavailable.
    """
    if item is None or not is_open(item, now):
        _open_day(client, table, owner_id, now)
        return True
    expired = [name for name, at in item.get(Quota.UPLOADS, {}).items() if at <= epoch_ms(now)]
    for name in expired:
        write_one(client.update_item, freeing_upload(table, owner_id, name)["Update"])
    return bool(expired)


def _open_day(client: "DynamoDBClient", table: str, owner_id: str, now: datetime) -> None:
    """Begin the day's counts; somebody else may have done it at the same moment."""
    fresh = "#day = :day, #submissionsToday = :none, #uploadBytesToday = :none"
    kept = "#activeJobs = if_not_exists(#activeJobs, :none), #openUploads = if_not_exists(#openUploads, :empty)"
    names = ("day", *(quota for quota in Quota))
    values = {":day": day_of(now), ":none": 0, ":empty": {}}
    condition = "attribute_not_exists(#day) OR #day < :day"
    write_one(client.update_item, _update(table, owner_id, f"SET {fresh}, {kept}", names, values, condition)["Update"])


def _update(
    table: str,
    owner_id: str,
    expression: str,
    names: tuple[str, ...],
    values: Item,
    condition: str = "",
    dataset_id: str | None = None,
) -> Item:
    update: Item = {
        "TableName": table,
        "Key": quota_key(owner_id),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {f"#{name}": str(name) for name in names},
    }
    if values:
        update["ExpressionAttributeValues"] = to_dynamodb(values)
    if dataset_id is not None:
        update["ExpressionAttributeNames"]["#dataset"] = dataset_id
    if condition:
        update |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return {"Update": update}
