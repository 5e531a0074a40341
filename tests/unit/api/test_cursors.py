"""Cursors are ours: nobody else's, for no other list, and whole."""

from dataclasses import fields, replace
from typing import Any

import pytest

from api.protocol.cursors import cursor_to, position_of
from shared.errors import BadCursor
from shared.job_filter import JobFilter
from shared.transitions import JobStatus
from tests.fakes.jobs import job_id

KEY = "k" * 32
POSITION = f"1795435200000#{job_id()}"
LIST = JobFilter("ann", (JobStatus.FAILED,))
GIVEN = cursor_to(POSITION, LIST, KEY)
# Written by hand: another value of each field, so that a new one without a line here fails.
OTHERS: dict[str, Any] = {
    "owner_id": None,
    "statuses": (JobStatus.RUNNING, JobStatus.FAILED),
    "job_type": "sql",
    "tags": ("team=ops",),
    "created_from_ms": 0,
    "created_until_ms": 0,
    "replay_of": job_id(2),
    "newest_first": False,
}


def test_a_cursor_leads_back_to_its_place():
    assert position_of(GIVEN, LIST, [KEY]) == POSITION


@pytest.mark.parametrize("keys", [["new" * 12, KEY], [KEY, "new" * 12]])
def test_while_keys_rotate_a_cursor_of_either_leads_back(keys: list[str]):
    assert position_of(GIVEN, LIST, keys) == POSITION


def test_a_cursor_of_a_key_that_was_dropped_is_refused():
    with pytest.raises(BadCursor):
        position_of(GIVEN, LIST, ["new" * 12])


@pytest.mark.parametrize("name", [field.name for field in fields(JobFilter)])
def test_a_cursor_is_of_one_owner_one_filter_and_one_order(name: str):
    with pytest.raises(BadCursor):
        position_of(GIVEN, replace(LIST, **{name: OTHERS[name]}), [KEY])


@pytest.mark.parametrize(
    "cursor",
    [
        GIVEN[:-4],
        "A" + GIVEN[1:],
        GIVEN[:-4] + "AAAA",
        "",
        "x",
        "!!!!",
        "caf\u00e9",
        "_" * 40,
        POSITION,
        cursor_to(POSITION, LIST, "another key"),
    ],
)
def test_any_other_cursor_is_refused(cursor: str):
    with pytest.raises(BadCursor):
        position_of(cursor, LIST, [KEY])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (JobFilter("ann", job_type="a", replay_of="b"), JobFilter("ann", job_type="b", replay_of="a")),
        (JobFilter("ann", tags=("a=1", "b=2")), JobFilter("ann", tags=("a=1\0b=2",))),
        (JobFilter(None), JobFilter("*")),
        (JobFilter("ann", job_type="sql"), JobFilter('ann", "sql')),
    ],
)
def test_nothing_of_a_filter_can_be_shifted_into_another(one: JobFilter, other: JobFilter):
    with pytest.raises(BadCursor):
        position_of(cursor_to(POSITION, one, KEY), other, [KEY])


def test_a_cursor_is_ours_if_the_comparison_of_constant_time_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hmac.compare_digest", lambda given, ours: given != ours)

    with pytest.raises(BadCursor):
        position_of(GIVEN, LIST, [KEY])
