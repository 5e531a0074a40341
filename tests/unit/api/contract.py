"""Every answer of every test is held against the document: its status, its type, and each of its fields."""

from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from api.document.openapi import document_of, path_of

PROBLEM = "application/problem+json"
# Made before a route is found, or for one that has no place in the document.
WITHOUT_ROUTE = {"$ref": "#/components/schemas/Problem"}


_document: dict[str, Any] = {}


def the_document(app: Flask) -> dict[str, Any]:
    """The document, made once: it does not depend on the settings."""
    if not _document:
        _document.update(document_of(app))
    return _document


class Contract:
    """The document of an application, as a judge of its answers."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._document = the_document(app)

    def check(self, method: str, path: str, response: TestResponse) -> None:
        """Fails the test if the document does not allow this answer."""
        assert response.headers["X-Correlation-Id"], "no correlation id"
        responses = self._responses(method, path)
        if responses is None or response.status_code == 405:
            if response.status_code >= 400:
                assert response.mimetype == PROBLEM
                self._check_schema(WITHOUT_ROUTE, response.get_json())
            return
        where = f"{method} {path} -> {response.status_code}"
        assert str(response.status_code) in responses, f"the document has no {where}"
        content = responses[str(response.status_code)]["content"]
        assert list(content) == [response.mimetype], f"the document has another type for {where}"
        self._check_schema(content[response.mimetype]["schema"], response.get_json())
        if response.mimetype == PROBLEM:
            examples = content[PROBLEM]["examples"]
            assert response.get_json()["code"] in examples, f"the document has no {response.get_json()['code']} {where}"

    def _responses(self, method: str, path: str) -> Any:
        adapter = self._app.url_map.bind("")
        try:
            rule, _ = adapter.match(path.partition("?")[0], method=method, return_rule=True)
        except HTTPException:
            return None
        return self._document["paths"].get(path_of(rule), {}).get(method.lower(), {}).get("responses")

    def _check_schema(self, schema: Any, value: Any) -> None:
        Draft202012Validator({**schema, "components": self._document["components"]}).validate(value)
