"""Whether a manifest is one: a program of the user's own may have written anything, and ours may be spoilt since."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from shared.errors import OutputsNotReady

SHOWN_CHARACTERS = 120
COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53}
FILE = {
    "path": {"type": "string", "pattern": r"^[^/\r\n][^\r\n]*$", "not": {"pattern": r"(^|/)\.\.(/|$)"}},
    "sizeBytes": COUNT,
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}


def files(**more: Any) -> dict[str, Any]:
    """The schema of a list of files."""
    properties = {**FILE, **more}
    return {"type": "array", "items": {"type": "object", "required": list(properties), "properties": properties}}


def counts(*names: str) -> dict[str, Any]:
    """The schema of an object of numbers."""
    return {"type": "object", "required": list(names), "properties": dict.fromkeys(names, COUNT)}


VIOLATIONS = {
    "type": "object",
    "required": ["column", "rule", "rows"],
    "properties": {"column": {"type": ["string", "null"]}, "rule": {"type": "string"}, "rows": COUNT},
}
CONTRACT = {
    "type": "object",
    "required": ["name", "version", "sha256", "violations"],
    "properties": {
        **{key: {"type": "string"} for key in ("name", "version", "sha256")},
        "violations": {"type": "array", "items": VIOLATIONS},
    },
}
OF_ANY_PROGRAM: dict[str, Any] = {
    "createdAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"},
    "files": files(rows=COUNT),
    "rejectedFiles": files(rows=COUNT),
    "reportFiles": files(),
    "totals": counts("files", "rows", "sizeBytes"),
    "counts": counts("rowsRead", "rowsWritten", "rowsRejected"),
    "schema": {"type": ["object", "null"]},
}
# Only the platform holds rows to a contract, so only its own word about one is shown.
OF_THE_PLATFORM = {**OF_ANY_PROGRAM, "contract": CONTRACT}
REQUIRED = ["createdAt", "files", "totals", "counts", "schema"]


def checked_manifest(manifest: Any, uri: str) -> Mapping[str, Any]:
    """What is shown of a manifest that the platform wrote, and that may be spoilt since. Raises: OutputsNotReady."""
    return _checked(manifest, f"{uri}, which the platform wrote,", OF_THE_PLATFORM)


def checked_own_manifest(manifest: Any, uri: str) -> Mapping[str, Any]:
    """What is shown of one that a program of the user's own wrote. Raises: OutputsNotReady."""
    return _checked(manifest, f"{uri}, which the job's own program wrote,", OF_ANY_PROGRAM)


def _checked(manifest: Any, which: str, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    validator = Draft202012Validator({"type": "object", "required": REQUIRED, "properties": properties})
    error = best_match(validator.iter_errors(manifest))
    if error is not None:
        place = "".join(f"/{part}" for part in error.absolute_path) or "The document"
        # Not the validator's own sentence: it repeats the content, which may be anything.
        rule = f"{error.validator}: {json.dumps(error.validator_value)[:SHOWN_CHARACTERS]}"
        raise OutputsNotReady(f"{which} is no manifest. {place} must be as {rule}.")
    if not is_text_of_json(manifest):
        raise OutputsNotReady(f"{which} holds NaN, or what is not Unicode.")
    return {name: manifest[name] for name in properties if name in manifest}


def is_text_of_json(document: Any) -> bool:
    """Whether a document that Python read can be written as JSON in UTF-8; it takes more than it gives."""
    try:
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True
