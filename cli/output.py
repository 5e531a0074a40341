"""What commands print: results on stdout, talk on stderr; and how they end."""

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import Problem, Unreachable, WaitTimedOut
from shared.config import ConfigurationError
from shared.errors import AppError

EXIT_LEFT, EXIT_USAGE, EXIT_REFUSED, EXIT_STILL_RUNNING = 1, 2, 3, 4
# Where nobody looks at a terminal, nothing is to be cut or wrapped.
WIDE = 1000


def show(value: Any) -> None:
    """Print a result as one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def tell(text: str) -> None:
    """Say something that is no result."""
    click.echo(printable(text), err=True)


def printable(text: str) -> str:
    """A text of somebody else's, without what would move a terminal's cursor or colours."""
    return "".join(character if character.isprintable() else "�" for character in text)


def printable_lines(text: str) -> str:
    """As `printable`, of a text of many lines; a line that would be written over is one of its own."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("\t".join(printable(cell) for cell in line.split("\t")) for line in lines)


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows for people; the last column takes the room that is left."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=heading != headings[-1])
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(width=width, highlight=False)
    with console.capture() as printed:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


class ProgressLine:
    """One line on stderr that is written over and over, where somebody looks at a terminal; else nothing."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._is_open = False

    def say(self, text: str) -> None:
        """Write the line again."""
        if self._is_shown:
            click.echo(f"\r\033[K{text}", nl=False, err=True)
            self._is_open = True

    def close(self) -> None:
        """Take the line away."""
        if self._is_open:
            click.echo("\r\033[K", nl=False, err=True)
            self._is_open = False


class Command(click.Group):
    """A group whose commands end with a sentence and an exit code where something refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the exit codes of `cli/__main__.py`."""
        try:
            return super().invoke(ctx)
        except (Problem, Unreachable, WaitTimedOut, ConfigurationError, AppError) as error:
            click.echo(f"cdp: {error}", err=True)
            sys.exit(exit_code_of(error))


def exit_code_of(error: Exception) -> int:
    """How a command ends that met this error."""
    if isinstance(error, ConfigurationError):
        return EXIT_USAGE
    if isinstance(error, WaitTimedOut):
        return EXIT_STILL_RUNNING
    if isinstance(error, AppError) and not error.retryable:
        return EXIT_LEFT
    return EXIT_REFUSED
