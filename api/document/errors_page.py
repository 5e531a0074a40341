"""The table of errors for clients, made from the code.

python -m api.document.errors_page > docs/api/errors.md
"""

import sys

from api.protocol.errors import ANSWERED

BEGINNING = """\
# Errors

Every error is an `application/problem+json` document (RFC 9457). Go by its `code`, which is stable; `detail` is for
people, and `errors` points at the fields that are wrong. A retryable error can be tried again as it is, after the
seconds of `Retry-After` where that header is there; send a `POST /jobs` again only with its `Idempotency-Key`.

This page is made from the code by `python -m api.document.errors_page > docs/api/errors.md`.

| code | status | what it means | what to do | retryable |
| --- | --- | --- | --- | --- |
"""
END = """
What the HTTP server around the code refuses by itself (a request line or a header that is far too long, a message
that is no HTTP) is answered in plain HTML with 400, 414 or 431.
"""


def errors_page() -> str:
    """The whole page, in Markdown."""
    rows = (
        f"| `{error.code}` | {error.http_status.value} | {error.title} | {error.remedy} "
        f"| {'yes' if error.retryable else 'no'} |\n"
        for error in ANSWERED
    )
    return BEGINNING + "".join(rows) + END


if __name__ == "__main__":
    sys.stdout.write(errors_page())
