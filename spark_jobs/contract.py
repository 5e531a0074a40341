"""The contract that a job holds its input to: a document of the Open Data Contract Standard.

What a document may say was checked when it was stored, so here is only what must be known to check rows by it.
"""

import json
from dataclasses import dataclass
from itertools import chain
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from spark_jobs.failures import InvalidInput
from spark_jobs.job import ContractRef
from spark_jobs.object_store import ObjectStore

INTEGERS = {"i8": "tinyint", "i16": "smallint", "i32": "int", "i64": "bigint"}
FLOATS = {"f32": "float", "f64": "double"}


PUBLIC = "public"
# What a column's options may demand of its values; the others are its type's affair.
RULES_OF_VALUES = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minLength", "maxLength", "pattern"),
)


class ContractChanged(Exception):
    """The document is not the one that the job was accepted with: somebody wrote over it."""


@dataclass(frozen=True)
class ContractColumn:
    """A column; `stated` is all that the document says of it."""

    name: str
    type: str
    stated: Mapping[str, Any]

    @property
    def is_required(self) -> bool:
        """Whether every row must have a value."""
        return self.stated.get("required", False) or self.in_key

    @property
    def in_key(self) -> bool:
        """Whether it is a part of the table's key."""
        return self.stated.get("primaryKey", False)

    @property
    def options(self) -> Mapping[str, Any]:
        """What its values may be, by the standard's names."""
        return self.stated.get("logicalTypeOptions", {})

    @property
    def metadata(self) -> Dict[str, str]:
        """What goes with the column into the output's schema."""
        names = {"classification": "classification", "description": "comment"}
        return {ours: self.stated[name] for name, ours in names.items() if name in self.stated}


@dataclass(frozen=True)
class Key:
    """Columns whose values no two rows may have in common, and the rule that says so."""

    rule: str
    columns: Tuple[str, ...]


@dataclass(frozen=True)
class Contract:
    """The columns of a table, in their order, and which document says so."""

    ref: ContractRef
    columns: Tuple[ContractColumn, ...]

    @property
    def keys(self) -> List[Key]:
        """The table's key, if it has one, and the columns that are unique."""
        parts = tuple(column.name for column in self.columns if column.in_key)
        unique = [Key("unique", (column.name,)) for column in self.columns if column.stated.get("unique", False)]
        return ([Key("primaryKey", parts)] if parts else []) + unique

    @property
    def is_sensitive(self) -> bool:
        """Whether a column is of a class that is not public, so that values are not to be shown around."""
        classes = {column.stated.get("classification", PUBLIC).strip().lower() for column in self.columns}
        return classes != {PUBLIC}

    def columns_named(self, names: Sequence[str], where: str) -> List[ContractColumn]:
        """The columns that a table has, in the contract's order; those that are not required may be missing.

        Raises: InvalidInput for others, and for a required one that is missing.
        """
        return self._columns(names, where, self._faults(names))

    def columns_in_order(self, names: Sequence[str], where: str) -> List[ContractColumn]:
        """As `columns_named`, where columns are known by their places. Raises: InvalidInput, also for another order."""
        return self._columns(names, where, chain(self._faults(names), self._faults_of_order(names)))

    def _columns(self, names: Sequence[str], where: str, faults: Iterator[str]) -> List[ContractColumn]:
        told = " ".join(faults)
        if told:
            raise InvalidInput(f"{where} does not have the columns of contract {self.ref}. {told}")
        given = {name.lower() for name in names}
        return [column for column in self.columns if column.name.lower() in given]

    def _faults(self, names: Sequence[str]) -> Iterator[str]:
        given, known = [name.lower() for name in names], [column.name.lower() for column in self.columns]
        missing = [column.name for column in self.columns if column.is_required and column.name.lower() not in given]
        extra = [name for name in names if name.lower() not in known]
        if missing:
            yield f"These are missing: {', '.join(missing)}."
        if extra:
            yield f"These are not in the contract: {', '.join(extra)}."

    def _faults_of_order(self, names: Sequence[str]) -> Iterator[str]:
        given, known = [name.lower() for name in names], [column.name.lower() for column in self.columns]
        if set(given) <= set(known) and given != [name for name in known if name in given]:
            yield f"The order must be: {', '.join(column.name for column in self.columns)}."


def read_contract(store: ObjectStore, ref: ContractRef) -> Contract:
    """The contract that a job names. Raises: ContractChanged."""
    if store.sha256(ref.uri) != ref.sha256:
        raise ContractChanged(f"{ref.uri} is not the document of contract {ref} that the job was accepted with.")
    (table,) = json.loads(store.read_text(ref.uri))["schema"]
    return Contract(ref, tuple(ContractColumn(each["name"], type_of(each), each) for each in table["properties"]))


def rules_stated(contract: Contract) -> Dict[Tuple[str, str], str]:
    """What is demanded, by column and rule, in the order of the contract; empty where the rule's name says it all."""
    stated = {}
    for column in contract.columns:
        stated[column.name, "type"] = column.type
        if column.is_required:
            stated[column.name, "required"] = ""
        stated.update(
            {(column.name, rule): str(demand) for rule, demand in column.options.items() if rule in RULES_OF_VALUES}
        )
    return {**stated, **{(", ".join(key.columns), key.rule): "" for key in contract.keys}}


def type_of(stated: Mapping[str, Any]) -> str:
    """Spark SQL's name for a column's type."""
    logical_type, size = stated["logicalType"], stated.get("logicalTypeOptions", {}).get("format")
    if logical_type == "integer":
        return INTEGERS[size or "i32"]
    if logical_type == "number":
        return stated.get("physicalType") or FLOATS[size or "f64"]
    return logical_type
