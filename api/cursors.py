"""The cursors of lists: a place in one owner's list, signed, so that nothing is stored and nothing can be made up."""

import base64
import hashlib
import hmac

from shared.errors import BadCursor
from shared.transitions import JobStatus

TAG_BYTES = 16


def cursor_to(position: str, owner_id: str, status: JobStatus | None, key: str) -> str:
    """The cursor of a place in an owner's list with this filter."""
    return base64.urlsafe_b64encode(_tag(position, owner_id, status, key) + position.encode()).decode().rstrip("=")


def position_of(cursor: str, owner_id: str, status: JobStatus | None, key: str) -> str:
    """The place that a cursor names. Raises: BadCursor unless we gave it, for this very list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = raw[TAG_BYTES:].decode()
    except ValueError as error:
        raise BadCursor("The cursor is damaged: pass nextCursor exactly as it was given.") from error
    if not hmac.compare_digest(raw[:TAG_BYTES], _tag(position, owner_id, status, key)):
        raise BadCursor("The cursor belongs to another list: keep the filter it was given for, or start without one.")
    return position


def _tag(position: str, owner_id: str, status: JobStatus | None, key: str) -> bytes:
    signed = "\0".join((owner_id, status or "", position))
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()[:TAG_BYTES]
