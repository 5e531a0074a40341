"""The commands of clients: each is one request to the API, or a wait made of several."""

import json
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from cli.client import ApiClient, Record
from cli.edits import edits_of, sets
from cli.output import EXIT_LEFT, show, tell
from shared.replays.replay_edits import overrides_of

WAIT_SECONDS = 3600.0
STATUSES = ["SUBMITTED", "RUNNING", "SUCCEEDED", "FAILED"]


def tell_change(record: Record) -> None:
    """Say on stderr where a job is."""
    tell(f"{record['updatedAt']}  {record['status']:<9}  {sentence_of(record)}")


def sentence_of(record: Record) -> str:
    """What the job waits for, and until when; of its run, and of an end, the platform's or the program's own words."""
    wait = record.get("waitingFor")
    if wait is None or wait["code"] == "run":
        return str(record["statusMessage"])
    return wait["summary"] if wait["until"] is None else f"{wait['summary']} (until {wait['until']})"


def wait_and_exit(client: ApiClient, job_id: str, timeout_seconds: float) -> None:
    """Wait for a job, show it, and exit as it ended."""
    record = client.wait(job_id, timeout_seconds, tell_change)
    show(record)
    if record["status"] != "SUCCEEDED":
        sys.exit(EXIT_LEFT)


@click.command()
@click.option("--file", "-f", "job", type=click.File(), required=True, help="The job as JSON; - for standard input.")
@click.option("--idempotency-key", help="The same key and job make one job, however often they are sent.")
@click.option("--dry-run", is_flag=True, help="Only have it checked: show the job, its EMR request and its price.")
@click.option("--wait/--no-wait", default=False, help="Wait until the job has ended.")
@click.option("--timeout", default=WAIT_SECONDS, show_default=True, help="Patience in seconds.")
@click.pass_obj
def submit(
    client: ApiClient, job: TextIO, idempotency_key: str | None, dry_run: bool, wait: bool, timeout: float
) -> None:
    """Submit a job and show its record."""
    if dry_run and wait:
        raise click.UsageError("--dry-run stores no job that could be waited for.")
    try:
        body = json.load(job)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="--file") from error
    if dry_run:
        show(client.dry_run(body, idempotency_key))
        return
    record = client.submit(body, idempotency_key)
    if not wait:
        show(record)
        return
    wait_and_exit(client, record["jobId"], timeout)


@click.command()
@click.argument("job_id")
@click.option("--timeout", default=WAIT_SECONDS, show_default=True, help="Patience in seconds.")
@click.pass_obj
def wait(client: ApiClient, job_id: str, timeout: float) -> None:
    """Wait until a job has ended, and show it."""
    wait_and_exit(client, job_id, timeout)


@click.command()
@click.argument("job_id")
@click.pass_obj
def get(client: ApiClient, job_id: str) -> None:
    """Show a job."""
    show(client.get(job_id))


@click.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these; or one of several.")
@click.option("--job-type", "jobType", help="Only jobs of this type.")
@click.option("--tag", multiple=True, help="Only jobs with this tag, as key=value; or with each of several.")
@click.option(
    "--created-after", "createdAfter", help="Only jobs submitted then or later, such as 2026-11-23T12:00:00Z."
)
@click.option("--created-before", "createdBefore", help="Only jobs submitted before then.")
@click.option("--replay-of", "replayOf", help="Only jobs that repeat this one.")
@click.option("--order", type=click.Choice(["newest", "oldest"]), help="Which come first; the newest if not set.")
@click.option("--owner", help="Jobs of this owner; for operators.")
@click.option("--all-owners", "owner", flag_value="*", help="Jobs of everybody; for operators.")
@click.option("--limit", type=int, help="How many at most.")
@click.option("--cursor", help="Where to go on: the nextCursor of the page before.")
@click.pass_obj
def list_jobs(client: ApiClient, /, statuses: tuple[str, ...], **filters: str | int | Sequence[str] | None) -> None:
    """Show one page of jobs."""
    show(client.list_jobs(status=",".join(statuses) or None, **filters))


@click.command()
@click.argument("job_id")
@click.option("--reason", help="Why, for the history.")
@click.pass_obj
def cancel(client: ApiClient, job_id: str, reason: str | None) -> None:
    """Ask for a job to be cancelled."""
    show(client.cancel(job_id, reason))


@click.command("replay")
@click.argument("job_id")
@sets
@click.option("--reason", help="Why, for the histories of both jobs.")
@click.option("--again", metavar="WORD", help="Any new word, to repeat once more what was repeated before.")
@click.pass_obj
def replay_job(
    client: ApiClient, job_id: str, assignments: Sequence[str], reason: str | None, again: str | None
) -> None:
    """Repeat a failed job as a new one, and show the new one; the same command makes one job."""
    overrides = overrides_of(edits_of(assignments))
    show(client.replay(job_id, overrides, reason=reason, again=again))


@click.command()
@click.argument("job_id")
@click.pass_obj
def history(client: ApiClient, job_id: str) -> None:
    """Show all that happened to a job."""
    show(client.history(job_id))


@click.command()
@click.argument("job_id")
@click.pass_obj
def explain(client: ApiClient, job_id: str) -> None:
    """Say why a job is where it is, and what to do about it."""
    show(client.explain(job_id))


@click.command("job-types")
@click.pass_obj
def job_types(client: ApiClient) -> None:
    """Show the kinds of job there are."""
    show(client.job_types())


@click.command()
@click.pass_obj
def quota(client: ApiClient) -> None:
    """Show what you may use, and what you use now."""
    show(client.quota())


COMMANDS = (submit, wait, get, list_jobs, cancel, replay_job, history, explain, job_types, quota)
