"""`cdp datasets`: upload a file, look at datasets."""

import mimetypes
from pathlib import Path

import click

from cli.client import ApiClient
from cli.file_parts import read_parts
from cli.output import Command, ProgressLine, show
from cli.uploading import upload

MIB = 1024 * 1024
ANY_TYPE = "application/octet-stream"


@click.group("datasets", cls=Command)
def datasets() -> None:
    """Upload files that jobs can read, as dataset:ID."""


@datasets.command("upload")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--content-type", help="Its media type; by its name, if not given.")
@click.option(
    "--part-size", type=click.IntRange(5, 5120), help="MiB of each part; only large files have parts, if not."
)
@click.option("--type", "dataset_type", help="Its type, which says how long it is kept.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A word of your own; may be repeated.")
@click.pass_obj
def upload_file(
    client: ApiClient,
    file: Path,
    content_type: str | None,
    part_size: int | None,
    dataset_type: str | None,
    tags: tuple[str, ...],
) -> None:
    """Upload FILE and show its dataset. Cut short, the same command goes on where it was."""
    pairs = [tag.partition("=") for tag in tags]
    if any(not equals for _, equals, _ in pairs):
        raise click.BadParameter("write KEY=VALUE", param_hint="--tag")
    if file.stat().st_size == 0:
        raise click.BadParameter("it is empty", param_hint="FILE")
    line = ProgressLine()
    try:
        line.say(f"reading {file.name}")
        parts = read_parts(file, None if part_size is None else part_size * MIB)
        kind = content_type or mimetypes.guess_type(file.name)[0] or ANY_TYPE
        record = upload(client, parts, kind, {key: value for key, _, value in pairs}, line.say, dataset_type)
    finally:
        line.close()
    show(record)


@datasets.command()
@click.argument("dataset_id")
@click.pass_obj
def get(client: ApiClient, dataset_id: str) -> None:
    """Show a dataset."""
    show(client.dataset(dataset_id))


@datasets.command()
@click.argument("dataset_id")
@click.pass_obj
def abandon(client: ApiClient, dataset_id: str) -> None:
    """Give up a dataset that will not be uploaded, so that it no longer counts."""
    show(client.abandon_dataset(dataset_id))


@datasets.command("list")
@click.option("--limit", type=int, help="How many at most.")
@click.option("--cursor", help="Where to go on: the nextCursor of the page before.")
@click.pass_obj
def list_datasets(client: ApiClient, limit: int | None, cursor: str | None) -> None:
    """Show one page of datasets, newest first."""
    show(client.list_datasets(limit=limit, cursor=cursor))
