"""Contracts: what the rows of a table must be, in versions that never change."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.contracts.contract_records import (
    ContractPageSchema,
    ContractQuerySchema,
    ContractSchema,
    ContractVersionsSchema,
    contract_record,
    summary_record,
    versions_record,
)
from api.identity.auth import caller, reads_jobs, writes_contracts
from api.protocol.operations import returns, takes_document, takes_nothing, takes_query
from api.services import services
from shared.contracts.contract_registry import Author
from shared.errors import (
    ContractExists,
    ContractFull,
    ContractIncompatible,
    ContractNotFound,
    ContractNotYours,
    ObjectsUnavailable,
    StoreUnavailable,
)

blueprint = Blueprint("contracts", __name__)


@blueprint.put("/contracts/<name>/<version>")
@writes_contracts
@takes_document("ContractDocument")
@returns(ContractSchema)
@returns(
    ContractSchema,
    HTTPStatus.CREATED,
    problems=(
        ContractNotYours,
        ContractExists,
        ContractFull,
        ContractIncompatible,
        StoreUnavailable,
        ObjectsUnavailable,
    ),
    headers={"Location": "The path of the version."},
)
def put_contract(name: str, version: str, document: Mapping[str, Any]) -> ResponseReturnValue:
    """Put a version of a contract.

    The body is a document of the Open Data Contract Standard, of the part that is checked here; what is not checked
    is refused, so that a contract promises nothing that nobody holds. A version never changes: the same document again
    is 200, another one is 409. A patch may change nothing that is checked, a minor version must leave every row valid
    that was; of major version 0 anything may change. Who puts the first version of a name alone adds others.
    """
    author = Author(caller().owner_id, caller().is_operator)
    put = services().contracts.put(name, version, document, author, services().clock())
    status = HTTPStatus.CREATED if put.is_first else HTTPStatus.OK
    return contract_record(put.stored), status, {"Location": f"/contracts/{name}/{version}"} if put.is_first else {}


@blueprint.get("/contracts/<name>/<version>")
@reads_jobs
@takes_nothing
@returns(
    ContractSchema,
    problems=(ContractNotFound, StoreUnavailable, ObjectsUnavailable),
)
def get_contract(name: str, version: str) -> ResponseReturnValue:
    """Read a version of a contract."""
    return contract_record(services().contracts.get(name, version))


@blueprint.get("/contracts/<name>")
@reads_jobs
@takes_nothing
@returns(ContractVersionsSchema, problems=(ContractNotFound, StoreUnavailable))
def list_contract_versions(name: str) -> ResponseReturnValue:
    """List the versions of a contract, the highest first."""
    return versions_record(services().contracts.entry(name))


@blueprint.get("/contracts")
@reads_jobs
@takes_query(ContractQuerySchema)
@returns(
    ContractPageSchema,
    problems=(StoreUnavailable,),
)
def list_contracts(query: Mapping[str, Any]) -> ResponseReturnValue:
    """List the contracts of all owners.

    Follow nextCursor until it is null.
    """
    page = services().contracts.page(query["limit"], query["cursor"])
    return {"items": [summary_record(entry) for entry in page.entries], "nextCursor": page.last_name}
