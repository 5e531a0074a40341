"""Signatures of status callbacks: who holds an attempt's key may report for that attempt, and for no other.

The scheme is Standard Webhooks' (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64>`). Keys are
derived from a master key, so none is stored.
"""

import base64
import hashlib
import hmac

SIGNATURE_VERSION = "v1"


def callback_key(master_key: str, job_id: str, attempt: int) -> bytes:
    """The key of one attempt of one job."""
    return hmac.new(master_key.encode(), f"{job_id}.{attempt}".encode(), hashlib.sha256).digest()


def sign(key: bytes, message_id: str, timestamp_seconds: int, body: bytes) -> str:
    """The `webhook-signature` header of a message."""
    signed = f"{message_id}.{timestamp_seconds}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"{SIGNATURE_VERSION},{base64.b64encode(digest).decode()}"


def is_signed(key: bytes, message_id: str, timestamp_seconds: int, body: bytes, header: str) -> bool:
    """Whether one of the space-separated signatures in `header` is right, compared in constant time."""
    expected = sign(key, message_id, timestamp_seconds, body).encode()
    return any(hmac.compare_digest(expected, given.encode()) for given in header.split())
