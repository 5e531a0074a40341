"""What a run may do in S3: what its session policy allows, which here stands for the execution role too."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

# A wildcard, one that is meant as it is written, or any other character (IAM's reference of policy elements).
PARTS = re.compile(r"\$\{([*?$])\}|([*?])|(.)", re.DOTALL)


class Rights:
    """The rights of one run. Without a session policy it may do everything."""

    def __init__(self, policy: str | None) -> None:
        self._statements: list[Mapping[str, Any]] | None = json.loads(policy)["Statement"] if policy else None

    def may_read(self, bucket: str, key: str) -> bool:
        """Whether the object may be read."""
        return self._allows("s3:GetObject", f"{bucket}/{key}")

    def may_write(self, bucket: str, key: str) -> bool:
        """Whether the object may be written."""
        return self._allows("s3:PutObject", f"{bucket}/{key}")

    def may_list(self, bucket: str, prefix: str) -> bool:
        """Whether the names that begin so may be listed."""
        return self._allows("s3:ListBucket", bucket, prefix)

    def _allows(self, action: str, resource: str, prefix: str = "") -> bool:
        if self._statements is None:
            return True
        return any(
            action in statement["Action"]
            and any(matches(pattern.partition(":::")[2], resource) for pattern in statement["Resource"])
            and allows_prefix(statement, prefix)
            for statement in self._statements
        )


EVERYTHING = Rights(None)


def rights_of(request: Mapping[str, Any]) -> Rights:
    """The rights that a StartJobRun request gives to its run."""
    return Rights(request.get("executionIamPolicy", {}).get("policy"))


def allows_prefix(statement: Mapping[str, Any], prefix: str) -> bool:
    """Whether a statement's condition, if it has one, holds for what is to be listed."""
    wanted = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix")
    return wanted is None or any(matches(pattern, prefix) for pattern in wanted)


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern of IAM says."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile(
        "".join(wild.get(part[2] or "") or re.escape(part[1] or part[3]) for part in PARTS.finditer(pattern)), re.DOTALL
    )
