"""The document: valid, complete, its examples true, and its committed copy the same."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.errors import ANSWERED
from api.errors_page import errors_page
from api.openapi import document_of, document_text
from tests.unit.api.service import Api

DOCS = Path(__file__).parents[3] / "docs" / "api"
OUTSIDE_THE_DOCUMENT = {"/openapi.json", "/docs", "/docs/init.js", "/docs/<name>"}


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
        assert content["examples"], where
        for example in content["examples"].values():
            assert not list(validator.iter_errors(example["value"])), where


def test_every_route_is_in_the_document(api: Api, document: dict[str, Any]):
    rules = {rule.rule for rule in api.app.url_map.iter_rules()} - OUTSIDE_THE_DOCUMENT
    expected = {rule.replace("<job_id>", "{jobId}").replace("<name>", "{name}") for rule in rules}

    assert set(document["paths"]) == expected


def test_every_operation_has_a_summary_and_a_name_of_its_own(document: dict[str, Any]):
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, operation in operations(document))


def test_every_property_is_described(document: dict[str, Any]):
    plain = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, meaning in schema["properties"].items()
        if "$ref" not in meaning and not meaning.get("description")
    ]

    assert plain == []


def test_the_document_speaks_of_no_error_that_the_table_of_errors_lacks(document: dict[str, Any]):
    told = {code for _, content in contents(document) for code in content["examples"]} - {"example"}

    assert told <= {error.code for error in ANSWERED}


def test_the_committed_document_is_what_the_api_serves(api: Api, document: dict[str, Any]):
    committed = (DOCS / "openapi.json").read_text()

    assert committed == document_text(document), "run: python -m api.openapi > docs/api/openapi.json"
    assert api.get("/openapi.json").text == committed


def test_the_committed_table_of_errors_is_made_from_the_code():
    committed = (DOCS / "errors.md").read_text()

    assert committed == errors_page(), "run: python -m api.errors_page > docs/api/errors.md"


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
    from api import docs_page

    docs_page.assets_folder.cache_clear()
    monkeypatch.setattr(docs_page, "find_spec", lambda name: None)

    assert api.get("/docs/swagger-ui.css").status_code == 404
    assert find_spec("flask_swagger_ui") is not None
