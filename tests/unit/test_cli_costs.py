"""`cdp costs`, against a server that answers from a list."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.test_cli import Server, cdp, serving


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving()


def job(amount: float | None = None, is_complete: bool = True, **changes: Any) -> dict[str, Any]:
    """A job's record, as far as costs go by it."""
    cost = None if amount is None else {"amount": amount, "currency": "USD", "isComplete": is_complete}
    return {"owner": "ann", "jobType": "sql", "tags": {}, "status": "SUCCEEDED", "cost": cost, **changes}


def page(*jobs: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    """A page of the list."""
    return {"items": [*jobs], "nextCursor": cursor}


def items_of(out: str) -> list[dict[str, Any]]:
    """What was shown to a machine."""
    found: list[dict[str, Any]] = json.loads(out)["items"]
    return found


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("owner", [("ann", 0.75), ("bob", 0.5)]),
        ("type", [("sql", 1.0), ("compact", 0.25)]),
        ("tag:team", [("ops", 0.75), ("(none)", 0.25), ("data", 0.25)]),
        ("tag:no such", [("(none)", 1.25)]),
    ],
)
def test_costs_are_added_up_by_owner_type_or_tag(server: Server, by: str, groups: list[tuple[str, float]]):
    server.will_answer(
        page(
            job(0.25, tags={"team": "ops"}),
            job(0.25, tags={"team": "data"}),
            job(0.25, jobType="compact"),
            job(0.5, owner="bob", tags={"team": "ops", "no": "such"}),
        )
    )

    code, out, _ = cdp(server, "costs", "--by", by, "--json")

    assert code == 0
    assert [(item["group"], item["amounts"]["USD"]) for item in items_of(out)] == groups


def test_every_page_is_read_once_and_asks_for_the_same(server: Server):
    server.will_answer(page(job(0.1), cursor="more"), page(job(0.2)))

    _, out, told = cdp(
        server,
        *("costs", "--by", "owner", "--json", "--all-owners"),
        *("--since", "2026-11-01T00:00:00Z", "--until", "2026-12-01"),
    )

    first, second = (parse_qs(urlsplit(path).query) for _, path, _, _ in server.requests)
    assert first == {
        "createdAfter": ["2026-11-01T00:00:00+00:00"],
        "createdBefore": ["2026-12-01T00:00:00+00:00"],
        "owner": ["*"],
        "order": ["oldest"],
        "limit": ["100"],
    }
    assert second == {**first, "cursor": ["more"]}
    # Three tenths, which floats do not add up to.
    assert items_of(out) == [{"group": "ann", "jobs": 2, "amounts": {"USD": 0.3}, "unknown": 0, "goingOn": 0}]
    assert told == "2 jobs; of 0 that have ended not all cost is known, and 0 go on.\n"


def test_what_is_not_known_is_counted_and_said(server: Server):
    server.will_answer(page(job(), job(0.5, is_complete=False), job(status="RUNNING"), job(0.1)))

    _, out, told = cdp(server, "costs", "--by", "owner")

    heading, row = out.splitlines()
    assert heading.split() == ["GROUP", "JOBS", "UNKNOWN", "GOING", "ON", "COST"]
    assert row.split() == ["ann", "4", "2", "1", "0.6000", "USD"]
    assert told == "4 jobs; of 2 that have ended not all cost is known, and 1 go on.\n"


def test_currencies_are_not_added_to_each_other(server: Server):
    euros = {"amount": 1.5, "currency": "EUR", "isComplete": True}
    server.will_answer(page(job(0.5), {**job(), "cost": euros}))

    _, out, _ = cdp(server, "costs", "--by", "type")

    assert out.splitlines()[1].endswith("1.5000 EUR, 0.5000 USD")


@pytest.mark.parametrize("by", ["team", "tag:", "tags:team"])
def test_what_costs_cannot_be_added_up_by_is_wrong_usage(server: Server, by: str):
    code, _, told = cdp(server, "costs", "--by", by)

    assert code == 2
    assert "is none of owner, type and tag:KEY" in told
