"""The links of the document (OpenAPI's "links"): which answer holds what another operation asks for."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

PARAMETER = re.compile(r"\{(\w+)\}")
Document = dict[str, Any]


def add_links(document: Document) -> None:
    """Put links at the answers of what makes things, to all that can be done with them, and of lists.

    They go by names: an answer's field `jobId` leads to the operations of `/jobs/{jobId}`. A list leads to its next
    page, and not to its items, since it may be empty.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for answer in good_answers(operation):
                links = dict(links_from(document, path, method, answer))
                if links:
                    answer["links"] = links


def good_answers(operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers of an operation that are no problems."""
    return [answer for status, answer in operation["responses"].items() if status.startswith("2")]


def links_from(document: Document, path: str, method: str, answer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The links of one answer, by name."""
    properties = properties_of(document, answer["content"]["application/json"]["schema"])
    if method in ("post", "put"):
        yield from to_operations(document, path, set(properties))
    if "nextCursor" in properties:
        own = document["paths"][path][method]["operationId"]
        yield "nextPage", {"operationId": own, "parameters": {"cursor": "$response.body#/nextCursor"}}


def to_operations(document: Document, path: str, known: set[str]) -> Iterator[tuple[str, Any]]:
    """Links to the operations on the things of `path`, all of whose path parameters are `known`."""
    things = f"/{path.split('/')[1]}/{{"
    for target, methods in document["paths"].items():
        names = PARAMETER.findall(target)
        if target != path and target.startswith(things) and set(names) <= known:
            for operation in methods.values():
                parameters = {name: f"$response.body#/{name}" for name in names}
                yield operation["operationId"], {"operationId": operation["operationId"], "parameters": parameters}


def properties_of(document: Document, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that an object of this schema has."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return properties_of(document, document["components"]["schemas"][name])
    found: dict[str, Any] = schema.get("properties", {})
    return found
