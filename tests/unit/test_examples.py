"""The scenario of the examples is sound, and what is recorded of it is safe to publish."""

from typing import Any

import pytest

from examples.collection import in_words_of_postman, lines_after, parameters, path_values
from examples.player import WORD, changed, filled, value_at
from examples.recording import body_of, headers_of, masked
from examples.scenario import SCENARIO
from examples.steps import Step

HERE, THERE = "http://127.0.0.1:4566/data/part-0.parquet", "https://s3.us-east-1.amazonaws.com/data/part-0.parquet"


def test_no_two_steps_of_an_operation_have_one_name():
    names = [(step.operation, step.name) for step in SCENARIO]

    assert len(set(names)) == len(names)


def test_every_word_of_a_step_was_kept_by_an_earlier_one():
    kept: set[str] = set()
    for step in SCENARIO:
        wanted = set(WORD.findall(f"{step.path} {step.query}"))
        changed(step.body, lambda text, wanted=wanted: wanted.update(WORD.findall(text)) or text)
        assert wanted <= kept, step
        kept |= set(step.keep)


def test_words_are_replaced_wherever_they_are():
    body = {"ids": ["{job}", "x"], "limit": 2, "at": {"path": "/jobs/{job}"}}

    assert filled(body, {"job": "j-1"}) == {"ids": ["j-1", "x"], "limit": 2, "at": {"path": "/jobs/j-1"}}


def test_a_pointer_leads_through_objects_and_lists():
    assert value_at({"items": [{"jobId": "a"}, {"jobId": "b"}]}, "/items/1/jobId") == "b"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (f"{HERE}?X-Amz-Signature=abc123&x=1", f"{THERE}?X-Amz-Signature=...&x=1"),
        (f"{HERE}?X-Amz-Credential=local%2F2026&X-Amz-Date=1", f"{THERE}?X-Amz-Credential=...&X-Amz-Date=1"),
        (
            {"x-amz-signature": "abc", "policy": "e", "key": "k"},
            {"x-amz-signature": "...", "policy": "...", "key": "k"},
        ),
        ([{"url": f"{HERE}"}, 1, None, True], [{"url": f"{THERE}"}, 1, None, True]),
    ],
)
def test_signatures_and_addresses_of_this_machine_are_not_kept(value: Any, kept: Any):
    assert masked(value) == kept


def test_only_headers_that_say_something_are_kept():
    sent = {"Date": "now", "Server": "gunicorn", "Location": "/jobs/1", "webhook-signature": "v1,abc"}

    assert headers_of(sent) == {"Location": "/jobs/1", "webhook-signature": "v1,..."}


@pytest.mark.parametrize(("sent", "kept"), [(None, None), (b'{"a": 1}', {"a": 1}), ("no json", "no json")])
def test_a_body_is_kept_as_json_if_it_is_some(sent: Any, kept: Any):
    assert body_of(sent) == kept


def test_words_of_the_scenario_become_variables_of_postman():
    assert in_words_of_postman({"uri": "dataset:{dataset}"}) == {"uri": "dataset:{{dataset}}"}
    assert [*path_values("/jobs/{jobId}/cancel", "/jobs/{long}/cancel")] == [("jobId", "{{long}}")]


def test_what_a_step_does_not_send_is_there_and_off():
    known = [{"key": "limit", "value": "12", "description": {"content": "How many."}}, {"key": "Accept", "value": "x"}]

    assert parameters(known, {}) == [{"key": "limit", "value": "", "disabled": True, "description": "How many."}]
    assert parameters(known, {"limit": "1"})[0]["disabled"] is False


def test_what_is_kept_and_waited_for_is_a_script():
    kept = Step("a", "b", "POST", "/a", keep={"first": "/items/0/id"})
    waits = Step("a", "b", "GET", "/a", until=("/status", "DONE"))

    assert [*lines_after(kept)] == ['pm.collectionVariables.set("first", pm.response.json()["items"][0]["id"]);']
    assert any('pm.response.json()["status"] !== "DONE"' in line for line in lines_after(waits))
    assert [*lines_after(Step("a", "b", "GET", "/a"))] == []
