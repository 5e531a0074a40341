"""What the template must say that no local cloud enforces."""

from pathlib import Path
from typing import Any

import yaml

from shared.datasets.datasets import UPLOADS_FOLDER

TEMPLATE = Path(__file__).resolve().parents[2] / "cloudformation" / "data.yaml"


class Loader(yaml.SafeLoader):
    """Reads a function such as !Sub as its bare argument."""


Loader.add_multi_constructor("!", lambda loader, tag, node: construct(loader, node))


def construct(loader: Any, node: Any) -> Any:
    """The argument of a function."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node)


def test_nobody_may_write_over_an_upload():
    template = yaml.load(TEMPLATE.read_text(), Loader)  # a safe loader, with our functions
    statements = template["Resources"]["RawBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    (found,) = [each for each in statements if each["Action"] == "s3:PutObject"]

    assert (found["Effect"], found["Principal"]) == ("Deny", "*")
    assert found["Resource"] == "${RawBucket.Arn}/" + UPLOADS_FOLDER + "*"
    # Requests that create an object and do not say `If-None-Match`.
    assert found["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
