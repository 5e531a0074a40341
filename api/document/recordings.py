"""Requests that were really sent and what was really answered, as the document shows them.

They are recorded by `make examples`; what is sent is in examples/scenario.py.
"""

import functools
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded_examples.json")
COMMAND = "```sh\n"
Recording = Mapping[str, Any]
Document = dict[str, Any]


@functools.cache
def recordings() -> tuple[Recording, ...]:
    """All of them, in the order in which they were sent."""
    return tuple(json.loads(RECORDED.read_text()))


def add_recordings(document: Document) -> None:
    """Show at every operation what was sent to it, and what it answered."""
    by_operation: dict[str, list[Recording]] = {}
    for recording in recordings():
        by_operation.setdefault(recording["operation"], []).append(recording)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            found = by_operation.get(operation["operationId"], [])
            # Those that went well first: they are what somebody wants to do.
            for recording in sorted(found, key=lambda each: each["answer"]["status"] >= 300):
                show_answer(operation, recording)
                if recording["answer"]["status"] < 300:
                    show_request(operation, path, recording)


def show_answer(operation: dict[str, Any], recording: Recording) -> None:
    """The answer, as an example of its status; of a problem by its code."""
    answer = recording["answer"]
    for content in operation["responses"].get(str(answer["status"]), {}).get("content", {}).values():
        name = recording["name"] if answer["status"] < 300 else answer["body"]["code"]
        content.setdefault("examples", {})[name] = {"value": answer["body"]}


def show_request(operation: dict[str, Any], path: str, recording: Recording) -> None:
    """The request: its body as an example; and of the first one its parameters, and all of it as a command."""
    request = recording["request"]
    if request["body"] is not None:
        content = operation["requestBody"]["content"]["application/json"]
        content.setdefault("examples", {})[recording["name"]] = {"value": request["body"]}
    if COMMAND in operation.get("description", ""):
        return
    values = dict(values_of(path, request))
    for parameter in operation["parameters"]:
        if (parameter["in"], parameter["name"]) in values:
            text = values[parameter["in"], parameter["name"]]
            parameter["example"] = typed(parameter["schema"].get("type"), text)
    about = [operation["description"]] if "description" in operation else []
    operation["description"] = "\n\n".join((*about, "For example:", f"{COMMAND}{command_of(request)}\n```"))


def values_of(path: str, request: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """The parameters of a request, by where they are and their names."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    matched = re.fullmatch(pattern, request["path"])
    found = {"path": matched.groupdict() if matched else {}, "query": request["query"], "header": request["headers"]}
    for where, values in found.items():
        for name, value in values.items():
            yield (where, name), value


def typed(kind: str | None, text: str) -> Any:
    """A parameter's text as a value of its type."""
    if kind == "integer":
        return int(text)
    if kind == "boolean":
        return text == "true"
    return text.split(",") if kind == "array" else text


def command_of(request: Mapping[str, Any]) -> str:
    """A request as a command for a shell."""
    query = "&".join(f"{name}={value}" for name, value in request["query"].items())
    address = f'"$CDP_API_URL{request["path"]}{"?" if query else ""}{query}"'
    parts = [f"curl -X {request['method']} {address}"]
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in request["headers"].items()]
    if request["body"] is not None:
        parts.append(f"-d {shlex.quote(json.dumps(request['body'], ensure_ascii=False))}")
    return " \\\n  ".join(parts)
