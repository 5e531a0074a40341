"""DynamoDB's tables in memory: conditional writes that return the old item, sparse indexes with filters and pages.

It understands the expressions that our stores write, and refuses any other, so that a new one is noticed.
"""

import heapq
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from shared.dynamodb import from_dynamodb, to_dynamodb
from tests.fakes.expressions import changed, changes, condition, path_of
from tests.fakes.seam import aws_error

# The attributes that are primary keys, the telling ones first.
PRIMARY_KEYS = ("key", "datasetId", "jobId", "name")
FILTERED = ("jobType", "tagWords", "replayOf")
# index -> (partition, sort), and what it holds besides its keys
INDEXES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "byDue": ("dueShard", "dueAt", ()),
    "byOwner": ("ownerId", "createdKey", FILTERED),
    "byOwnerStatus": ("ownerStatus", "createdKey", FILTERED),
    "byStatus": ("statusShard", "createdKey", FILTERED),
    "byCreated": ("createdShard", "createdKey", FILTERED),
}

# What sees every write: table, item before (None if there was none), item after.
Watcher = Callable[[str, dict[str, Any] | None, dict[str, Any]], None]


def nobody(_table: str, _old: dict[str, Any] | None, _new: dict[str, Any]) -> None:
    """Watches nothing."""


class PlainValues(dict[str, Any]):
    """The values of an expression, each made plain when it is asked for: a condition asks for few of an update's."""

    def __init__(self, wire: dict[str, Any]) -> None:
        super().__init__()
        self._wire = wire

    def __missing__(self, name: str) -> Any:
        self[name] = from_dynamodb({name: self._wire[name]})[name]
        return self[name]


class FakeDynamoDB:
    """Any table is made by its first write; its primary key is `jobId`, or `key` for items that have one.

    With a clock, an index shows a write only `index_lag` seconds after it. Each write stores a new image, so an image
    that was handed out never changes.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}
        self.watch: Watcher = nobody
        self.index_lag: Callable[[], float] | None = None
        self._clock = clock
        self._wire: dict[tuple[str, str], dict[str, Any]] = {}
        self._indexed: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {}
        self._not_indexed: list[tuple[datetime, int, str, str, dict[str, Any]]] = []
        self._writes = 0
        # A write is one step to all threads; what watches it may write in its turn.
        self._one_at_a_time = threading.RLock()

    def items(self, table: str) -> dict[str, dict[str, Any]]:
        """All items of a table, by key, as plain values; they may be changed."""
        self._wire.clear()
        return self.tables.setdefault(table, {})

    def get_item(self, TableName: str, Key: Any, ConsistentRead: bool = False) -> Any:
        """GetItem."""
        key = _key(Key)
        if key not in self.tables.get(TableName, {}):
            return {}
        return {"Item": self._wire_form(TableName, key)}

    def put_item(self, TableName: str, Item: Any, ConditionExpression: str = "", **expression: Any) -> Any:
        """PutItem, conditional."""
        item = from_dynamodb(Item)
        key = _key_of(item)
        with self._one_at_a_time:
            self._check(TableName, key, ConditionExpression, expression)
            self._store(TableName, key, item, Item)
        return {}

    def update_item(
        self, TableName: str, Key: Any, UpdateExpression: str, ConditionExpression: str = "", **expression: Any
    ) -> Any:
        """UpdateItem, conditional; an item that is not there begins with its key."""
        key = _key(Key)
        with self._one_at_a_time:
            self._check(TableName, key, ConditionExpression, expression)
            self._update(TableName, key, Key, UpdateExpression, expression)
            wanted = expression.get("ReturnValues") == "ALL_NEW"
            return {"Attributes": self._wire_form(TableName, key)} if wanted else {}

    def transact_write_items(self, TransactItems: Any, ClientRequestToken: str = "") -> Any:
        """TransactWriteItems of puts and updates: all conditions first, then all writes."""
        with self._one_at_a_time:
            self._transact(TransactItems)
        return {}

    def _transact(self, TransactItems: Any) -> None:
        reasons: list[Any] = [{"Code": "None"} for _ in TransactItems]
        for number, ((kind, write),) in enumerate(each.items() for each in TransactItems):
            key = _key(write["Key"]) if kind == "Update" else _key_of(from_dynamodb(write["Item"]))
            try:
                self._check(write["TableName"], key, write.get("ConditionExpression", ""), write)
            except ClientError as error:
                reasons[number] = {"Code": "ConditionalCheckFailed", **_item_in(error)}
        if any(reason["Code"] != "None" for reason in reasons):
            raise aws_error("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)
        for ((kind, write),) in (each.items() for each in TransactItems):
            if kind == "Update":
                self._update(write["TableName"], _key(write["Key"]), write["Key"], write["UpdateExpression"], write)
            else:
                item = from_dynamodb(write["Item"])
                self._store(write["TableName"], _key_of(item), item, write["Item"])

    def _update(self, table: str, key: str, wire_key: Any, text: str, expression: dict[str, Any]) -> None:
        names, wire = expression.get("ExpressionAttributeNames", {}), expression.get("ExpressionAttributeValues", {})
        before = self.tables.get(table, {}).get(key)
        item, stored = (
            (dict(before), dict(self._wire_form(table, key))) if before else (from_dynamodb(wire_key), dict(wire_key))
        )
        try:
            item = changed(item, text, names, PlainValues(wire))
        except ValueError as error:
            raise aws_error("UpdateItem", "ValidationException", str(error)) from None
        for change in changes(text):
            name = path_of(change.path, names)[0]
            if name not in item:
                stored.pop(name, None)
            elif change.placeholder is not None and len(change.path) == 1 and change.kind == "SET":
                stored[name] = wire[change.placeholder]
            else:
                stored |= to_dynamodb({name: item[name]})
        self._store(table, key, item, stored)

    def _store(self, table: str, key: str, item: dict[str, Any], wire: dict[str, Any]) -> None:
        old = self.tables.setdefault(table, {}).get(key)
        self.tables[table][key] = item
        self._wire[table, key] = wire
        if self.index_lag is not None and self._clock is not None:
            self._writes += 1
            shown_at = self._clock() + timedelta(seconds=self.index_lag())
            self._not_indexed.append((shown_at, self._writes, table, key, item))
        self.watch(table, old, item)

    def _wire_form(self, table: str, key: str) -> dict[str, Any]:
        if (table, key) not in self._wire:
            self._wire[table, key] = to_dynamodb(self.tables[table][key])
        return self._wire[table, key]

    def _index_images(self, table: str) -> list[dict[str, Any]]:
        """The items as the indexes show them now."""
        if self.index_lag is None or self._clock is None:
            return list(self.tables.get(table, {}).values())
        now, waiting = self._clock(), []
        for row in self._not_indexed:
            shown_at, number, of_table, key, item = row
            if shown_at > now:
                waiting.append(row)
            elif number > self._indexed.setdefault(of_table, {}).get(key, (0, {}))[0]:
                self._indexed[of_table][key] = (number, item)
        self._not_indexed = waiting
        return [item for _, item in self._indexed.get(table, {}).values()]

    def batch_get_item(self, RequestItems: Any) -> Any:
        """BatchGetItem; nothing is left unprocessed."""
        answers = {
            table: [
                self._wire_form(table, _key(key)) for key in request["Keys"] if _key(key) in self.tables.get(table, {})
            ]
            for table, request in RequestItems.items()
        }
        return {"Responses": answers, "UnprocessedKeys": {}}

    def scan(self, TableName: str, Limit: int, ExclusiveStartKey: Any = None) -> Any:
        """Scan a whole table, in an order of its own that every page keeps."""
        rows = sorted(self.tables.get(TableName, {}), key=lambda key: key[::-1])
        if ExclusiveStartKey is not None:
            rows = [key for key in rows if key[::-1] > _key(ExclusiveStartKey)[::-1]]
        page = [self._wire_form(TableName, key) for key in rows[:Limit]]
        answer: Any = {"Items": page}
        if page and len(page) == Limit:  # as DynamoDB does, also when nothing follows
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in PRIMARY_KEYS if name in page[-1]}
        return answer

    def query(
        self,
        TableName: str,
        IndexName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Any,
        Limit: int,
        ScanIndexForward: bool = True,
        ExclusiveStartKey: Any = None,
        FilterExpression: str = "",
        ProjectionExpression: str = "",
    ) -> Any:
        """Query an index by its partition and a range of its sort key; a filter drops rows that were read."""
        partition, sort, also = INDEXES[IndexName]
        values = from_dynamodb(ExpressionAttributeValues)
        equal, _, within = KeyConditionExpression.partition(" AND ")
        wanted = values[equal.removeprefix(f"{partition} = ")]
        rows = [item for item in self._index_images(TableName) if item.get(partition) == wanted and sort in item]
        if within:
            rows = [item for item in rows if condition(within)(item, {}, values)]
        if ExclusiveStartKey is not None:
            start = from_dynamodb(ExclusiveStartKey)
            place = (start[sort], _key_of(start))
            behind = (lambda at: at > place) if ScanIndexForward else (lambda at: at < place)
            rows = [item for item in rows if behind((item[sort], _key_of(item)))]
        pick = heapq.nsmallest if ScanIndexForward else heapq.nlargest
        read = pick(Limit, rows, key=lambda item: (item[sort], _key_of(item)))
        keys = ("datasetId", "jobId", partition, sort)
        found = [{name: item[name] for name in (*keys, *also) if name in item} for item in read]
        if FilterExpression:
            found = [row for row in found if condition(FilterExpression)(row, {}, values)]
        if ProjectionExpression:
            shown = ProjectionExpression.split(", ")
            found = [{name: row[name] for name in shown if name in row} for row in found]
        answer: Any = {"Items": [to_dynamodb(row) for row in found], "Count": len(found), "ScannedCount": len(read)}
        if read and len(read) == Limit:  # as DynamoDB does, also when nothing follows
            answer["LastEvaluatedKey"] = to_dynamodb({name: read[-1][name] for name in keys if name in read[-1]})
        return answer

    def _check(self, table: str, key: str, text: str, expression: dict[str, Any]) -> None:
        item = self.tables.get(table, {}).get(key)
        names = expression.get("ExpressionAttributeNames", {})
        values = expression.get("ExpressionAttributeValues", {})
        if not text or condition(text)(item or {}, names, PlainValues(values)):
            return
        wanted = item is not None and "ReturnValuesOnConditionCheckFailure" in expression
        old = {"Item": self._wire_form(table, key)} if wanted else {}
        raise aws_error("UpdateItem", "ConditionalCheckFailedException", "The conditional request failed", **old)


def _item_in(error: ClientError) -> dict[str, Any]:
    return {"Item": error.response["Item"]} if "Item" in error.response else {}


def _key_of(item: dict[str, Any]) -> str:
    """The primary key of an item."""
    key: str = item[_key_name(item)]
    return key


def _key_name(item: dict[str, Any]) -> str:
    """Which attribute is the primary key of an item, by what kind of item it is."""
    return next(name for name in PRIMARY_KEYS if name in item)


def _key(key: Any) -> str:
    (value,) = key.values()
    text: str = value["S"]
    return text
