"""DynamoDB's tables in memory: conditional writes that return the old item, sparse indexes of keys only, pages.

It understands the expressions that our stores write, and refuses any other, so that a new one is noticed.
"""

import copy
import re
from typing import Any

from shared.job_store import from_dynamodb, to_dynamodb
from tests.fakes.seam import aws_error

# table kind -> primary key; index -> (partition, sort)
INDEXES = {
    "byDue": ("dueShard", "dueAt"),
    "byOwner": ("ownerId", "createdKey"),
    "byOwnerStatus": ("ownerStatus", "createdKey"),
    "byStatus": ("statusShard", "createdKey"),
}
CONDITION = re.compile(
    r"attribute_not_exists\((?P<absent>\S+)\)|(?P<name>\S+) (?:= (?P<value>\S+)|IN \((?P<values>.+)\))"
)


class FakeDynamoDB:
    """Any table is made by its first write; its primary key is `jobId`, or `key` for items that have one."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}

    def items(self, table: str) -> dict[str, dict[str, Any]]:
        """All items of a table, by key, as plain values."""
        return self.tables.setdefault(table, {})

    def get_item(self, TableName: str, Key: Any, ConsistentRead: bool = False) -> Any:
        """GetItem."""
        item = self.items(TableName).get(_key(Key))
        return {"Item": to_dynamodb(item)} if item is not None else {}

    def put_item(self, TableName: str, Item: Any, ConditionExpression: str = "", **expression: Any) -> Any:
        """PutItem, conditional."""
        item = from_dynamodb(Item)
        key = item.get("jobId") or item["key"]
        self._check(TableName, key, ConditionExpression, expression)
        self.items(TableName)[key] = item
        return {}

    def update_item(
        self, TableName: str, Key: Any, UpdateExpression: str, ConditionExpression: str = "", **expression: Any
    ) -> Any:
        """UpdateItem with SET and REMOVE, conditional."""
        key = _key(Key)
        self._check(TableName, key, ConditionExpression, expression)
        names, values = expression["ExpressionAttributeNames"], from_dynamodb(expression["ExpressionAttributeValues"])
        item = copy.deepcopy(self.items(TableName)[key])
        sets, _, removes = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
        for assignment in sets.split(", "):
            name, value = assignment.split(" = ")
            item[names[name]] = values[value]
        for name in filter(None, removes.split(", ")):
            item.pop(names[name], None)
        self.items(TableName)[key] = item
        return {}

    def batch_get_item(self, RequestItems: Any) -> Any:
        """BatchGetItem; nothing is left unprocessed."""
        answers = {
            table: [
                to_dynamodb(self.items(table)[_key(key)]) for key in request["Keys"] if _key(key) in self.items(table)
            ]
            for table, request in RequestItems.items()
        }
        return {"Responses": answers, "UnprocessedKeys": {}}

    def query(
        self,
        TableName: str,
        IndexName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Any,
        Limit: int,
        ScanIndexForward: bool = True,
        ExclusiveStartKey: Any = None,
    ) -> Any:
        """Query an index by its partition, and by an upper bound of its sort key."""
        partition, sort = INDEXES[IndexName]
        values = from_dynamodb(ExpressionAttributeValues)
        equal, _, bound = KeyConditionExpression.partition(" AND ")
        wanted = values[equal.removeprefix(f"{partition} = ")]
        rows = [item for item in self.items(TableName).values() if item.get(partition) == wanted and sort in item]
        if bound:
            most = values[bound.removeprefix(f"{sort} <= ")]
            rows = [item for item in rows if item[sort] <= most]
        rows.sort(key=lambda item: (item[sort], item["jobId"]), reverse=not ScanIndexForward)
        if ExclusiveStartKey is not None:
            start = from_dynamodb(ExclusiveStartKey)
            place = (start[sort], start["jobId"])
            behind = (lambda at: at > place) if ScanIndexForward else (lambda at: at < place)
            rows = [item for item in rows if behind((item[sort], item["jobId"]))]
        page = [{name: item[name] for name in ("jobId", partition, sort)} for item in rows[:Limit]]
        answer: Any = {"Items": [to_dynamodb(row) for row in page]}
        if page and len(page) == Limit:  # as DynamoDB does, also when nothing follows
            answer["LastEvaluatedKey"] = to_dynamodb(page[-1])
        return answer

    def _check(self, table: str, key: str, condition: str, expression: dict[str, Any]) -> None:
        item = self.items(table).get(key)
        names = expression.get("ExpressionAttributeNames", {})
        values = from_dynamodb(expression.get("ExpressionAttributeValues", {}))
        if all(_holds(part, item or {}, names, values) for part in filter(None, condition.split(" AND "))):
            return
        old = {"Item": to_dynamodb(item)} if item and "ReturnValuesOnConditionCheckFailure" in expression else {}
        raise aws_error("UpdateItem", "ConditionalCheckFailedException", "The conditional request failed", **old)


def _holds(part: str, item: dict[str, Any], names: dict[str, str], values: dict[str, Any]) -> bool:
    match = CONDITION.fullmatch(part)
    if match is None:
        raise NotImplementedError(f"the fake does not know the condition {part!r}")
    if match["absent"]:
        return names.get(match["absent"], match["absent"]) not in item
    found = item.get(names.get(match["name"], match["name"]))
    allowed = match["values"].split(", ") if match["values"] else [match["value"]]
    return found in [values[name] for name in allowed]


def _key(key: Any) -> str:
    (value,) = key.values()
    text: str = value["S"]
    return text
