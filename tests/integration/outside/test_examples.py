"""The recorded requests, sent again: each gets the status that was recorded, and an answer of the same shape."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.document.recordings import recordings
from examples.__main__ import put_objects, target_of
from examples.player import OtherAnswer, Target, play
from examples.recording import recordings_of
from examples.scenario import SCENARIO
from examples.steps import Step
from local.cloud import LocalCloud

# Objects whose members their senders choose, or that say something else each time.
OPEN = {"parameters", "tags", "schema", "startJobRun", "facts"}


@pytest.fixture(scope="module")
def again(whole: LocalCloud) -> list[dict[str, Any]]:
    """The whole scenario, played anew."""
    put_objects(whole)
    return recordings_of(play(SCENARIO, target_of(whole)))


def differences(recorded: Any, now: Any, pointer: str = "") -> Iterator[str]:
    """Where the shape of an answer is another: other members, or other types; null may stand for anything."""
    if recorded is None or now is None or pointer.rpartition("/")[2] in OPEN:
        return
    if type(recorded) is not type(now) and {type(recorded), type(now)} != {int, float}:
        yield f"{pointer}: {type(recorded).__name__} and now {type(now).__name__}"
    elif isinstance(recorded, dict):
        if set(recorded) != set(now):
            yield f"{pointer}: {sorted(set(recorded) ^ set(now))}"
        for name in set(recorded) & set(now):
            yield from differences(recorded[name], now[name], f"{pointer}/{name}")
    elif isinstance(recorded, list) and recorded and now:
        yield from differences(recorded[0], now[0], f"{pointer}/0")


@pytest.mark.parametrize(
    "number", range(len(recordings())), ids=lambda n: "{operation}-{name}".format(**recordings()[n])
)
def test_a_recorded_request_is_answered_as_it_was(again: list[dict[str, Any]], number: int):
    recorded, now = recordings()[number], again[number]

    assert (now["operation"], now["name"]) == (recorded["operation"], recorded["name"])
    assert now["answer"]["status"] == recorded["answer"]["status"]
    assert set(now["answer"]["headers"]) == set(recorded["answer"]["headers"])
    assert list(differences(recorded["answer"]["body"], now["answer"]["body"])) == []
    assert list(differences(recorded["request"]["body"], now["request"]["body"])) == []


@pytest.mark.parametrize(
    ("recorded", "now", "found"),
    [
        ({"a": 1, "b": "x"}, {"a": 2, "b": None}, []),
        ({"a": 1}, {"a": 1, "b": 2}, [": ['b']"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}, ["/a/0/b: int and now str"]),
        ({"tags": {"team": "ops"}}, {"tags": {}}, []),
    ],
)
def test_another_shape_is_found(recorded: Any, now: Any, found: list[str]):
    assert list(differences(recorded, now)) == found


def test_another_status_ends_the_scenario(whole: LocalCloud):
    with pytest.raises(OtherAnswer, match="live: 200 instead of 201"):
        list(play([Step("live", "live", "GET", "/health/live", 201)], target_of(whole)))


def test_what_never_comes_is_not_waited_for_without_end(whole: LocalCloud):
    step = Step("live", "live", "GET", "/health/live", until=("/status", "dead"))

    with pytest.raises(OtherAnswer, match="waited in vain"):
        list(play([step], Target(whole.environment["CDP_API_URL"], "", patience_seconds=0)))
