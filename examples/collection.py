"""The Postman collection: the document, converted, and put into the order and the words of the scenario."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.player import changed
from examples.steps import Step

Json = dict[str, Any]
LOCAL = "http://127.0.0.1:8000"
WORD = re.compile(r"\{(\w+)\}")
MOST_POLLS = 240
CHECKS = Path(__file__).with_name("postman_checks.js")


def collection_of(converted: Json, document: Json, chapters: Mapping[str, Sequence[Step]]) -> Json:
    """The collection of all steps that anybody can take, from what the converter made of the document."""
    requests = {key_of(item): item for folder in converted["item"] for item in folder["item"]}
    operations = {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    folders = []
    for name, steps in chapters.items():
        items = [item_of(step, requests, *operations[step.operation]) for step in steps if not step.inside]
        folders.append({"name": name, "item": items})
    return {
        "info": {
            "name": converted["info"]["name"],
            "description": converted["info"]["description"]["content"],
            "schema": converted["info"]["schema"],
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{bearerToken}}", "type": "string"}]},
        "variable": [{"key": "baseUrl", "value": LOCAL}, {"key": "bearerToken", "value": ""}],
        "event": [script("test", CHECKS.read_text().splitlines())],
        "item": folders,
    }


def key_of(item: Json) -> str:
    """Method and path of a request of the converter's, as `POST /jobs/:jobId/cancel`."""
    return f"{item['request']['method']} /{'/'.join(item['request']['url']['path'])}"


def item_of(step: Step, requests: Mapping[str, Json], method: str, path: str, operation: Json) -> Json:
    """One request of the collection: the converter's, with what the step sends."""
    known = requests[f"{method.upper()} {WORD.sub(lambda word: f':{word[1]}', path)}"]["request"]
    headers = {"X-Correlation-Id": f"example-{step.operation}-{step.name}", **type_of(step), **step.headers}
    variables = [{"key": name, "value": value} for name, value in path_values(path, step.path)]
    name = f"{operation['summary']} ({step.name})"
    request = {
        "name": name,
        # Without the command of the document, which the collection replaces.
        "description": known["description"]["content"].partition("\n\nFor example:")[0],
        "method": known["method"],
        "url": {**known["url"], "query": parameters(known["url"]["query"], step.query), "variable": variables},
        "header": parameters(known["header"], headers),
        **body_of(step),
        **({} if "security" in operation else {"auth": {"type": "noauth"}}),
    }
    before = script("prerequest", [f'pm.variables.set("expectedStatuses", {list(step.statuses)});'])
    after = [script("test", lines)] if (lines := list(lines_after(step))) else []
    return {"name": name, "event": [before, *after], "request": request, "response": []}


def body_of(step: Step) -> Json:
    """What the step sends, if it sends anything."""
    raw = step.text if step.body is None else json.dumps(in_words_of_postman(step.body), indent=2)
    return {} if raw is None else {"body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}}


def type_of(step: Step) -> dict[str, str]:
    """The type of a body, if there is one."""
    return {"Content-Type": "application/json"} if step.body is not None or step.text is not None else {}


def parameters(known: Sequence[Json], given: Mapping[str, str]) -> list[Json]:
    """All that the document has, with the values of the step; those that it does not send are there, and off."""
    found = []
    for each in known:
        if each["key"] in ("Accept", "Authorization") or (
            each["key"] == "Content-Type" and "Content-Type" not in given
        ):
            continue
        value = in_words_of_postman(given.get(each["key"], ""))
        about = {"description": each["description"]["content"]} if "description" in each else {}
        found.append({"key": each["key"], "value": value, "disabled": each["key"] not in given, **about})
    return found


def path_values(template: str, path: str) -> Iterator[tuple[str, str]]:
    """What stands in a step's path for each parameter of its operation."""
    for part, value in zip(template.split("/"), path.split("/"), strict=True):
        if word := WORD.fullmatch(part):
            yield word[1], in_words_of_postman(value)


def in_words_of_postman(value: Any) -> Any:
    """The same with `{{word}}` for every `{word}`."""
    return changed(value, lambda text: WORD.sub(r"{{\1}}", text))


def lines_after(step: Step) -> Iterator[str]:
    """What the request's own script does with the answer: keep parts of it, or send the request again."""
    for word, pointer in step.keep.items():
        yield f'pm.collectionVariables.set("{word}", pm.response.json(){members(pointer)});'
    if step.until is not None:
        pointer, wanted = step.until
        yield "const polls = pm.collectionVariables.get(pm.info.requestName) || 0;"
        yield f"const waits = pm.response.code < 400 && pm.response.json(){members(pointer)} !== {json.dumps(wanted)};"
        yield f"if (waits && polls < {MOST_POLLS}) {{"
        yield "    pm.collectionVariables.set(pm.info.requestName, polls + 1);"
        yield "    pm.execution.setNextRequest(pm.info.requestName);"
        yield "    setTimeout(() => {}, 500);"
        yield "} else {"
        yield "    pm.collectionVariables.unset(pm.info.requestName);"
        yield f'    pm.test("{pointer} is {wanted}", () => pm.expect(waits).to.equal(false));'
        yield "}"


def members(pointer: str) -> str:
    """A JSON pointer as JavaScript: `["items"][0]` for /items/0."""
    return "".join(f"[{part}]" if part.isdigit() else f'["{part}"]' for part in pointer.split("/")[1:])


def script(when: str, lines: Sequence[str]) -> Json:
    """A script of Postman's."""
    return {"listen": when, "script": {"type": "text/javascript", "exec": list(lines)}}
