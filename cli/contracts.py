"""`cdp contracts`: put a version of a contract, and look at what there is."""

import json
from typing import TextIO

import click

from cli.client import ApiClient
from cli.output import Command, show


@click.group("contracts", cls=Command)
def contracts() -> None:
    """Put and read contracts: what the rows of a table must be."""


@contracts.command()
@click.argument("document", type=click.File())
@click.pass_obj
def put(client: ApiClient, document: TextIO) -> None:
    """Put the document in a file (- for standard input) as the version that it says it is."""
    try:
        body = json.load(document)
        name, version = body["name"], body["version"]
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="DOCUMENT") from error
    except (KeyError, TypeError) as error:
        raise click.BadParameter("it has no name and version.", param_hint="DOCUMENT") from error
    show(client.put_contract(str(name), str(version), body))


@contracts.command()
@click.argument("reference", metavar="NAME[/VERSION]")
@click.option("--document", "is_document", is_flag=True, help="Show the document alone, as it was put.")
@click.pass_obj
def get(client: ApiClient, reference: str, is_document: bool) -> None:
    """Show a version of a contract, or all its versions."""
    name, _, version = reference.partition("/")
    if not version:
        if is_document:
            raise click.UsageError("--document needs a version: NAME/VERSION.")
        show(client.contract_versions(name))
        return
    record = client.contract(name, version)
    show(record["document"] if is_document else record)


@contracts.command("list")
@click.option("--limit", type=int, help="How many at most.")
@click.option("--cursor", help="Where to go on: the nextCursor of the page before.")
@click.pass_obj
def list_contracts(client: ApiClient, limit: int | None, cursor: str | None) -> None:
    """Show one page of all contracts."""
    show(client.contracts(limit=limit, cursor=cursor))
