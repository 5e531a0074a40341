"""`python -m cli`: what clients do over HTTP, and what operators do with access to AWS.

Results go to stdout, talk to stderr. Exit codes:
0 done (a job that was waited for SUCCEEDED);
1 something failed or is left: the job FAILED, a file is not as it was, a dead letter stays, a job is stuck, somebody
  else is at work;
2 usage, or settings that are missing;
3 the API refused, or the API or AWS could not be reached;
4 the patience ended before the job did.
"""

import signal
from typing import TextIO

import click

from cli import logs, requests
from cli.client import ApiClient
from cli.contracts import contracts
from cli.costs import costs
from cli.datasets import datasets
from cli.dead_letters import dead_letters
from cli.jobs import jobs
from cli.output import Command
from cli.outputs import outputs

# For a refusal that passes, such as a rate limit's; a quota of the day is not waited for.
PATIENCE_SECONDS = 60.0


@click.group(cls=Command)
@click.option(
    "--url", envvar="CDP_API_URL", default="http://127.0.0.1:8000", show_default=True, help="Where the API is."
)
# Hidden, since everybody on a machine sees what stands on its command lines: CDP_TOKEN is how to give it.
@click.option("--token", envvar="CDP_TOKEN", hidden=True)
@click.option(
    "--token-file",
    envvar="CDP_TOKEN_FILE",
    type=click.File(),
    help="A file that holds the access token, if CDP_TOKEN does not.",
)
@click.pass_context
def main(context: click.Context, url: str, token: str | None, token_file: TextIO | None) -> None:
    """Submit Spark jobs to a Cloud Data Platform and follow them; mend what went wrong."""
    if not token and token_file is not None:
        token = token_file.read().strip()
    try:
        context.obj = ApiClient(url, token, PATIENCE_SECONDS)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from error


for command in (*requests.COMMANDS, *logs.COMMANDS, outputs, costs, contracts, datasets, jobs, dead_letters):
    main.add_command(command)


if __name__ == "__main__":
    # As Ctrl-C does: what is in hand is given back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main(prog_name="cdp")
