"""What an environment's file says until somebody writes there what is true of the account. Pure."""

from collections.abc import Mapping
from typing import Any

from deployment.stacks import as_text

# No account has this number (AWS's own examples use it), and nobody can have this domain (RFC 2606).
PLACEHOLDERS = ("111111111111", "example.com")


def placeholders_in(environment: Mapping[str, Any]) -> list[str]:
    """The names of the parameters that still hold one."""
    return [name for name, value in environment.items() if any(each in as_text(value) for each in PLACEHOLDERS)]
