"""Plays the scenario against a server: sends each request, and keeps what later ones need."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from examples.steps import Step
from shared.signatures import callback_key, sign

ANSWER_SECONDS = 30
PAUSE_SECONDS = 0.5
WORD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Played:
    """A step, what was sent for it, and the answer."""

    step: Step
    sent: requests.PreparedRequest
    answer: requests.Response


class OtherAnswer(Exception):
    """A step was not answered as the scenario says."""


@dataclass(frozen=True)
class Target:
    """The server, the master key of its signed reports, and how long jobs may take there."""

    url: str
    signing_key: str
    patience_seconds: float = 180


def play(steps: Iterable[Step], target: Target) -> Iterator[Played]:
    """Every step in turn. Raises: OtherAnswer."""
    kept: dict[str, str] = {}
    for step in steps:
        played = play_step(step, target, kept)
        if played.answer.status_code not in step.statuses:
            text = f"{step.operation} {step.name}: {played.answer.status_code} instead of {step.status}"
            raise OtherAnswer(f"{text}: {played.answer.text}")
        for word, pointer in step.keep.items():
            kept[word] = str(value_at(played.answer.json(), pointer))
        yield played


def play_step(step: Step, target: Target, kept: Mapping[str, str]) -> Played:
    """Send one request, or the same one until its answer has what is waited for. Raises: OtherAnswer."""
    deadline = time.monotonic() + target.patience_seconds
    with requests.Session() as session:
        while True:
            sent = session.prepare_request(request_of(step, target, kept))
            answer = session.send(sent, timeout=ANSWER_SECONDS, allow_redirects=False)
            if not answer.ok or step.until is None or value_at(answer.json(), step.until[0]) == step.until[1]:
                return Played(step, sent, answer)
            if time.monotonic() > deadline:
                raise OtherAnswer(f"{step.operation} {step.name} waited in vain: {answer.text}")
            time.sleep(PAUSE_SECONDS)


def request_of(step: Step, target: Target, kept: Mapping[str, str]) -> requests.Request:
    """The request of a step, with all words replaced."""
    path = filled(step.path, kept)
    headers = {"X-Correlation-Id": f"example-{step.operation}-{step.name}", **step.headers}
    data = step.text
    if step.body is not None:
        data = json.dumps(filled(step.body, kept))
    if data is not None:
        headers = {"Content-Type": "application/json", **headers}
    if step.signed:
        headers |= signature(target.signing_key, path.split("/")[3], step.body["attempt"], str(data).encode())
    url = path if step.is_elsewhere else target.url + path
    return requests.Request(step.method, url, headers, data=data, params=filled(step.query, kept))


def signature(master_key: str, job_id: str, attempt: int, body: bytes) -> dict[str, str]:
    """The headers of a report that an attempt signs."""
    message_id, timestamp = f"msg-{uuid.uuid4()}", int(time.time())
    key = callback_key(master_key, job_id, attempt)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, message_id, timestamp, body),
    }


def filled(value: Any, kept: Mapping[str, str]) -> Any:
    """The same with every {word} replaced by what was kept under it."""
    return changed(value, lambda text: WORD.sub(lambda match: kept[match[1]], text))


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """The same JSON with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: changed(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [changed(inner, change) for inner in value]
    return value


def value_at(document: Any, pointer: str) -> Any:
    """What lies in a JSON document at a pointer such as /items/0/jobId."""
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
