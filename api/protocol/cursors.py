"""The cursors of lists: a place in one list, signed, so that nothing is stored and nothing can be made up."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from shared.errors import BadCursor
from shared.job_filter import JobFilter

TAG_BYTES = 16


@dataclass(frozen=True)
class DatasetsOf:
    """The list of an owner's datasets, which has no filters."""

    owner_id: str


Wanted = JobFilter | DatasetsOf


def cursor_to(position: str, wanted: Wanted, key: str) -> str:
    """The cursor of a place in a list: that of this owner, with these filters, in this order."""
    return base64.urlsafe_b64encode(_tag(position, wanted, key) + position.encode()).decode().rstrip("=")


def position_of(cursor: str, wanted: Wanted, keys: Sequence[str]) -> str:
    """The place that a cursor names. Raises: BadCursor unless one of the keys signed it, for this very list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = raw[TAG_BYTES:].decode()
    except ValueError as error:
        raise BadCursor("The cursor is damaged: pass nextCursor exactly as it was given.") from error
    if not any(hmac.compare_digest(raw[:TAG_BYTES], _tag(position, wanted, key)) for key in keys):
        raise BadCursor(
            "The cursor belongs to another list: keep the filters and the order it was given for, or start without one."
        )
    return position


def _tag(position: str, wanted: Wanted, key: str) -> bytes:
    # Every field, so that none that is added is forgotten; JSON, so that none can be shifted into another.
    signed = json.dumps([position, type(wanted).__name__, asdict(wanted)])
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()[:TAG_BYTES]
