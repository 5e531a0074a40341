"""The document: valid, complete, its examples true, and its committed copy the same."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.document.errors_page import errors_page
from api.document.openapi import document_of, document_text, path_of
from api.protocol.errors import ANSWERED
from tests.unit.api.service import Api

DOCS = Path(__file__).parents[3] / "docs" / "api"
OUTSIDE_THE_DOCUMENT = {"/openapi.json", "/docs", "/docs/init.js", "/docs/<name>", "/metrics"}


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    """The document of the application."""
    return document_of(api.app)


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every operation by its method and path."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def contents(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every body of the document, of requests and of answers."""
    found = []
    for name, operation in operations(document):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        found += [
            (f"{name} {which}", content)
            for which, body in bodies.items()
            for content in body.get("content", {}).values()
        ]
    return found


def test_the_document_is_valid_openapi(document: dict[str, Any]):
    OpenAPIV31SpecValidator(document).validate()

    assert document["openapi"] == "3.1.0"


def test_every_body_has_an_example_and_every_example_fits_its_schema(document: dict[str, Any]):
    for where, content in contents(document):
        schema = {**content["schema"], "components": document["components"]}
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        assert content.get("examples"), f"{where}: add a step to examples/scenario.py and run `make examples docs`"
        for example in content["examples"].values():
            assert not list(validator.iter_errors(example["value"])), where


def test_every_route_is_in_the_document(api: Api, document: dict[str, Any]):
    rules = [rule for rule in api.app.url_map.iter_rules() if rule.rule not in OUTSIDE_THE_DOCUMENT]

    assert set(document["paths"]) == {path_of(rule) for rule in rules}


def test_every_operation_has_a_summary_a_tag_and_a_name_of_its_own(document: dict[str, Any]):
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert [name for name, operation in operations(document) if not (operation["summary"] and operation["tags"])] == []


def test_every_answer_says_what_it_is_and_of_what_type(document: dict[str, Any]):
    bare = [
        f"{name} {status}"
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if not answer["description"] or len(answer["content"]) != 1
    ]

    assert bare == []
    assert all("500" in operation["responses"] for _, operation in operations(document))


def test_only_probes_and_signed_reports_ask_for_no_token(document: dict[str, Any]):
    public = {name for name, operation in operations(document) if not operation.get("security")}

    assert public == {"GET /health/live", "GET /health/ready", "POST /internal/jobs/{jobId}/status"}


def test_no_schema_has_words_of_older_versions(document: dict[str, Any]):
    words = set(words_of(document["components"]["schemas"]))

    assert "type" in words
    assert words & {"nullable", "x-nullable", "discriminator"} == set()


def words_of(schema: Any) -> Iterator[str]:
    """Every key at any depth; a property that is named like one would be found too."""
    if isinstance(schema, dict):
        yield from schema
        for inner in schema.values():
            yield from words_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from words_of(inner)


def test_what_the_keys_of_a_map_must_be_is_said(document: dict[str, Any]):
    tags = document["components"]["schemas"]["Submission"]["properties"]["tags"]

    assert tags["propertyNames"] == {"type": "string", "minLength": 1, "maxLength": 64}
    assert "propertyNames" not in document["components"]["schemas"]["Submission"]["properties"]["parameters"]


def links(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every link: the operation that it is an answer of, its name, and what it says."""
    return [
        (operation["operationId"], name, link)
        for _, operation in operations(document)
        for answer in operation["responses"].values()
        for name, link in answer.get("links", {}).items()
    ]


def test_every_link_leads_to_an_operation_that_has_its_parameters(document: dict[str, Any]):
    parameters = {
        operation["operationId"]: {each["name"] for each in operation["parameters"]}
        for _, operation in operations(document)
    }

    assert [
        link for _, _, link in links(document) if not set(link["parameters"]) <= parameters[link["operationId"]]
    ] == []


@pytest.mark.parametrize(
    ("operation", "led_to"),
    [
        ("submitJob", {"getJob", "cancelJob", "getHistory", "getExplanation", "getOutputs"}),
        ("cancelJob", {"getJob", "getHistory", "getExplanation", "getOutputs"}),
        ("listJobs", {"nextPage"}),
        ("getJob", set()),
        ("listJobTypes", set()),
    ],
)
def test_what_an_operation_made_is_linked_to(document: dict[str, Any], operation: str, led_to: set[str]):
    found = {name for source, name, _ in links(document) if source == operation}

    assert led_to <= found
    assert bool(led_to) == bool(found)


def test_a_link_says_where_in_the_answer_the_value_is(document: dict[str, Any]):
    found = {(source, name): link for source, name, link in links(document)}

    assert found["submitJob", "getJob"]["parameters"] == {"jobId": "$response.body#/jobId"}
    assert found["listJobs", "nextPage"] == {
        "operationId": "listJobs",
        "parameters": {"cursor": "$response.body#/nextCursor"},
    }


def test_every_property_is_described(document: dict[str, Any]):
    plain = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, meaning in schema["properties"].items()
        if "$ref" not in meaning and not meaning.get("description")
    ]

    assert plain == []


def test_the_document_speaks_of_no_error_that_the_table_of_errors_lacks(document: dict[str, Any]):
    told = {
        example["value"]["code"]
        for _, content in contents(document)
        for example in content.get("examples", {}).values()
        if "code" in example["value"]
    }

    assert told <= {error.code for error in ANSWERED}


def test_the_committed_document_is_what_the_api_serves(api: Api, document: dict[str, Any]):
    committed = (DOCS / "openapi.json").read_text()

    assert committed == document_text(document), "run: python -m api.document.openapi > docs/api/openapi.json"
    assert api.get("/openapi.json").text == committed


def test_the_committed_table_of_errors_is_made_from_the_code():
    committed = (DOCS / "errors.md").read_text()

    assert committed == errors_page(), "run: python -m api.document.errors_page > docs/api/errors.md"


def test_the_page_loads_only_what_this_api_serves(api: Api):
    page = api.get("/docs")
    linked = [part.split('"')[0] for name in ('src="', 'href="') for part in page.text.split(name)[1:]]

    assert page.mimetype == "text/html"
    assert "unsafe-eval" not in page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert len(linked) == 4
    for path in linked:
        assert api.get(path).status_code == 200, path
    assert '"/openapi.json"' in api.get("/docs/init.js").text


def test_a_page_whose_parts_are_not_installed_says_so(api: Api, monkeypatch: pytest.MonkeyPatch):
    from api.document import docs_page

    docs_page.assets_folder.cache_clear()
    monkeypatch.setattr(docs_page, "find_spec", lambda name: None)

    assert api.get("/docs/swagger-ui.css").status_code == 404
    assert find_spec("flask_swagger_ui") is not None
