"""A signed report to the platform's API, by the standard library alone (Standard Webhooks; docs/api/callbacks.md)."""

import base64
import hashlib
import hmac
import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Dict, Mapping, Optional

# Of connecting, and of each wait for an answer.
TRY_SECONDS = 4.0
RETRYABLE_CODES = {408, 425, 429}
REASON_CHARACTERS = 200


@dataclass(frozen=True)
class Callback:
    """Whom an attempt reports to, and how often at most. The key signs for this attempt alone; it is never shown."""

    url: str
    attempt: int
    key: bytes = field(repr=False)
    progress_seconds: float

    @classmethod
    def from_json(cls, text: str) -> "Callback":
        """Read `{"url", "attempt", "key", "progressSeconds"}`, the key in base64.

        Raises: ValueError, KeyError, TypeError, where it is none.
        """
        told = json.loads(text)
        if not told["url"].startswith(("https://", "http://")):
            raise ValueError("reports go to http and https alone")
        key = base64.b64decode(told["key"], validate=True)
        return cls(told["url"], int(told["attempt"]), key, float(told["progressSeconds"]))


@dataclass(frozen=True)
class Answer:
    """What became of one try: `why` it was not taken (None if it was), and whether another may be."""

    why: Optional[str] = None
    may_pass: bool = False


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever answers with a redirect gets nothing: a signed report is for one address."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none; the redirect is then an error like any other."""
        return


def make_opener() -> urllib.request.OpenerDirector:
    """Opens addresses with no proxy of the driver's environment, and checks certificates."""
    checked = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect(), checked)


def signature(key: bytes, message_id: str, timestamp_seconds: int, body: bytes) -> str:
    """The `webhook-signature` header of a message."""
    signed = f"{message_id}.{timestamp_seconds}.".encode("ascii") + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def send(callback: Callback, report: Mapping[str, Any], timeout_seconds: float = TRY_SECONDS) -> Answer:
    """Send a report once, signed anew with an id of its own: the API takes no message twice. Raises nothing."""
    body = json.dumps({**report, "attempt": callback.attempt}).encode("utf-8")
    try:
        request = urllib.request.Request(  # noqa: S310 (its scheme was checked)
            callback.url, data=body, headers=headers_of(callback, body), method="POST"
        )
        # The answer's body is of no interest and is not read, however long it is.
        with make_opener().open(request, timeout=timeout_seconds):
            return Answer()
    except urllib.error.HTTPError as error:
        with error:
            return Answer(f"the API answered {error.code}.", error.code in RETRYABLE_CODES or error.code >= 500)
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        return Answer(f"{type(cause).__name__}: {cause}"[:REASON_CHARACTERS], may_pass=True)


def headers_of(callback: Callback, body: bytes) -> Dict[str, str]:
    """The headers of a message that is signed now."""
    message_id, timestamp_seconds = f"msg_{uuid.uuid4().hex}", int(time.time())
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": signature(callback.key, message_id, timestamp_seconds, body),
    }
