"""Which calls of AWS are written in code, seen or not: to notice what no test has recorded."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.session import get_session

# How the names of clients end where they are used.
CLIENTS = ("client", "receiver", "dynamodb", "s3", "sqs", "sqs_receive", "ecr", "emr", "ecs", "secrets")


def written_calls(path: Path, services: Sequence[str]) -> Iterator[str]:
    """The operations of these services that a file calls, hands on or signs links for, as service:Operation.

    They are known by their names: an attribute of something called a client, or the text of a method's name.
    """
    operations = {method: f"{service}:{name}" for service in services for method, name in methods_of(service).items()}
    for node in ast.walk(ast.parse(path.read_text())):
        name = method_named(node)
        if name in operations:
            yield operations[name]


def method_named(node: ast.AST) -> str | None:
    """The method that a piece of code may name."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith(CLIENTS):
        return node.attr
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@cache
def methods_of(service: str) -> dict[str, str]:
    """The methods of a service's client, and the operation of each."""
    names = get_session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}
