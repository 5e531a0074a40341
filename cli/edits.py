"""The option by which somebody says what a replay is to change."""

from collections.abc import Sequence

import click

from shared.errors import ValidationFailed
from shared.replays.replay_edits import Edits, read_edits

sets = click.option(
    "--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Change size, parameters.NAME, ..."
)


def edits_of(assignments: Sequence[str]) -> Edits:
    """The edits that were asked for; wrong ones are wrong usage."""
    try:
        return read_edits(assignments)
    except ValidationFailed as error:
        raise click.BadParameter(error.detail, param_hint="--set") from error
