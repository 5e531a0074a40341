"""The contracts that there are: putting a version, and reading one.

The document is written first, under a name that its content is part of; then one conditional write of the name's
item makes it a version. So whoever dies in between leaves an object that nobody names, and of two who put versions
of one name at once, the second sees what the first has put before its own is compared.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog

from shared.contracts.contract_changes import change_problems, forbidden_changes, neighbours
from shared.contracts.contract_schema import NAME
from shared.contracts.contract_store import ContractEntry, ContractStore, ContractVersion, EntryPage
from shared.contracts.contracts import (
    Contract,
    Version,
    digest_of_document,
    document_bytes,
    read_contract,
    require_identity,
    text_of,
    version_of,
)
from shared.dynamodb import wait_a_little
from shared.errors import (
    ContractExists,
    ContractFull,
    ContractIncompatible,
    ContractNotFound,
    ContractNotYours,
    ObjectsForbidden,
    ObjectsUnavailable,
    StoredContractUnreadable,
    StoreUnavailable,
)
from shared.locations import contract_uri
from shared.models import ContractRef
from shared.object_store import ObjectStore
from shared.redaction import clean_text
from shared.settings import Settings

log = structlog.get_logger()

MOST_VERSIONS = 500
# Each failed try is somebody else's success.
PUT_TRIES = 12
# Documents never change, so each process keeps some; one has at most MAX_BODY_BYTES.
CACHED = 64


@dataclass(frozen=True)
class StoredContract:
    """A version of a contract: its document as it was put, and what is checked by it."""

    ref: ContractRef
    created_at: datetime
    by: str
    document: Mapping[str, Any]
    contract: Contract


@dataclass(frozen=True)
class Author:
    """Who puts a version."""

    owner_id: str
    is_operator: bool


@dataclass(frozen=True)
class Put:
    """A version as it is now, and whether this very call made it."""

    stored: StoredContract
    is_first: bool


class ContractRegistry:
    """Puts and reads versions of contracts."""

    def __init__(
        self,
        store: ContractStore,
        objects: ObjectStore,
        settings: Settings,
        pause: Callable[[int], None] = wait_a_little,
    ) -> None:
        """`pause(n)` waits a little after the n-th lost race."""
        self._store = store
        self._objects = objects
        self._settings = settings
        self._pause = pause
        self._read = lru_cache(CACHED)(self._read_now)

    def put(self, name: str, version: str, document: Mapping[str, Any], author: Author, now: datetime) -> Put:
        """Make a document this version, once and for ever. Safe to repeat.

        Raises: ValidationFailed, ContractNotYours, ContractExists, ContractFull, ContractIncompatible,
        ObjectsUnavailable, StoreUnavailable.
        """
        contract = read_contract(document)
        require_identity(document, name, version)
        sha256 = digest_of_document(document)
        for tries in range(1, PUT_TRIES + 1):
            entry = self._store.get(name) or ContractEntry(name, author.owner_id)
            _require_author(entry, author)
            if version in entry.versions:
                return Put(self._same(entry, version, sha256), is_first=False)
            self._require_place(entry, version, contract)
            put = ContractVersion(sha256, contract_uri(self._settings, name, version, sha256), now, author.owner_id)
            with _documents_are_ours():
                self._objects.put_new(put.uri, document_bytes(document), "application/json")
            if self._store.save(entry.with_version(version, put)):
                log.info("contract_put", contract=f"{name}/{version}")
                return Put(_stored(name, version, put, document), is_first=True)
            self._pause(tries)
        raise StoreUnavailable(f"Others put versions of {name} all the time.")

    def get(self, name: str, version: str) -> StoredContract:
        """A version of a contract. Raises: ContractNotFound, ObjectsUnavailable, StoreUnavailable."""
        return self._read(name, version)

    def entry(self, name: str) -> ContractEntry:
        """A name with all its versions. Raises: ContractNotFound, StoreUnavailable."""
        found = self._store.get(name) if re.search(NAME, name) else None
        if found is None:
            raise ContractNotFound(f"There is no contract {clean_text(name)[:64]!r}.")
        return found

    def page(self, limit: int, after: str | None) -> EntryPage:
        """Up to `limit` names with their versions, beginning behind the name `after`. Raises: StoreUnavailable."""
        return self._store.page(limit, after)

    def _read_now(self, name: str, version: str) -> StoredContract:
        entry = self.entry(name)
        if version not in entry.versions:
            raise ContractNotFound(f"Contract {name} has no version {clean_text(version)[:17]!r}.")
        put = entry.versions[version]
        with _documents_are_ours():
            document = self._objects.read_json(put.uri)
        if document is None or digest_of_document(document) != put.sha256:
            raise StoredContractUnreadable(f"{put.uri} is not the document of {name}/{version} that was put.")
        return _stored(name, version, put, document)

    def _same(self, entry: ContractEntry, version: str, sha256: str) -> StoredContract:
        if entry.versions[version].sha256 != sha256:
            text = f"Contract {entry.name} has a version {version} with another document, and versions never change."
            raise ContractExists(text)
        return self.get(entry.name, version)

    def _require_place(self, entry: ContractEntry, version: str, contract: Contract) -> None:
        """Return if a contract may be this version of the name, by its neighbours."""
        if len(entry.versions) >= MOST_VERSIONS:
            raise ContractFull(f"Contract {entry.name} has {MOST_VERSIONS} versions, and no more are possible.")
        wanted = version_of(version)
        lower, higher = neighbours(wanted, {version_of(each) for each in entry.versions})
        problems = []
        if lower is not None:
            older = self._contract_of(entry, lower)
            changes = forbidden_changes(older, contract, lower, wanted)
            problems += change_problems(contract, changes, text_of(lower))
        if higher is not None:
            newer = self._contract_of(entry, higher)
            changes = forbidden_changes(contract, newer, wanted, higher)
            problems += change_problems(contract, changes, text_of(higher))
        if problems:
            first = f"{problems[0].pointer}: {problems[0].message}"
            raise ContractIncompatible(f"{entry.name} cannot be {version}. {first}", problems)

    def _contract_of(self, entry: ContractEntry, version: Version) -> Contract:
        return self.get(entry.name, text_of(version)).contract


@contextmanager
def _documents_are_ours() -> Iterator[None]:
    """Where S3 forbids us our own documents an operator must help, and no caller is at fault."""
    try:
        yield
    except ObjectsForbidden as error:
        raise ObjectsUnavailable(error.detail) from error


def _require_author(entry: ContractEntry, author: Author) -> None:
    if author.owner_id != entry.owner_id and not author.is_operator:
        raise ContractNotYours(f"Contract {entry.name} belongs to {entry.owner_id}, who alone adds versions to it.")


def _stored(name: str, version: str, put: ContractVersion, document: Mapping[str, Any]) -> StoredContract:
    ref = ContractRef(name, version, put.sha256, put.uri)
    return StoredContract(ref, put.created_at, put.by, document, read_contract(document))
