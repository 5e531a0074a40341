"""`cdp costs`: what jobs cost, added up by owner, job type or tag. Goes by the list of jobs, page after page."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from cli.client import TERMINAL, ApiClient, Record
from cli.output import show, show_table, tell
from cli.selecting import Moment

PAGE_JOBS = 100
TAG = "tag:"
# Of jobs without the tag: no value of a tag is empty by mistake.
NO_TAG = "(none)"


@dataclass
class Costs:
    """What the jobs of one group cost, in each currency, and how many there are whose cost is not all known."""

    jobs: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    unknown: int = 0
    going_on: int = 0

    def add(self, record: Record) -> None:
        """Count one more job."""
        cost, has_ended = record["cost"], record["status"] in TERMINAL
        self.jobs += 1
        self.going_on += not has_ended
        self.unknown += has_ended and (cost is None or not cost["isComplete"])
        if cost is not None:
            so_far = self.amounts.get(cost["currency"], Decimal())
            self.amounts[cost["currency"]] = so_far + Decimal(str(cost["amount"]))


class Grouping(click.ParamType[Callable[[Record], str]]):
    """What jobs are added up by: `owner`, `type` or `tag:KEY`."""

    name = "owner|type|tag:KEY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Callable[[Record], str]:
        """From a job's record to the group that it belongs to."""
        if value == "owner":
            return lambda record: str(record["owner"])
        if value == "type":
            return lambda record: str(record["jobType"])
        key = value.removeprefix(TAG)
        if not key or key == value:
            self.fail(f"{value!r} is none of owner, type and tag:KEY.", param, ctx)
        return lambda record: str(record["tags"].get(key, NO_TAG))


@click.command()
@click.option("--by", "group_of", type=Grouping(), required=True, help="owner, type, or tag:KEY for a tag's values.")
@click.option("--since", type=Moment(), help="Only jobs submitted at this time or later.")
@click.option("--until", type=Moment(), help="Only jobs submitted before this time.")
@click.option("--owner", help="Jobs of this owner; for operators.")
@click.option("--all-owners", "owner", flag_value="*", help="Jobs of everybody; for operators.")
@click.option("--json", "is_json", is_flag=True, help="One JSON document on stdout, for machines.")
@click.pass_obj
def costs(
    client: ApiClient,
    group_of: Callable[[Record], str],
    since: datetime | None,
    until: datetime | None,
    owner: str | None,
    is_json: bool,
) -> None:
    """Show what jobs cost, the dearest first."""
    found = costs_of(jobs_of(client, since, until, owner), group_of)
    groups = sorted(found, key=lambda group: (-sum(found[group].amounts.values(), Decimal()), group))
    if is_json:
        show({"items": [costs_record(group, found[group]) for group in groups]})
    else:
        show_table(("GROUP", "JOBS", "UNKNOWN", "GOING ON", "COST"), [costs_row(each, found[each]) for each in groups])
    tell(remark(found))


def jobs_of(client: ApiClient, since: datetime | None, until: datetime | None, owner: str | None) -> Iterator[Record]:
    """The records of all jobs submitted in a time, one page in memory at once. Raises: Problem, Unreachable."""
    asked: dict[str, str | int | None] = {
        "createdAfter": since.isoformat() if since else None,
        "createdBefore": until.isoformat() if until else None,
        "owner": owner,
        "order": "oldest",
        "limit": PAGE_JOBS,
    }
    cursor = None
    while True:
        page = client.list_jobs(**asked, cursor=cursor)
        yield from page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return


def costs_of(records: Iterable[Record], group_of: Callable[[Record], str]) -> dict[str, Costs]:
    """The costs of each group."""
    found: dict[str, Costs] = {}
    for record in records:
        found.setdefault(group_of(record), Costs()).add(record)
    return found


def costs_record(group: str, found: Costs) -> dict[str, Any]:
    """A group for machines: `amounts` by currency, `unknown` jobs that have ended, and those that go on."""
    amounts = {currency: float(amount) for currency, amount in sorted(found.amounts.items())}
    return {
        "group": group,
        "jobs": found.jobs,
        "amounts": amounts,
        "unknown": found.unknown,
        "goingOn": found.going_on,
    }


def costs_row(group: str, found: Costs) -> tuple[str, ...]:
    """A group as a row of the table."""
    amounts = ", ".join(f"{amount:.4f} {currency}" for currency, amount in sorted(found.amounts.items()))
    return (group, str(found.jobs), str(found.unknown), str(found.going_on), amounts or "-")


def remark(found: Mapping[str, Costs]) -> str:
    """What the sums are of, and what is not in them."""
    jobs = sum(each.jobs for each in found.values())
    unknown = sum(each.unknown for each in found.values())
    going_on = sum(each.going_on for each in found.values())
    return f"{jobs} jobs; of {unknown} that have ended not all cost is known, and {going_on} go on."
