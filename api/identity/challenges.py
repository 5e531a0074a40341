"""The WWW-Authenticate header (RFC 6750, section 3), which tells a client's library what a refusal is about."""

import re

from shared.errors import AppError, Forbidden, InvalidToken, Unauthenticated
from shared.redaction import clean_text

REALM = "cloud-data-platform"
# All that RFC 6750 allows in a description; a quotation mark would end it.
NOT_IN_DESCRIPTIONS = re.compile(r"[^ !#-\[\]-~]")


def challenge(error: AppError) -> list[tuple[str, str]]:
    """The header that belongs to an error; of most there is none."""
    if not isinstance(error, Unauthenticated | Forbidden):
        return []
    parts = [f'realm="{REALM}"']
    if isinstance(error, InvalidToken):
        parts += ['error="invalid_token"', _description(error)]
    elif isinstance(error, Forbidden):
        parts += ['error="insufficient_scope"', _description(error), f'scope="{error.scope}"']
    return [("WWW-Authenticate", f"Bearer {', '.join(parts)}")]


def _description(error: AppError) -> str:
    return f'error_description="{NOT_IN_DESCRIPTIONS.sub("", clean_text(error.detail))}"'
