"""Secrets of each kind, all of which can be found again by one word, and requests that hold them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

MARK = "planted"
# One of each kind.
SECRETS = {
    "bearer token": f"Bearer {MARK}-opaque-token",
    "access token": f"eyJhbGciOiJSUzI1NiJ9.{MARK}cGF5bG9hZA.c2ln{MARK}",
    "presigned link": f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={MARK}0123",
    "callback key": f"whsec_{MARK}MfKQ9r8GKYqr",
    "e-mail": f"{MARK}.person@mail.example.com",
    "password of an address": f"jdbc:postgresql://ann:{MARK}7@db.example.com/x",
    "password of a query": f"https://db.example.com/x?user=ann&password={MARK}8",
}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Attempt:
    """A request that holds a secret."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def send(self, url: str) -> requests.Response:
        """The answer to it."""
        return requests.request(
            self.method, url + self.path, params=self.query, headers=self.headers, data=self.body, timeout=30
        )


def attempts_of(document: dict[str, Any]) -> Iterator[Attempt]:
    """Requests with a secret of each kind in each place of each operation that a document names."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "delete", "patch"):
                for secret in SECRETS.values():
                    yield from attempts_at(document, method.upper(), path, operation, secret)


def deep_attempts() -> Iterator[Attempt]:
    """Requests that are right but for a secret somewhere inside."""
    for secret in SECRETS.values():
        job = {"jobType": "sql", "inputs": [], "parameters": {"query": "SELECT 1"}}
        wrong = [
            {"jobType": secret},
            {"inputs": [{"name": secret, "uri": secret}]},
            {"inputs": [{"name": "flights", "uri": f"s3://{secret}/x.csv"}]},
            {"parameters": {secret: 1, "query": [secret]}},
            {"tags": {secret: secret}},
            {"size": secret},
            {"size": {"executors": secret, secret: 1}},
        ]
        for part in wrong:
            yield Attempt("POST", "/jobs", headers=JSON, body=json.dumps(job | part).encode())
            yield Attempt("POST", "/jobs/batch", headers=JSON, body=json.dumps({"jobs": [job | part]}).encode())
        columns = [{"name": "a", "type": "string", "default": 1, secret: 1}, {"name": secret, "type": secret}]
        contract = {"columns": columns, "name": secret, "description": secret, "key": [secret]}
        yield Attempt("PUT", "/contracts/sown/1.0.0", headers=JSON, body=json.dumps(contract).encode())
        file = {"fileName": f"{secret}/", "sizeBytes": -1, "sha256": secret, "tags": {secret: secret}}
        yield Attempt("POST", "/datasets", headers=JSON, body=json.dumps(file).encode())
        for path in (f"/{requests.utils.quote(secret, safe='')}", f"/jobs/x/{secret}", "/metrics"):
            yield Attempt("GET", path, headers={"X-Forwarded-For": secret})


def attempts_at(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any], secret: str
) -> Iterator[Attempt]:
    """In its path, its query, its headers, and the names and values of its body."""
    parameters = [resolved(document, each) for each in operation.get("parameters", [])]
    plain = filled(path, parameters, "01900000-0000-7000-8000-000000000000")
    yield Attempt(method, filled(path, parameters, requests.utils.quote(secret, safe="")))
    yield Attempt(method, plain, query={secret: "1", "unknown": secret})
    named = {each["name"]: secret for each in parameters if each["in"] == "query"}
    yield Attempt(method, plain, query=named)
    usual = ["Authorization", "X-Correlation-Id", "Idempotency-Key", "traceparent", "tracestate", "Cookie", "X-Other"]
    wanted = [each["name"] for each in parameters if each["in"] == "header"]
    yield Attempt(method, plain, headers=dict.fromkeys((*usual, *wanted), secret))
    if "requestBody" in operation:
        yield from bodies_at(document, method, plain, operation, secret)


def bodies_at(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any], secret: str
) -> Iterator[Attempt]:
    """Bodies that are no JSON, those with fields that nobody knows, and those with a secret in each field."""
    content = operation["requestBody"]["content"].get("application/json", {})
    known = resolved(document, content.get("schema", {})).get("properties", {})
    spelt = json.dumps(secret)
    bodies = [secret, "{" + spelt, f"[{spelt}]", f"{{{spelt}: 1, {spelt}: 2}}", json.dumps({secret: 1, "x": secret})]
    bodies += [json.dumps(dict.fromkeys(known, value)) for value in (secret, [secret], {secret: secret})]
    for body in bodies:
        yield Attempt(method, path, headers=JSON, body=body.encode())
    yield Attempt(method, path, headers={"Content-Type": f"text/{MARK}"}, body=secret.encode())


def filled(path: str, parameters: list[dict[str, Any]], value: str) -> str:
    """A path with a value for each of its parameters."""
    for each in parameters:
        path = path.replace(f"{{{each['name']}}}", value) if each["in"] == "path" else path
    return path


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a part of the document refers to, if it does."""
    while "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part
