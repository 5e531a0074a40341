"""Ids as the service makes them: 16 characters of 0-9 and a-z that begin with 00."""

import secrets
import string

ALPHABET = string.digits + string.ascii_lowercase


def new_id() -> str:
    """A fresh id of an application or a run."""
    return "00" + "".join(secrets.choice(ALPHABET) for _ in range(14))
