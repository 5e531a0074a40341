"""`cdp dlq`: look at dead letters, make new jobs of failed ones, throw away what nobody wants.

Reading the queue hides its messages from others until they are given back, also on Ctrl-C. What a killed command
had in hand comes back when its hold ends.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from cli.aws import Aws, aws_of
from cli.edits import edits_of, sets
from cli.output import EXIT_LEFT, Command, ProgressLine, printable, show, show_table, tell
from cli.selecting import selects
from shared.replays.dead_letter_replay import (
    REPLAYABLE,
    Outcome,
    Pace,
    Replayer,
    Result,
    plan_purge,
    plan_replay,
    purge,
    read_all,
    replay,
    to_purge,
    to_replay,
)
from shared.replays.dead_letters import DeadLetter, Selection
from shared.replays.held_messages import HeldMessages
from shared.replays.job_replay import Orders

HEADINGS = ("FAILED AT", "KIND", "JOB OR MESSAGE", "TYPE", "OWNER", "REASON", "ATTEMPT", "WHAT")

as_json = click.option("--json", "is_json", is_flag=True, help="One JSON document on stdout, for machines.")
hold = click.option(
    "--hold",
    "hold_seconds",
    type=click.IntRange(3, 3600),
    default=120,
    show_default=True,
    help="Seconds for which messages are hidden from others at a time; renewed while the command runs.",
)


def confirms(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that changes something `--yes`; without it, it only says what it would do."""
    dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done, which is the default.")
    yes = click.option("--yes", is_flag=True, help="Do it.")
    return dry_run(yes(command))


@click.group("dlq", cls=Command)
def dead_letters() -> None:
    """Look at the dead-letter queue, replay failed jobs, purge what nobody wants."""


@dead_letters.command("list")
@selects
@hold
@as_json
@click.pass_context
def list_dead_letters(context: click.Context, wanted: Selection, hold_seconds: int, is_json: bool) -> None:
    """List dead letters, the oldest failure first."""
    with in_hand(aws_of(context), hold_seconds) as (held, letters):
        is_complete = held.is_complete
    found = [letter for letter in letters if wanted.matches(letter)]
    if is_json:
        show({"items": [*map(record_of, found)], "isComplete": is_complete})
    else:
        show_table(HEADINGS, [*map(row_of, found)])
        tell(f"{len(found)} of {len(letters)} messages.")
    exit_if(not is_complete)


@dead_letters.command("show")
@click.argument("identifier", metavar="ID")
@hold
@click.pass_context
def show_dead_letter(context: click.Context, identifier: str, hold_seconds: int) -> None:
    """Show all of the messages with this message, envelope or job id, as one JSON document."""
    with in_hand(aws_of(context), hold_seconds) as (_, letters):
        found = [letter for letter in letters if identifier in letter.ids]
    show({"items": [{**record_of(letter), "body": letter.message.body} for letter in found]})
    if not found:
        tell(f"None of {len(letters)} messages has the id {identifier}.")
    exit_if(not found)


@dead_letters.command("replay")
@selects
@sets
@click.option("--max", "most", type=click.IntRange(1), help="The most new jobs to make.")
@click.option(
    "--rate", type=click.FloatRange(0.01, 1000), default=5.0, show_default=True, help="New jobs to make a second."
)
@click.option("--again", default="", metavar="SALT", help="Replay once more what was replayed; any new word.")
@click.option("--note", default="", metavar="TEXT", help="Why, for the histories of both jobs.")
@confirms
@hold
@as_json
@click.pass_context
def replay_dead_letters(
    context: click.Context,
    wanted: Selection,
    assignments: Sequence[str],
    most: int | None,
    rate: float,
    again: str,
    note: str,
    dry_run: bool,
    yes: bool,
    hold_seconds: int,
    is_json: bool,
) -> None:
    """Make new jobs of failed ones, each once however often this is called.

    A failed job's message goes once its new job is stored. SQS's own redrives make their jobs due, or go if these
    have ended. Everything else is left alone.
    """
    refuse_both(dry_run, yes)
    orders = Orders(by=f"operator:{aws_of(context).operator}", edits=edits_of(assignments), again=again, reason=note)
    aws = aws_of(context)
    with in_hand(aws, hold_seconds) as (held, letters):
        chosen = to_replay(letters, wanted)
        replayer = replayer_of(aws, orders)
        with Report(len(chosen), is_dry_run=not yes, is_json=is_json) as report:
            if yes:
                replay(held, chosen, replayer, Pace(rate, aws.clock, aws.pause), most, report.add)
            else:
                for outcome in plan_replay(chosen, replayer, most):
                    report.add(outcome)
            report.finish(held)
    tell_of_others(letters, wanted)
    exit_if(report.has_left or not report.is_complete)


@dead_letters.command("purge")
@selects
@click.option("--all", "everything", is_flag=True, help="Needed where nothing says which.")
@confirms
@hold
@as_json
@click.pass_context
def purge_dead_letters(
    context: click.Context,
    wanted: Selection,
    everything: bool,
    dry_run: bool,
    yes: bool,
    hold_seconds: int,
    is_json: bool,
) -> None:
    """Throw dead letters away; the jobs stay as they are.

    A redriven message whose job has not ended is left. Messages that are not this platform's must be named by --id.
    """
    refuse_both(dry_run, yes)
    if wanted.is_empty and not everything:
        raise click.UsageError("Say which (--kind, --reason, --id, ...), or --all.")
    aws = aws_of(context)
    with in_hand(aws, hold_seconds) as (held, letters):
        chosen = to_purge(letters, wanted)
        replayer = replayer_of(aws, Orders(by=aws.operator))
        with Report(len(chosen), is_dry_run=not yes, is_json=is_json) as report:
            if yes:
                purge(held, chosen, replayer, report.add)
            else:
                for letter in chosen:
                    report.add(plan_purge(letter, replayer))
            report.finish(held)
    exit_if(report.has_left or not report.is_complete)


class Report:
    """Tells each outcome as it comes; as JSON, all of them at the end, which may come early."""

    def __init__(self, total: int, *, is_dry_run: bool, is_json: bool) -> None:
        self._total = total
        self._is_dry_run = is_dry_run
        self._is_json = is_json
        self._outcomes: list[Outcome] = []
        self._line = ProgressLine()
        self.is_complete = False

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, *_: object) -> None:
        """Say what was done, also where it was cut short."""
        self._line.close()
        if self._is_json:
            items = [outcome_record(outcome) for outcome in self._outcomes]
            found = {"isDryRun": self._is_dry_run, "isComplete": self.is_complete, "counts": self.counts}
            show({**found, "items": items})
        told = ", ".join(f"{count} {result}" for result, count in self.counts.items()) or "nothing to do"
        tell(f"{'Would be (--yes does it)' if self._is_dry_run else 'Done'}: {told}.")

    def add(self, outcome: Outcome) -> None:
        """Tell an outcome."""
        self._outcomes.append(outcome)
        if self._is_json:
            self._line.say(f"{len(self._outcomes)} of {self._total}")
        else:
            name = outcome.letter.job_id or outcome.letter.message.message_id
            place = f"{len(self._outcomes)}/{self._total}"
            click.echo(printable(f"{place:>9}  {outcome.result:<16}  {name}  {outcome.text}"))

    def finish(self, held: HeldMessages) -> None:
        """Nothing cut it short; whether that was all, what was read of the queue says."""
        self.is_complete = held.is_complete

    @property
    def counts(self) -> dict[str, int]:
        """How many came to each result."""
        results = [outcome.result for outcome in self._outcomes]
        return {str(result): results.count(result) for result in Result if result in results}

    @property
    def has_left(self) -> bool:
        """Whether anything that was chosen stays."""
        return any(outcome.result is Result.LEFT for outcome in self._outcomes)


@contextlib.contextmanager
def in_hand(aws: Aws, hold_seconds: int) -> Iterator[tuple[HeldMessages, list[DeadLetter]]]:
    """All dead letters, kept from others meanwhile. Raises: LeaseHeld, ServiceUnavailable."""
    line = ProgressLine()
    with (
        aws.lease(hold_seconds) as lease,
        HeldMessages(aws.dead_letters, hold_seconds, aws.clock, lease.renew) as held,
    ):
        letters = read_all(held, lambda count: line.say(f"{count} messages read"))
        line.close()
        if not held.is_complete:
            tell(f"There are more than {len(letters)} messages; the others were not read.")
        yield held, letters
    if not held.given_back:
        tell(f"Not all messages could be given back; they return by themselves within {hold_seconds} s.")


def replayer_of(aws: Aws, orders: Orders) -> Replayer:
    """What replays by these orders."""
    return Replayer(aws.store, aws.jobs_queue, aws.runner, aws.settings, aws.clock, orders)


def refuse_both(dry_run: bool, yes: bool) -> None:
    """It is done or it is not."""
    if dry_run and yes:
        raise click.UsageError("--dry-run and --yes cannot both be meant.")


def tell_of_others(letters: Sequence[DeadLetter], wanted: Selection) -> None:
    """Say how many messages were wanted that no replay can do anything with."""
    others = [letter for letter in letters if letter.kind not in REPLAYABLE and wanted.matches(letter)]
    if others:
        tell(f"{len(others)} messages of other kinds were left alone; cdp dlq list shows them.")


def exit_if(is_left: bool) -> None:
    """End with the exit code of something left."""
    if is_left:
        sys.exit(EXIT_LEFT)


def record_of(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter for machines; null for what it does not have."""
    failed = letter.failed
    return {
        "kind": str(letter.kind),
        "messageId": letter.message.message_id,
        "envelopeId": failed.failure_id if failed else None,
        "jobId": letter.job_id,
        "at": failed.at.isoformat(timespec="milliseconds") if failed else None,
        "jobType": failed.request.job_type if failed else None,
        "owner": failed.owner_id if failed else None,
        "failureReason": str(failed.reason) if failed else None,
        "attempt": failed.attempt if failed else None,
        "text": letter.text,
    }


def row_of(letter: DeadLetter) -> tuple[str, ...]:
    """A dead letter as a row of the table."""
    failed = letter.failed
    name = letter.job_id or letter.message.message_id
    if failed is None:
        return ("", str(letter.kind), name, "", "", "", "", letter.text)
    return (
        failed.at.isoformat(sep=" ", timespec="seconds"),
        str(letter.kind),
        name,
        failed.request.job_type,
        failed.owner_id,
        str(failed.reason),
        str(failed.attempt),
        letter.text,
    )


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """What became of a dead letter, for machines."""
    return {
        "messageId": outcome.letter.message.message_id,
        "jobId": outcome.letter.job_id,
        "result": str(outcome.result),
        "newJobId": outcome.new_job_id,
        "text": outcome.text,
    }
