"""Cursors are ours: nobody else's, for no other list, and whole."""

import pytest

from api.cursors import cursor_to, position_of
from shared.errors import BadCursor
from shared.transitions import JobStatus

KEY = "k" * 32
POSITION = "1795435200000#00000000-0000-7000-8000-000000000001"
GIVEN = cursor_to(POSITION, "ann", JobStatus.FAILED, KEY)


def test_a_cursor_leads_back_to_its_place():
    assert position_of(GIVEN, "ann", JobStatus.FAILED, KEY) == POSITION


@pytest.mark.parametrize(
    ("cursor", "owner", "status", "key"),
    [
        (GIVEN, "bob", JobStatus.FAILED, KEY),
        (GIVEN, "ann", None, KEY),
        (GIVEN, "ann", JobStatus.RUNNING, KEY),
        (GIVEN, "ann", JobStatus.FAILED, "another key"),
        (GIVEN[:-4], "ann", JobStatus.FAILED, KEY),
        ("A" + GIVEN[1:], "ann", JobStatus.FAILED, KEY),
        (GIVEN[:-4] + "AAAA", "ann", JobStatus.FAILED, KEY),
        ("", "ann", JobStatus.FAILED, KEY),
        ("x", "ann", JobStatus.FAILED, KEY),
        ("!!!!", "ann", JobStatus.FAILED, KEY),
        ("caf\u00e9", "ann", JobStatus.FAILED, KEY),
        ("_" * 40, "ann", JobStatus.FAILED, KEY),
        (POSITION, "ann", JobStatus.FAILED, KEY),
    ],
)
def test_any_other_cursor_is_refused(cursor: str, owner: str, status: JobStatus | None, key: str):
    with pytest.raises(BadCursor):
        position_of(cursor, owner, status, key)


def test_owner_and_filter_cannot_be_shifted_into_each_other():
    cursor = cursor_to(POSITION, "ann\0FAILED", None, KEY)

    with pytest.raises(BadCursor):
        position_of(cursor, "ann", JobStatus.FAILED, KEY)
