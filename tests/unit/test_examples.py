"""The scenario of the examples is sound, and what is recorded of it is safe to publish."""

from typing import Any

import pytest

from examples.player import WORD, changed, filled, value_at
from examples.recording import body_of, headers_of, masked
from examples.scenario import SCENARIO

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
