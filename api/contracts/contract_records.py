"""Contracts as clients see them."""

from typing import Any

from marshmallow import Schema, fields, validate

from api.protocol.answers import iso, list_of, moment, open_object, text
from api.protocol.fields import FullMatch, QueryNumber, StrictSchema
from shared.contracts.contract_registry import StoredContract
from shared.contracts.contract_schema import NAME
from shared.contracts.contract_store import ContractEntry, ContractVersion
from shared.contracts.contracts import version_of

DEFAULT_PAGE, LARGEST_PAGE = 20, 100

PUT_ONCE = {
    "name": text("The contract's name."),
    "version": text("Three numbers."),
    "sha256": text("The checksum of the document, as it is stored, in hexadecimal."),
    "createdAt": moment("When it was put."),
    "by": text("Who put it."),
}

ContractSchema = Schema.from_dict(
    {
        **PUT_ONCE,
        "reference": text("What a job's `contract` says to name it."),
        "document": open_object("The document as it was put."),
    },
    name="ContractSchema",
)

ContractVersionSchema = Schema.from_dict(
    {**PUT_ONCE, "link": text("The path of all of it.")}, name="ContractVersionSchema"
)

ContractVersionsSchema = Schema.from_dict(
    {
        "name": text("The contract's name."),
        "owner": text("Who put its first version, and alone adds others."),
        "items": list_of(ContractVersionSchema, "All versions, the highest first."),
    },
    name="ContractVersionsSchema",
)

ContractSummarySchema = Schema.from_dict(
    {
        "name": text("The contract's name."),
        "owner": text("Who put its first version, and alone adds others."),
        "latest": text("Its highest version."),
        "link": text("The path of all its versions."),
    },
    name="ContractSummarySchema",
)

ContractPageSchema = Schema.from_dict(
    {
        "items": list_of(ContractSummarySchema, "In no order that means anything."),
        "nextCursor": text("What to pass as cursor for the next page; null on the last.", allow_none=True),
    },
    name="ContractPageSchema",
)


class ContractQuerySchema(StrictSchema):
    """Which contracts to list."""

    limit = QueryNumber(
        load_default=DEFAULT_PAGE,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata={"description": "The most contracts to list."},
    )
    cursor = fields.String(
        load_default=None,
        validate=FullMatch(NAME, error="Pass nextCursor exactly as it was given."),
        metadata={"description": "The nextCursor of the page before."},
    )


def contract_record(stored: StoredContract) -> dict[str, Any]:
    """A version as `ContractSchema` says."""
    ref = stored.ref
    return {
        "name": ref.name,
        "version": ref.version,
        "sha256": ref.sha256,
        "createdAt": iso(stored.created_at),
        "by": stored.by,
        "reference": str(ref),
        "document": dict(stored.document),
    }


def versions_record(entry: ContractEntry) -> dict[str, Any]:
    """A contract's versions as `ContractVersionsSchema` says."""
    ordered = sorted(entry.versions.items(), key=lambda item: version_of(item[0]), reverse=True)
    items = [version_record(entry.name, version, put) for version, put in ordered]
    return {"name": entry.name, "owner": entry.owner_id, "items": items}


def version_record(name: str, version: str, put: ContractVersion) -> dict[str, Any]:
    """One of many versions as `ContractVersionSchema` says."""
    return {
        "name": name,
        "version": version,
        "sha256": put.sha256,
        "createdAt": iso(put.created_at),
        "by": put.by,
        "link": f"/contracts/{name}/{version}",
    }


def summary_record(entry: ContractEntry) -> dict[str, Any]:
    """One of many contracts as `ContractSummarySchema` says."""
    return {
        "name": entry.name,
        "owner": entry.owner_id,
        "latest": max(entry.versions, key=version_of),
        "link": f"/contracts/{entry.name}",
    }
