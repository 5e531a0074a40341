"""Texts and values without the secrets in them: for log lines, spans, items, dead letters and error answers alike.

Whoever cuts a text cleans it first: of half a secret nobody can tell what it was.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

from shared.settings import REDACTED

# Names whose values are secret whatever they look like.
SECRET_NAMES = re.compile(
    r"authorization|cookie|password|secret|signing_?key|private_?key|security-token|webhook-signature", re.IGNORECASE
)
# All patterns below begin where a word does and never step back, so that a long text costs time in proportion.
# Secrets inside of longer texts: presigned links, headers in a library's message, tokens in a traceback. What stands in
# <> is the place of a secret, and none.
SECRET_TEXTS = re.compile(
    r"""(X-Amz-(?:Signature|Security-Token|Credential)['"]?\s?[=:]\s?['"]?|Bearer\s++(?!<)|whsec_)"""
    r"""(?:[^\s&'"]*Bearer\s++)*[^\s&'"]+"""  # in a path, one may follow another
    r"""|(?<![\w-])eyJ[\w-]{8,}+\.[\w-]+(?:\.[\w-]*)?"""  # a JWT, wherever it stands
    r"""|((?:Authorization|webhook-signature)['"]?\s?+[=:]\s?+['"]?+)(?!Bearer\ <)[^'"\r\n]+"""
    r"""|((?:password|passwd|client_secret|(?:access|id|refresh)_token|signing_?key|api_?key)"""  # in a query, or JSON
    r"""\\?['"]?\s?[=:]\s?\\?['"]?)[^\s&'"\\,;}]+"""
    r"""|((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*+://[^\s/:@'"]*+:)[^\s/@'"]+(?=@)""",  # the password of an address
    re.IGNORECASE,
)
# Persons; an owner may be named by one, and stays readable under its own name.
EMAILS = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+")
# Looking for secrets is most of what a line of the log costs, and most short texts come again: methods, events, routes,
# a request's ids.
REMEMBERED_TEXTS, REMEMBERED_CHARACTERS = 2048, 256


def without_secrets(value: Any) -> Any:
    """A value with the secrets in it blotted out, however deep they lie."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {
            name: REDACTED if SECRET_NAMES.search(str(name)) else without_secrets(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return value if value is None or isinstance(value, int | float) else clean_text(repr(value))


def clean_text(text: str) -> str:
    """A text with the secrets in it blotted out. Cleaning twice changes no more than cleaning once."""
    return _remembered(text) if len(text) <= REMEMBERED_CHARACTERS else _searched(text)


def _searched(text: str) -> str:
    return EMAILS.sub(REDACTED, SECRET_TEXTS.sub(rf"\1\2\3\4{REDACTED}", text))


_remembered = functools.lru_cache(maxsize=REMEMBERED_TEXTS)(_searched)
