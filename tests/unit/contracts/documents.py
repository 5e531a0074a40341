"""Documents of contracts for tests."""

import copy
from typing import Any

from shared.contract_schema import EXAMPLE

COLUMNS = "/schema/0/properties"


def column(name: str = "id", logical_type: str = "integer", **stated: Any) -> dict[str, Any]:
    """A column; what is not a field of ours by its own name is an option of its type."""
    fields = ("required", "unique", "primaryKey", "physicalType", "classification", "logicalTypeOptions")
    options = {key: value for key, value in stated.items() if key not in fields}
    found: dict[str, Any] = {"name": name, "logicalType": logical_type}
    if options:
        found["logicalTypeOptions"] = options
    return found | {key: value for key, value in stated.items() if key in fields}


def document(*columns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A document with these columns; a change to None takes a field away."""
    found = copy.deepcopy(dict(EXAMPLE))
    if columns:
        found["schema"][0]["properties"] = list(columns)
    found |= changes
    return {key: value for key, value in found.items() if value is not None}
