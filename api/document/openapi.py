"""The OpenAPI document, made from the routes, their decorators and their docstrings.

python -m api.document.openapi > docs/api/openapi.json
"""

import copy
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from api.document.links import add_links
from api.document.recordings import add_recordings
from api.identity.callers import SCOPES
from api.protocol.edges import CORRELATION_HEADER
from api.protocol.errors import RETRY_AFTER_SECONDS, problem_document
from api.protocol.fields import CommaList
from api.protocol.operations import Operation, operation_of
from api.protocol.problem_schema import ProblemSchema
from api.rate_limits import HEADERS
from shared.contracts.contract_schema import DOCUMENT
from shared.errors import AppError, Forbidden, ServiceUnavailable, TooManyRequests, Unauthenticated
from shared.settings import VERSION

PROBLEM = "application/problem+json"
EXAMPLE_CORRELATION_ID = "nightly-flights-2026-11-23"
DESCRIPTION = """\
Submit Spark jobs, follow them, and fetch what they wrote.

Every error is a problem document (RFC 9457) whose `code` is stable; `errors` points at the fields that are wrong.
Times are ISO 8601 in UTC. Unknown fields and query parameters are refused. Send X-Correlation-Id to find a request
and its job in the logs; it comes back on every answer.

The examples were really sent, and are what was really answered, on a local cloud (`make run`), which asks for no token.
Elsewhere a request needs `-H "Authorization: Bearer $CDP_TOKEN"` besides.
"""
CorrelationSchema = Schema.from_dict(
    {
        CORRELATION_HEADER: fields.String(
            metadata={
                "description": (
                    "An id of your own for this request and all that follows from it: 8 to 128 letters, digits, "
                    "dots, hyphens and underscores. Without one, or with any other text, it gets one."
                )
            }
        )
    },
    name="CorrelationSchema",
)
BEARER = "bearer"
ABOUT_TOKENS = {
    "description": "An access token of the OpenID provider that this service trusts. Its scopes: "
    + "; ".join(f"`{scope}` to {meaning}" for scope, meaning in SCOPES.items())
    + "."
}
CONTRACT_DOCUMENT = "ContractDocument"
PATH_PARAMETERS = {
    "job_id": {"description": "The id of a job.", "schema": {"type": "string", "format": "uuid"}},
    "dataset_id": {"description": "The id of a dataset.", "schema": {"type": "string", "format": "uuid"}},
    "name": {"description": "The name of a job type or of a contract.", "schema": {"type": "string"}},
    "version": {
        "description": "The version of a contract: three numbers, such as 1.0.0.",
        "schema": {"type": "string"},
    },
}
PATH_PARAMETER = re.compile(r"<(\w+)>")


def document_of(app: Flask) -> dict[str, Any]:
    """The document of all routes that have an operation."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name_of)
    spec = APISpec(
        title="Cloud Data Platform",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": "/", "description": "Wherever this document comes from"}],
        plugins=[plugin],
    )
    assert plugin.converter is not None  # the line above made it
    plugin.converter.add_attribute_function(names_of_keys)  # type: ignore[no-untyped-call]
    plugin.converter.add_parameter_attribute_function(lists_with_commas)
    spec.components.schema("Problem", schema=ProblemSchema)
    spec.components.schema(CONTRACT_DOCUMENT, component=copy.deepcopy(DOCUMENT))
    spec.components.security_scheme(BEARER, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", **ABOUT_TOKENS})
    for rule, view, operation in sorted(_documented(app), key=lambda found: found[0].rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            spec.path(path=path_of(rule), operations={method.lower(): operation_object(rule, view, operation)})
    document: dict[str, Any] = spec.to_dict()
    add_links(document)
    add_recordings(document)
    return document


def names_of_keys(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """What the keys of a map must be, of which apispec says nothing."""
    if isinstance(field, fields.Dict) and field.key_field is not None and field.key_field.validators:
        return {"propertyNames": converter.field2property(field.key_field)}
    return {}


def lists_with_commas(_: OpenAPIConverter, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    """How a list of one value is spelt, where apispec thinks that the parameter is repeated."""
    return {"explode": False} if isinstance(field, CommaList) else {}


def document_text(document: Mapping[str, Any]) -> str:
    """The document as it is sent, and committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _documented(app: Flask) -> Iterator[tuple[Rule, Callable[..., Any], Operation]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        if operation is not None:
            yield rule, view, operation


def _name_of(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def path_of(rule: Rule) -> str:
    """A route's path as the document spells it: `/jobs/{jobId}` for `/jobs/<job_id>`."""
    return PATH_PARAMETER.sub(lambda match: f"{{{camel_case(match[1])}}}", rule.rule)


def operation_object(rule: Rule, view: Callable[..., Any], operation: Operation) -> dict[str, Any]:
    """One operation of the document."""
    tag, _, name = rule.endpoint.partition(".")
    summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
    found: dict[str, Any] = {
        "operationId": camel_case(name),
        "tags": [tag],
        "summary": summary.removesuffix("."),
        "parameters": list(parameters_of(rule, operation)),
        "responses": dict(responses_of(operation)),
    }
    if description:
        found["description"] = description
    if operation.scopes:
        found["security"] = [{BEARER: [scope]} for scope in operation.scopes]
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        found["requestBody"] = {"required": operation.body_is_required, "content": content}
    return found


def parameters_of(rule: Rule, operation: Operation) -> Iterator[dict[str, Any]]:
    """The parameters of an operation: in its path, its query and its headers."""
    for name in PATH_PARAMETER.findall(rule.rule):
        yield {"in": "path", "name": camel_case(name), "required": True, **PATH_PARAMETERS[name]}
    if operation.query is not None:
        yield {"in": "query", "schema": operation.query}
    if operation.headers is not None:
        yield {"in": "header", "schema": operation.headers}
    yield {"in": "header", "schema": CorrelationSchema}


def responses_of(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answers of an operation, by status: the good ones, and the problems it can meet."""
    always = {CORRELATION_HEADER: "The correlation id of this request.", **(HEADERS if operation.limited_as else {})}
    for answer in operation.answers:
        yield (
            str(answer.status.value),
            {
                "description": answer.status.phrase,
                "headers": _headers({**answer.headers, **always}),
                "content": {"application/json": {"schema": answer.schema}},
            },
        )
    possible: list[type[AppError]] = [*operation.problems, AppError]
    for status in sorted({problem.http_status for problem in possible}):
        yield (
            str(status.value),
            problem_response_object([each for each in possible if each.http_status == status], always),
        )


def problem_response_object(problems: list[type[AppError]], always: Mapping[str, str]) -> dict[str, Any]:
    """The response of one status that one or more problems have; `always` are the headers of every answer."""
    headers = dict(always)
    if any(issubclass(problem, ServiceUnavailable | TooManyRequests) for problem in problems):
        headers["Retry-After"] = f"Seconds to wait before trying again, such as {RETRY_AFTER_SECONDS}."
    if any(issubclass(problem, Unauthenticated | Forbidden) for problem in problems):
        headers["WWW-Authenticate"] = "What is wrong with the access token, as RFC 6750 says it."
    examples = {
        problem.code: {"value": problem_document(problem, f"{problem.title}.", EXAMPLE_CORRELATION_ID)}
        for problem in problems
    }
    return {
        "description": "; ".join(dict.fromkeys(problem.title for problem in problems)) + ".",
        "headers": _headers(headers),
        "content": {PROBLEM: {"schema": ProblemSchema, "examples": examples}},
    }


def _headers(meanings: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in meanings.items()}


def camel_case(name: str) -> str:
    """`jobId` for `job_id`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


if __name__ == "__main__":
    from api.wsgi import app as built

    sys.stdout.write(document_text(document_of(built)))
