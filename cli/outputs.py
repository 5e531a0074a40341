"""`cdp outputs`: what a job wrote, and whether it is still that."""

import sys
from typing import Any

import click

from cli.client import ApiClient
from cli.output import EXIT_LEFT, Command, ProgressLine, printable, show, tell
from cli.verification import Verified, verify


class OutputsGroup(Command):
    """`cdp outputs JOB_ID` shows; any other first word is a command."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Which command is meant."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


@click.group("outputs", cls=OutputsGroup)
def outputs() -> None:
    """Show a job's manifest with a link to each file: outputs JOB_ID. Or check that all of it is as it was."""


@outputs.command("show")
@click.argument("job_id")
@click.pass_obj
def show_outputs(client: ApiClient, job_id: str) -> None:
    """Show a job's manifest, with a link to each file."""
    show(client.outputs(job_id))


@outputs.command("verify")
@click.argument("job_id")
@click.option("--json", "is_json", is_flag=True, help="One JSON document on stdout, for machines.")
@click.pass_obj
def verify_outputs(client: ApiClient, job_id: str, is_json: bool) -> None:
    """Read all that a job wrote, and say which file is not as it was when the job SUCCEEDED. Exit code 1 if any."""
    line = ProgressLine()
    try:
        verified = verify(client, job_id, line.say)
    finally:
        line.close()
    if is_json:
        show(record_of(verified))
    else:
        for finding in verified.findings:
            click.echo(printable(f"{finding.path}: {finding.text}"))
        tell(summary_of(verified))
    if verified.findings:
        sys.exit(EXIT_LEFT)


def record_of(verified: Verified) -> dict[str, Any]:
    """What was found, for machines."""
    job = verified.job
    return {
        "jobId": job["jobId"],
        "attempt": job["attempt"],
        "manifestUri": job["manifestUri"],
        "manifestSha256": job["manifestSha256"],
        "files": verified.files,
        "wrong": [{"path": finding.path, "text": finding.text} for finding in verified.findings],
    }


def summary_of(verified: Verified) -> str:
    """What was compared with what, in a sentence."""
    held = "the manifest with the job" if verified.job["manifestSha256"] else "no manifest: the job holds no checksum"
    return f"Compared {held}, and {verified.files} files with the manifest. Wrong: {len(verified.findings)}."
