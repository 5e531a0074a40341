"""The datasets table: DynamoDB behind our words. An owner's open uploads are counted in the writes that change them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from shared.datasets.datasets import (
    NOT_SCANNED,
    Completion,
    Dataset,
    Scanning,
    completion_to_item,
    dataset_from_item,
    dataset_to_item,
    scanning_to_item,
)
from shared.datasets.scans import Scan, scan_to_item
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
from shared.errors import DatasetNotFound, StoredDatasetUnreadable
from shared.limits.quota_items import Counted, counting_upload, freeing_upload, store_counted
from shared.limits.quotas import Quota
from shared.models import Item
from shared.moments import epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = structlog.get_logger()

IS_OPEN = "attribute_exists(datasetId) AND attribute_not_exists(completedAt) AND attribute_not_exists(abandonedAt)"


@dataclass(frozen=True)
class Registered:
    """The dataset that has the id now, and whether this call stored it."""

    dataset: Dataset
    is_new: bool


@dataclass(frozen=True)
class DatasetPage:
    """One page of dataset ids by creation; `last_key` is where the next begins, None at the end."""

    dataset_ids: tuple[str, ...]
    last_key: str | None


class DatasetStore:
    """Reads datasets consistently. What was completed or given up stays so, whoever writes next."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        control_table: str,
        pause: Callable[[int], None] = wait_a_little,
    ) -> None:
        """`pause(n)` waits a little after the n-th time that another transaction was in the way."""
        self._client = client
        self._table = table
        self._control_table = control_table
        self._pause = pause

    def register(self, dataset: Dataset, limits: Mapping[Quota, int]) -> Registered:
        """Store a new dataset, if its owner may have one more upload of its size.

        Raises: QuotaExceeded, StoreUnavailable.
        """
        put: Item = {
            "TableName": self._table,
            "Item": to_dynamodb(dataset_to_item(dataset)),
            "ConditionExpression": "attribute_not_exists(datasetId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        owner_id, size_bytes, now = dataset.owner_id, dataset.registration.size_bytes, dataset.created_at
        counting = counting_upload(
            self._control_table, owner_id, dataset.dataset_id, size_bytes, dataset.expires_at, limits, now
        )
        counted = Counted(owner_id, {Quota.UPLOAD_BYTES: size_bytes, Quota.UPLOADS: 1}, limits, now)
        refused = store_counted(self._client, put, counting, counted, self._pause)
        if refused is None:
            return Registered(dataset, is_new=True)
        return Registered(_stored_in(refused, dataset), is_new=False)

    def get(self, dataset_id: str) -> Dataset:
        """The dataset as it is stored now. Raises: DatasetNotFound, StoredDatasetUnreadable, StoreUnavailable."""
        with store_errors():
            answer = self._client.get_item(TableName=self._table, Key=_key(dataset_id), ConsistentRead=True)
        if "Item" not in answer:
            raise DatasetNotFound(f"There is no dataset {dataset_id}.")
        return dataset_from_item(from_dynamodb(answer["Item"]))

    def get_many(self, dataset_ids: Sequence[str]) -> list[Dataset]:
        """The datasets that exist among `dataset_ids`, in that order, as they are stored now.

        One that cannot be read is left out and logged: it must not hide the others. Raises: StoreUnavailable.
        """
        found: dict[str, Dataset] = {}
        for item in read_batch(self._client, self._table, [_key(dataset_id) for dataset_id in dataset_ids]):
            found |= _readable(item)
        return [found[dataset_id] for dataset_id in dataset_ids if dataset_id in found]

    def list_page(self, owner_id: str, limit: int, after: str | None) -> DatasetPage:
        """Up to `limit` ids of an owner's datasets, the newest first, behind the sort key `after`.

        Raises: StoreUnavailable.
        """
        request: Item = {
            "TableName": self._table,
            "IndexName": "byOwner",
            "KeyConditionExpression": "ownerId = :partition",
            "ExpressionAttributeValues": to_dynamodb({":partition": owner_id}),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after is not None:
            start = {"ownerId": owner_id, "createdKey": after, "datasetId": after.partition("#")[2]}
            request["ExclusiveStartKey"] = to_dynamodb(start)
        with store_errors():
            answer = self._client.query(**request)
        rows = [from_dynamodb(row) for row in answer["Items"]]
        more = bool(answer.get("LastEvaluatedKey")) and bool(rows)
        return DatasetPage(tuple(row["datasetId"] for row in rows), rows[-1]["createdKey"] if more else None)

    def begin_parts(self, dataset: Dataset, upload_id: str) -> Dataset:
        """Note S3's id of the upload in parts. Of several who begin one, the first stays.

        Raises: DatasetNotFound, StoreUnavailable.
        """
        condition = f"{IS_OPEN} AND attribute_not_exists(uploadId)"
        refused = write_one(
            self._client.update_item, self._setting(dataset, {"uploadId": upload_id}, condition), self._pause
        )
        return replace(dataset, upload_id=upload_id) if refused is None else _stored_in(refused, dataset)

    def complete(self, dataset: Dataset, completion: Completion, scanning: Scanning = NOT_SCANNED) -> Dataset:
        """Make it READY, and its owner's slot free; or what it is instead, if it was completed or given up before.

        A scan whose job has ended already is kept. Raises: DatasetNotFound, StoreUnavailable.
        """
        refused = self._close(dataset, {**completion_to_item(completion), **scanning_to_item(scanning)})
        done = replace(
            dataset, completion=completion, scanning=replace(scanning, scan=scanning.scan or dataset.scanning.scan)
        )
        return done if refused is None else _stored_in(refused, dataset)

    def note_scan(self, dataset_id: str, scan: Scan) -> bool:
        """Whether the dataset tells of this scan now: not if of a later one, or if it is gone.

        Raises: StoreUnavailable.
        """
        item = scan_to_item(scan)
        update: Item = {
            "TableName": self._table,
            "Key": _key(dataset_id),
            "UpdateExpression": "SET scanResult = :scanResult, scannedAt = :scannedAt",
            "ConditionExpression": (
                "attribute_exists(datasetId) AND (attribute_not_exists(scannedAt) OR scannedAt <= :scannedAt)"
            ),
            "ExpressionAttributeValues": to_dynamodb({f":{name}": value for name, value in item.items()}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return write_one(self._client.update_item, update, self._pause) is None

    def abandon(self, dataset: Dataset, now: datetime) -> Dataset:
        """Give it up, and its owner's slot free; or what it is instead, as `complete`."""
        refused = self._close(dataset, {"abandonedAt": epoch_ms(now)})
        return replace(dataset, abandoned_at=now) if refused is None else _stored_in(refused, dataset)

    def _close(self, dataset: Dataset, attributes: Item) -> Verdict | None:
        """None if the upload is closed now; else what was in the way."""
        update = self._setting(dataset, attributes, IS_OPEN)
        freeing = freeing_upload(self._control_table, dataset.owner_id, dataset.dataset_id)
        verdicts = write_all(self._client, [{"Update": update}, freeing], self._pause)
        if not verdicts:
            return None
        closed, _ = verdicts
        # It has no slot any more: nothing there may keep it from being completed.
        return closed if closed.is_refused else write_one(self._client.update_item, update, self._pause)

    def _setting(self, dataset: Dataset, attributes: Item, condition: str) -> Item:
        return {
            "TableName": self._table,
            "Key": _key(dataset.dataset_id),
            "UpdateExpression": "SET " + ", ".join(f"{name} = :{name}" for name in attributes),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_dynamodb({f":{name}": value for name, value in attributes.items()}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _stored_in(refused: Verdict, dataset: Dataset) -> Dataset:
    if refused.item is None:
        raise DatasetNotFound(f"There is no dataset {dataset.dataset_id} any more.")
    return dataset_from_item(refused.item)


def _readable(item: Item) -> dict[str, Dataset]:
    try:
        dataset = dataset_from_item(item)
    except StoredDatasetUnreadable as error:
        log.error("stored_dataset_unreadable", dataset_id=item.get("datasetId"), reason=error.detail)
        return {}
    return {dataset.dataset_id: dataset}


def _key(dataset_id: str) -> Any:
    return {"datasetId": {"S": dataset_id}}
