"""`python -m cli`: submit jobs and look at them. Results go to stdout, talk to stderr.

Exit codes: 0 done (the job SUCCEEDED), 1 the job FAILED, 2 usage, 3 the API refused or did not answer,
4 the patience ended before the job did.
"""

import json
import sys
from typing import Any, TextIO

import click

from cli.client import ApiClient, Problem, Record, Unreachable, WaitTimedOut

EXIT_FAILED, EXIT_REFUSED, EXIT_STILL_RUNNING = 1, 3, 4
WAIT_SECONDS = 3600.0
LOCAL_API = "http://127.0.0.1:8000"


def show(value: Any) -> None:
    """Print a result as one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def tell(record: Record) -> None:
    """Say on stderr where a job is."""
    click.echo(f"{record['updatedAt']}  {record['status']:<9}  {record['statusMessage']}", err=True)


def wait_and_exit(client: ApiClient, job_id: str, timeout_seconds: float) -> None:
    """Wait for a job, show it, and exit as it ended."""
    record = client.wait(job_id, timeout_seconds, tell)
    show(record)
    if record["status"] != "SUCCEEDED":
        sys.exit(EXIT_FAILED)


class Command(click.Group):
    """A group whose commands end with a sentence and an exit code where the API refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the module's exit codes."""
        try:
            return super().invoke(ctx)
        except (Problem, Unreachable) as error:
            click.echo(f"cdp: {error}", err=True)
            sys.exit(EXIT_REFUSED)
        except WaitTimedOut as error:
            click.echo(f"cdp: {error}", err=True)
            sys.exit(EXIT_STILL_RUNNING)


@click.group(cls=Command)
@click.option(
    "--url", envvar="CDP_API_URL", default="http://127.0.0.1:8000", show_default=True, help="Where the API is."
)
@click.pass_context
def main(context: click.Context, url: str) -> None:
    """Submit Spark jobs to a Cloud Data Platform and follow them."""
    try:
        context.obj = ApiClient(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from error


@main.command()
@click.option("--file", "-f", "job", type=click.File(), required=True, help="The job as JSON; - for standard input.")
@click.option("--idempotency-key", help="The same key and job make one job, however often they are sent.")
@click.option("--wait/--no-wait", default=False, help="Wait until the job has ended.")
@click.option("--timeout", default=WAIT_SECONDS, show_default=True, help="Patience in seconds.")
@click.pass_obj
def submit(client: ApiClient, job: TextIO, idempotency_key: str | None, wait: bool, timeout: float) -> None:
    """Submit a job and show its record."""
    try:
        body = json.load(job)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="--file") from error
    record = client.submit(body, idempotency_key)
    if not wait:
        show(record)
        return
    wait_and_exit(client, record["jobId"], timeout)


@main.command()
@click.argument("job_id")
@click.option("--timeout", default=WAIT_SECONDS, show_default=True, help="Patience in seconds.")
@click.pass_obj
def wait(client: ApiClient, job_id: str, timeout: float) -> None:
    """Wait until a job has ended, and show it."""
    wait_and_exit(client, job_id, timeout)


@main.command()
@click.argument("job_id")
@click.pass_obj
def get(client: ApiClient, job_id: str) -> None:
    """Show a job."""
    show(client.get(job_id))


@main.command("list")
@click.option("--status", type=click.Choice(["SUBMITTED", "RUNNING", "SUCCEEDED", "FAILED"]), help="Only these.")
@click.option("--limit", type=int, help="How many at most.")
@click.option("--cursor", help="Where to go on: the nextCursor of the page before.")
@click.pass_obj
def list_jobs(client: ApiClient, status: str | None, limit: int | None, cursor: str | None) -> None:
    """Show one page of jobs, newest first."""
    show(client.list_jobs(status=status, limit=limit, cursor=cursor))


@main.command()
@click.argument("job_id")
@click.option("--reason", help="Why, for the history.")
@click.pass_obj
def cancel(client: ApiClient, job_id: str, reason: str | None) -> None:
    """Ask for a job to be cancelled."""
    show(client.cancel(job_id, reason))


@main.command()
@click.argument("job_id")
@click.pass_obj
def history(client: ApiClient, job_id: str) -> None:
    """Show all that happened to a job."""
    show(client.history(job_id))


@main.command()
@click.argument("job_id")
@click.pass_obj
def outputs(client: ApiClient, job_id: str) -> None:
    """Show a job's manifest, with a link to each file."""
    show(client.outputs(job_id))


@main.command("job-types")
@click.pass_obj
def job_types(client: ApiClient) -> None:
    """Show the kinds of job there are."""
    show(client.job_types())


if __name__ == "__main__":
    main(prog_name="cdp")
