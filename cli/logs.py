"""`cdp logs` and `cdp dashboard`: what a job printed, and its Spark pages."""

import time

import click

from cli.client import ApiClient, Record
from cli.following import follow
from cli.output import printable_lines, tell

attempt_option = click.option(
    "--attempt", type=click.IntRange(1), help="Which attempt; the last one that has a run if not set."
)


@click.command()
@click.argument("job_id")
@click.option(
    "--stream",
    type=click.Choice(["stdout", "stderr"]),
    default="stdout",
    show_default=True,
    help="What the program printed, or Spark's own messages.",
)
@attempt_option
@click.option("--tail", type=click.IntRange(1, 10_000), default=200, show_default=True, help="How many lines at most.")
@click.option("--follow", "-f", "is_followed", is_flag=True, help="Go on with what comes, until the job has ended.")
@click.option("--link", is_flag=True, help="Print a link to the whole log instead; it is good for minutes.")
@click.pass_obj
def logs(
    client: ApiClient, job_id: str, stream: str, attempt: int | None, tail: int, is_followed: bool, link: bool
) -> None:
    """Print the end of what a job's driver printed."""
    if link and is_followed:
        raise click.UsageError("--link prints no log that could be followed.")
    if link:
        record = client.logs(job_id, stream=stream, attempt=attempt, tailLines=1)
        if record["url"]:
            click.echo(record["url"])
        tell_once(record["message"], None)
    elif is_followed:
        print_as_it_comes(client, job_id, stream, attempt, tail)
    else:
        record = client.logs(job_id, stream=stream, attempt=attempt, tailLines=tail)
        print_text(record)
        tell_once(record["message"], None)


def print_as_it_comes(client: ApiClient, job_id: str, stream: str, attempt: int | None, tail: int) -> None:
    """Print a log while it grows: nothing of it twice, and each sentence about it once."""
    before: Record | None = None
    for record in follow(client, job_id, stream, attempt, tail, time.sleep):
        is_same = before is not None and before["attempt"] == record["attempt"]
        if before is not None and not is_same:
            tell(f"Attempt {record['attempt']}:")
        if before is not None and is_same and record["startsAt"] > before["nextAfter"]:
            tell(f"{record['startsAt'] - before['nextAfter']} bytes came too fast to be shown; --link has them.")
        print_text(record)
        tell_once(record["message"], before["message"] if before else None)
        before = record


def print_text(record: Record) -> None:
    """Print a part of a log, which brings its own ends of lines."""
    click.echo(printable_lines(record["text"]), nl=False)


def tell_once(message: str | None, before: str | None) -> None:
    """Say a sentence that was not said just before."""
    if message is not None and message != before:
        tell(message)


@click.command()
@click.argument("job_id")
@attempt_option
@click.pass_obj
def dashboard(client: ApiClient, job_id: str, attempt: int | None) -> None:
    """Print the address of a job's Spark pages; it can be opened once, and for an hour."""
    click.echo(client.dashboard(job_id, attempt)["url"])


COMMANDS = (logs, dashboard)
