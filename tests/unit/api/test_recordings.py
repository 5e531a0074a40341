"""Requests and answers that were recorded: there is one for every operation, and they are shown as they were."""

import json
import re
from typing import Any

import pytest

from api.document.openapi import document_of
from api.document.recordings import RECORDED, add_recordings, command_of, recordings
from examples.__main__ import RECORDED as WRITTEN
from examples.scenario import SCENARIO
from tests.unit.api.service import Api

ANEW = "add a step to examples/scenario.py and run `make examples docs`"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the application."""
    return document_of(Api().app)


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and operation by operationId."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def good() -> list[dict[str, Any]]:
    """The recordings that went well."""
    return [dict(each) for each in recordings() if each["answer"]["status"] < 300]


def test_every_operation_has_a_request_and_an_answer_that_were_recorded(document: dict[str, Any]):
    assert set(operations(document)) == {each["operation"] for each in good()}, ANEW


def test_what_is_recorded_is_what_the_api_ships():
    assert WRITTEN == RECORDED


def test_what_was_recorded_is_what_the_scenario_sends():
    sent = [(step.operation, step.name, step.method, step.status) for step in SCENARIO if not step.hidden]
    recorded = [
        (each["operation"], each["name"], each["request"]["method"], each["answer"]["status"]) for each in recordings()
    ]

    assert recorded == sent, ANEW


def test_a_recording_is_about_the_path_of_its_operation(document: dict[str, Any]):
    for each in recordings():
        method, path, operation = operations(document)[each["operation"]]
        assert each["request"]["method"].lower() == method
        assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), each["request"]["path"]), each["name"]
        assert str(each["answer"]["status"]) in operation["responses"], each["name"]


def test_every_operation_shows_its_request_as_a_command_and_its_answer(document: dict[str, Any]):
    for each in good():
        _, _, operation = operations(document)[each["operation"]]
        (content,) = operation["responses"][str(each["answer"]["status"])]["content"].values()
        assert "```sh\ncurl -X " in operation["description"]
        assert content["examples"][each["name"]]["value"] == each["answer"]["body"]


def test_nothing_that_was_recorded_belongs_to_a_machine_or_lets_anybody_in():
    text = json.dumps(recordings())

    assert not re.search(r"127\.0\.0\.1|localhost|/tmp/|/home/", text)
    assert not re.search(r"X-Amz-Signature=[0-9a-f]{8}|Bearer [A-Za-z0-9]|v1,[A-Za-z0-9+/]{8}", text)


def test_a_recorded_problem_takes_the_place_of_a_made_up_one(document: dict[str, Any]):
    problems = operations(document)["getJob"][2]["responses"]["404"]["content"]["application/problem+json"]["examples"]

    assert problems["job_not_found"]["value"]["correlationId"] == "example-getJob-unknown"


def test_parameters_are_shown_by_values_of_their_type(document: dict[str, Any]):
    shown = {each["name"]: each.get("example") for each in operations(document)["listJobs"][2]["parameters"]}

    assert shown["limit"] == 1
    assert shown["X-Correlation-Id"] == "example-listJobs-newest"


def test_an_operation_without_recordings_is_left_as_it_is():
    document = {"paths": {"/new": {"get": {"operationId": "newOne", "responses": {}}}}}

    add_recordings(document)

    assert document == {"paths": {"/new": {"get": {"operationId": "newOne", "responses": {}}}}}


def test_a_command_is_the_request_as_a_shell_would_send_it():
    request = {
        "method": "POST",
        "path": "/jobs",
        "query": {"dryRun": "true"},
        "headers": {"Content-Type": "application/json"},
        "body": {"reason": "it's late"},
    }

    assert command_of(request) == (
        'curl -X POST "$CDP_API_URL/jobs?dryRun=true" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        """  -d '{"reason": "it'"'"'s late"}'"""
    )
