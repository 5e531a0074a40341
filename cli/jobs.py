"""`cdp jobs`: what is stuck, and what was orphaned."""

import itertools
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from cli.aws import aws_of
from cli.output import EXIT_LEFT, Command, show, show_table, tell
from shared.models import Job
from shared.orphans import Finding, Search, find_orphans, mend
from shared.stuck_jobs import StuckJob, phase_of, stuck_jobs

# ListJobRuns and CancelJobRun may be called once a second, and the workers need them too.
PAUSE_SECONDS = 1.0

as_json = click.option("--json", "is_json", is_flag=True, help="One JSON document on stdout, for machines.")


@click.group("jobs", cls=Command)
def jobs() -> None:
    """Find jobs and runs that nobody takes care of."""


@jobs.command()
@click.option(
    "--older-than",
    "margin_seconds",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    help="Seconds by which a job must be overdue.",
)
@as_json
@click.pass_context
def stuck(context: click.Context, margin_seconds: int, is_json: bool) -> None:
    """List jobs that a worker should have looked at, since when and why. Exit code 1 if there are any."""
    aws = aws_of(context)
    now = aws.clock()
    found = stuck_jobs(aws.store, now, timedelta(seconds=margin_seconds))
    if is_json:
        show({"items": [stuck_record(each) for each in found]})
    else:
        headings = ("DUE SINCE", "JOB", "PHASE", "ATTEMPT", "LAST IN ITS HISTORY", "WAITS FOR")
        show_table(headings, [stuck_row(each) for each in found])
        tell(f"Overdue by more than {margin_seconds} s: {len(found)}.")
    if found:
        sys.exit(EXIT_LEFT)


@jobs.command()
@click.option("--fix", is_flag=True, help="Cancel the runs, and have a worker look at the jobs.")
@click.option(
    "--grace",
    "grace_seconds",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    help="Seconds for which the run of an ended job may still be on its way out.",
)
@as_json
@click.pass_context
def orphans(context: click.Context, fix: bool, grace_seconds: int, is_json: bool) -> None:
    """List runs that no job owns, and jobs whose run is gone. Exit code 1 if any is left."""
    aws = aws_of(context)
    application_id = aws.settings.emr_application_id
    if not application_id:
        raise click.UsageError("EMR_APPLICATION_ID must say which application's runs to look at.")
    grace = timedelta(seconds=grace_seconds)
    search = Search(aws.store, aws.runner, application_id, aws.clock, grace, pause=lambda: aws.pause(PAUSE_SECONDS))
    findings = find_orphans(search)
    done: list[str | None] = []
    try:
        done.extend(mend(search, finding) if fix else None for finding in findings)
    finally:  # where it is cut short, what was mended until then is told
        show_findings(list(itertools.zip_longest(findings, done)), is_json=is_json)
    left = done.count(None)
    tell(f"{len(findings)} found, {left} left{'' if fix else ' (--fix mends what can be)'}.")
    if left:
        sys.exit(EXIT_LEFT)


def show_findings(found: Sequence[tuple[Finding, str | None]], *, is_json: bool) -> None:
    """Print findings, and what was done about each."""
    if is_json:
        show({"items": [finding_record(finding, done) for finding, done in found]})
    else:
        show_table(("RUN", "JOB", "FAULT", "WHAT"), [finding_row(finding, done) for finding, done in found])


def last_message(job: Job) -> str:
    """The last entry of a job's history."""
    entry = job.history[-1]
    return f"{entry.at.isoformat(timespec='seconds')} {entry.by}: {entry.message}"


def stuck_record(each: StuckJob) -> dict[str, Any]:
    """An overdue job for machines; null for what cannot be read."""
    job = each.job
    return {
        "jobId": each.job_id,
        "dueSince": each.due_at.isoformat(timespec="milliseconds") if each.due_at else None,
        "status": str(job.status) if job else None,
        "phase": phase_of(job) if job else None,
        "attempt": job.attempt if job else None,
        "lastInHistory": last_message(job) if job else None,
        "waitsFor": each.waits_for,
    }


def stuck_row(each: StuckJob) -> tuple[str, ...]:
    """An overdue job as a row of the table."""
    job = each.job
    if job is None or each.due_at is None:
        return ("", each.job_id, "unreadable", "", "", each.waits_for)
    since = each.due_at.isoformat(sep=" ", timespec="seconds")
    return (since, each.job_id, phase_of(job), str(job.attempt), last_message(job), each.waits_for)


def finding_record(finding: Finding, done: str | None) -> dict[str, Any]:
    """A finding for machines; `mended` is null where nothing was done."""
    return {
        "fault": str(finding.fault),
        "runId": finding.run.run_id if finding.run else None,
        "jobId": finding.job.job_id if finding.job else None,
        "text": finding.text,
        "mended": done,
    }


def finding_row(finding: Finding, done: str | None) -> tuple[str, ...]:
    """A finding as a row of the table."""
    run_id = finding.run.run_id if finding.run else ""
    job_id = finding.job.job_id if finding.job else ""
    return (run_id, job_id, str(finding.fault), f"{finding.text} {done or ''}".strip())
