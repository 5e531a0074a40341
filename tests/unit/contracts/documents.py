"""Documents of contracts for tests."""

import copy
from typing import Any

COLUMNS = "/schema/0/properties"
# As long a contract as an example needs: one column for each kind of rule.
EXAMPLE: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "0b1e0a4e-6f0e-4d5c-9a51-2f6c8f6f2a10",
    "name": "flights",
    "version": "1.0.0",
    "status": "active",
    "description": {"purpose": "Departures from New York, one row for each flight."},
    "schema": [
        {
            "name": "flights",
            "logicalType": "object",
            "properties": [
                {
                    "name": "carrier",
                    "logicalType": "string",
                    "primaryKey": True,
                    "logicalTypeOptions": {"pattern": "^[A-Z0-9]{2}$"},
                },
                {
                    "name": "flight",
                    "logicalType": "integer",
                    "primaryKey": True,
                    "logicalTypeOptions": {"minimum": 1, "maximum": 9999},
                },
                {"name": "arr_delay", "logicalType": "integer", "description": "In minutes; early is negative."},
                {
                    "name": "passenger",
                    "logicalType": "string",
                    "classification": "pii",
                    "logicalTypeOptions": {"maxLength": 100},
                },
            ],
        }
    ],
}


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
    found = copy.deepcopy(EXAMPLE)
    if columns:
        found["schema"][0]["properties"] = list(columns)
    found |= changes
    return {key: value for key, value in found.items() if value is not None}
