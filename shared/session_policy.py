"""The rights of one run: to read what its job names, to write below its own folder, to put its logs. Pure.

EMR Serverless takes a session policy with each run (`executionIamPolicy`). A run may do what both this policy and the
execution role allow, so a program cannot reach what other jobs read and wrote although the role could.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import FieldProblem, ValidationFailed
from shared.object_store import split_uri

# EMR Serverless' own limit (API reference, JobRunExecutionIamPolicy).
MOST_CHARACTERS = 2048
# In a policy these are wildcards, and $ begins a variable; a key may hold them as they are.
SPECIAL = re.compile(r"[*?$]")
READ = ["s3:GetObject"]
WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
# Of whichever keys the role may use: a policy of a run cannot know by which its objects are encrypted.
ENCRYPT = ["kms:Decrypt", "kms:GenerateDataKey"]
# EMR reads a secret in the name of the run (EMR Serverless User Guide, Secrets Manager for data protection).
READ_SECRET = ["secretsmanager:GetSecretValue"]


@dataclass(frozen=True)
class Reach:
    """What a run works with, as s3:// URIs: what it reads (objects, or folders that end with /), the folder that it
    writes below, and the folder of its logs. `partition` is that of ARNs, such as aws; `secret` the ARN or the name of
    the secret that EMR puts into its settings, if it has one."""

    reads: Sequence[str]
    output: str
    logs: str
    partition: str
    secret: str = ""


def partition_of(role_arn: str) -> str:
    """The partition of an ARN; that of most regions where there is no ARN."""
    parts = role_arn.split(":")
    return parts[1] if len(parts) > 1 else "aws"


def session_policy(reach: Reach) -> str:
    """The policy as JSON, within EMR's limit.

    Where it would be too long, it lets the run list all names in the buckets that it reads from; what lies there is
    still not its to read. Raises: ValidationFailed where even that is too long.
    """
    for statements in (_statements(reach, narrow=True), _statements(reach, narrow=False)):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
        if len(policy) <= MOST_CHARACTERS:
            return policy
    text = (
        f"The rights to read these inputs make {len(policy)} characters of policy, and EMR Serverless takes "
        f"{MOST_CHARACTERS}: name fewer inputs, or a folder that holds several of them."
    )
    raise ValidationFailed(text, [FieldProblem("/inputs", text)])


def _statements(reach: Reach, *, narrow: bool) -> list[dict[str, Any]]:
    readable = [*reach.reads, reach.output]
    return [
        _allow(READ, [arn for uri in readable for arn in _objects_of(uri, reach.partition)]),
        _allow(WRITE, _objects_of(reach.output, reach.partition)),
        _allow(["s3:PutObject"], _objects_of(reach.logs, reach.partition)),
        *_listing(readable, reach.partition, narrow=narrow),
        _allow(ENCRYPT, ["*"]),
        *([_allow(READ_SECRET, [_secret_of(reach)])] if reach.secret else []),
    ]


def _secret_of(reach: Reach) -> str:
    """The ARN of the secret; by its name alone neither account nor region is known, nor what Secrets Manager adds."""
    if reach.secret.startswith("arn:"):
        return reach.secret
    return f"arn:{reach.partition}:secretsmanager:*:*:secret:{_escaped(reach.secret)}-??????"


def _listing(uris: Iterable[str], partition: str, *, narrow: bool) -> list[dict[str, Any]]:
    """Spark lists before it reads: below each folder, and where an object might be a folder."""
    places = [split_uri(uri) for uri in uris]
    found = []
    for bucket in dict.fromkeys(bucket for bucket, _ in places):
        statement = _allow(["s3:ListBucket"], [f"arn:{partition}:s3:::{bucket}"])
        if narrow:
            prefixes = [prefix for each, key in places if each == bucket for prefix in _prefixes_of(key)]
            statement["Condition"] = {"StringLike": {"s3:prefix": prefixes}}
        found.append(statement)
    return found


def _objects_of(uri: str, partition: str) -> list[str]:
    bucket, key = split_uri(uri)
    arn = f"arn:{partition}:s3:::{bucket}/{_escaped(key)}"
    return [f"{arn}*"] if key.endswith("/") or not key else [arn, f"{arn}/*"]


def _prefixes_of(key: str) -> list[str]:
    folder = _escaped(key.rstrip("/"))
    return [folder, f"{folder}/*"] if folder else ["*"]


def _escaped(key: str) -> str:
    return SPECIAL.sub(lambda match: f"${{{match[0]}}}", key)


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [*actions], "Resource": [*dict.fromkeys(resources)]}
