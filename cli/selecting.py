"""The options by which operators say which dead letters they mean."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from shared.models import FailureReason
from shared.replays.dead_letters import Kind, Selection


class Moment(click.ParamType[datetime]):
    """A point in time in ISO 8601; UTC where it does not say."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware datetime of a text."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time in ISO 8601, such as 2026-11-23T12:00:00Z.", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


OPTIONS = (
    click.option("--id", "ids", multiple=True, help="This message, envelope or job."),
    click.option("--kind", "kinds", multiple=True, type=click.Choice([*map(str, Kind)]), help="Messages of this kind."),
    click.option(
        "--reason",
        "reasons",
        multiple=True,
        type=click.Choice([*map(str, FailureReason)], case_sensitive=False),
        help="Jobs that failed for this reason.",
    ),
    click.option("--job-type", "job_types", multiple=True, help="Jobs of this type."),
    click.option("--owner", "owners", multiple=True, help="Jobs of this owner."),
    click.option("--attempt", "attempts", multiple=True, type=int, help="Jobs that ended with this attempt."),
    click.option("--since", type=Moment(), help="Jobs that failed at this time or later."),
    click.option("--until", type=Moment(), help="Jobs that failed before this time."),
)


def selects(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, and what they say as `wanted`; all must hold, one given twice may be either."""

    @functools.wraps(command)
    def selecting(*arguments: Any, **options: Any) -> None:
        wanted = Selection(
            ids=frozenset(options.pop("ids")),
            kinds=frozenset(map(Kind, options.pop("kinds"))),
            reasons=frozenset(map(FailureReason, options.pop("reasons"))),
            job_types=frozenset(options.pop("job_types")),
            owners=frozenset(options.pop("owners")),
            attempts=frozenset(options.pop("attempts")),
            since=options.pop("since"),
            until=options.pop("until"),
        )
        command(*arguments, wanted=wanted, **options)

    for option in reversed(OPTIONS):
        selecting = option(selecting)
    return selecting
