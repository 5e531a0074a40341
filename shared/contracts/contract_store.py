"""The contracts table: one item for each name, which lists its versions. A version is there once it is in the item."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.dynamodb import from_dynamodb, put_if, store_errors, to_dynamodb
from shared.models import Item
from shared.moments import epoch_ms, from_epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class ContractVersion:
    """A version that was put: what its document is and where, by whom and when."""

    sha256: str
    uri: str
    created_at: datetime
    by: str


@dataclass(frozen=True)
class ContractEntry:
    """A name, whose it is, and its versions. `rev` is new with every write; empty before the first."""

    name: str
    owner_id: str
    versions: Mapping[str, ContractVersion] = field(default_factory=dict)
    rev: str = ""

    def with_version(self, version: str, put: ContractVersion) -> "ContractEntry":
        """The entry with one version more."""
        return replace(self, versions={**self.versions, version: put})


@dataclass(frozen=True)
class EntryPage:
    """Some entries, and the name after which the next page begins; None at the end."""

    entries: tuple[ContractEntry, ...]
    last_name: str | None


class ContractStore:
    """Reads entries consistently, and writes each under a condition on the one that it was made from."""

    def __init__(
        self, client: "DynamoDBClient", table: str, new_rev: Callable[[], str] = lambda: str(uuid.uuid4())
    ) -> None:
        self._client = client
        self._table = table
        self._new_rev = new_rev

    def get(self, name: str) -> ContractEntry | None:
        """The entry of a name as it is stored now. Raises: StoreUnavailable."""
        with store_errors():
            answer = self._client.get_item(TableName=self._table, Key={"name": {"S": name}}, ConsistentRead=True)
        return _entry_of(from_dynamodb(answer["Item"])) if "Item" in answer else None

    def save(self, entry: ContractEntry) -> bool:
        """Whether the entry was written: False if it was changed since it was read. Raises: StoreUnavailable."""
        request: Item = {
            "TableName": self._table,
            "Item": to_dynamodb(_item_of(replace(entry, rev=self._new_rev()))),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeNames": {"#name": "name"} if not entry.rev else {"#rev": "rev"},
            "ConditionExpression": "#rev = :seen" if entry.rev else "attribute_not_exists(#name)",
        }
        if entry.rev:
            request["ExpressionAttributeValues"] = to_dynamodb({":seen": entry.rev})
        return put_if(self._client, request)

    def page(self, limit: int, after: str | None) -> EntryPage:
        """Up to `limit` entries, in the table's own order. Raises: StoreUnavailable."""
        request: Item = {"TableName": self._table, "Limit": limit}
        if after is not None:
            request["ExclusiveStartKey"] = {"name": {"S": after}}
        with store_errors():
            answer = self._client.scan(**request)
        last: Any = answer.get("LastEvaluatedKey")
        entries = tuple(_entry_of(from_dynamodb(item)) for item in answer["Items"])
        return EntryPage(entries, last["name"]["S"] if last else None)


def _item_of(entry: ContractEntry) -> Item:
    versions = {
        version: {"sha256": put.sha256, "uri": put.uri, "createdAt": epoch_ms(put.created_at), "by": put.by}
        for version, put in entry.versions.items()
    }
    return {"name": entry.name, "owner": entry.owner_id, "versions": versions, "rev": entry.rev}


def _entry_of(item: Item) -> ContractEntry:
    versions = {
        version: ContractVersion(put["sha256"], put["uri"], from_epoch_ms(put["createdAt"]), put["by"])
        for version, put in item["versions"].items()
    }
    return ContractEntry(item["name"], item["owner"], versions, item["rev"])
