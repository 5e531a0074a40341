"""Nothing that clients rely on is taken away, and what takes it away is found."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.released.conftest import Compare

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api"
TODAY, RELEASED = DOCS / "openapi.json", DOCS / "released" / "openapi.json"
Json = dict[str, Any]


def schema(document: Json, name: str) -> Json:
    """One of the document's schemas."""
    found: Json = document["components"]["schemas"][name]
    return found


def without_run_id(document: Json) -> None:
    job = schema(document, "Job")
    del job["properties"]["runId"]
    job["required"].remove("runId")


def without_quota(document: Json) -> None:
    del document["paths"]["/quota"]


def with_a_required_reason(document: Json) -> None:
    schema(document, "Cancellation")["required"] = ["reason"]


def with_a_required_header(document: Json) -> None:
    header = {"in": "header", "name": "X-New", "required": True, "schema": {"type": "string"}}
    document["paths"]["/jobs"]["post"]["parameters"].append(header)


def with_fewer_sizes(document: Json) -> None:
    schema(document, "Submission")["properties"]["size"]["oneOf"][0]["enum"].pop()


def with_another_type(document: Json) -> None:
    schema(document, "Job")["properties"]["attempt"]["type"] = "string"


def with_a_new_status(document: Json) -> None:
    schema(document, "Job")["properties"]["status"]["enum"].append("PAUSED")


def with_nullable_ids(document: Json) -> None:
    schema(document, "Job")["properties"]["jobId"]["type"] = ["string", "null"]


def with_another_success(document: Json) -> None:
    responses = document["paths"]["/jobs"]["post"]["responses"]
    responses["201"] = responses.pop("202")


BREAKING = (
    without_run_id,
    without_quota,
    with_a_required_reason,
    with_a_required_header,
    with_fewer_sizes,
    with_another_type,
    with_a_new_status,
    with_nullable_ids,
    with_another_success,
)


def with_a_new_field(document: Json) -> None:
    schema(document, "Job")["properties"]["nickname"] = {"type": "string"}


def with_a_new_parameter(document: Json) -> None:
    query = {"in": "query", "name": "color", "required": False, "schema": {"type": "string"}}
    document["paths"]["/jobs"]["get"]["parameters"].append(query)


def changed(folder: Path, change: Callable[[Json], None]) -> Path:
    """The document of today with a change in it."""
    document = copy.deepcopy(json.loads(TODAY.read_text()))
    change(document)
    path = folder / "openapi.json"
    path.write_text(json.dumps(document))
    return path


def test_nothing_that_the_last_release_promised_is_broken(breaking_changes: Compare):
    code, said = breaking_changes(RELEASED, TODAY)

    assert code == 0, f"see docs/api/released/README.md\n{said}"


@pytest.mark.parametrize("change", BREAKING, ids=lambda change: change.__name__)
def test_a_change_that_breaks_clients_is_found(
    breaking_changes: Compare, tmp_path: Path, change: Callable[[Json], None]
):
    code, said = breaking_changes(TODAY, changed(tmp_path, change))

    assert code == 1, said


@pytest.mark.parametrize("change", [with_a_new_field, with_a_new_parameter], ids=lambda change: change.__name__)
def test_what_only_adds_passes(breaking_changes: Compare, tmp_path: Path, change: Callable[[Json], None]):
    code, said = breaking_changes(TODAY, changed(tmp_path, change))

    assert code == 0, said
