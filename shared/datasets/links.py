"""Presigned links: used again while they last, and so many for each owner and no more.

A link is as good as the right that it stands for, so it is never logged, and never made for nothing. All of this is
kept in the process: several processes make as many links as they are.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.errors import TooManyLinks

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The limit counts the new links of one owner in such a time.
WINDOW = timedelta(minutes=15)
# Of 800 bytes each: 80 MB at the very most. What one owner asks for pushes out links of its own alone.
KEPT_PER_OWNER = 500
KEPT_OWNERS = 200


@dataclass(frozen=True)
class Allowed:
    """What a link allows: an operation of S3, and its parameters."""

    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Link:
    """A link, and until when it can be followed."""

    url: str
    expires_at: datetime


@dataclass
class Shelf:
    """The links of one owner, and how many were made since `window_began`."""

    window_began: datetime
    made: int = 0
    links: OrderedDict[Any, Link] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)


class Links:
    """Makes presigned links. Safe between threads; one owner's many links keep no other owner waiting."""

    def __init__(self, client: "S3Client", most_per_owner: int, signer: Callable[[], str] = lambda: "") -> None:
        """`signer` names the credentials of the moment: what others have signed may end with them."""
        self._client = client
        self._most = most_per_owner
        self._signer = signer
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._lock = Lock()

    def give(self, owner_id: str, wanted: Sequence[Allowed], now: datetime, until: datetime) -> list[Link]:
        """A link for each that is wanted: a new one that ends `until`, or one made before that lasts half as long.

        An owner who has reached the limit gets no new one for now; what is asked for at once is given whole.
        Raises: TooManyLinks.
        """
        shelf, signer, at_least_until = self._shelf_of(owner_id, now), self._signer(), now + (until - now) / 2
        with shelf.lock:
            keys = [(signer, each.operation, tuple(sorted(each.parameters.items()))) for each in wanted]
            kept = [shelf.links.get(key) for key in keys]
            usable = [link if link is not None and link.expires_at >= at_least_until else None for link in kept]
            if None in usable:
                self._refuse_excess(shelf, now)
            return [
                link or self._make(shelf, key, each, now, until)
                for link, key, each in zip(usable, keys, wanted, strict=True)
            ]

    def _shelf_of(self, owner_id: str, now: datetime) -> Shelf:
        with self._lock:
            shelf = self._shelves.setdefault(owner_id, Shelf(now))
            self._shelves.move_to_end(owner_id)
            while len(self._shelves) > KEPT_OWNERS:
                self._shelves.popitem(last=False)
            return shelf

    def _refuse_excess(self, shelf: Shelf, now: datetime) -> None:
        ends_at = shelf.window_began + WINDOW
        if now >= ends_at:
            shelf.window_began, shelf.made = now, 0
        elif shelf.made >= self._most:
            raise TooManyLinks(
                f"Each owner gets {self._most} new links in {WINDOW.seconds // 60} minutes; {shelf.made} were made.",
                limit=self._most,
                made=shelf.made,
                retry_after_seconds=seconds_between(now, ends_at),
            )

    def _make(self, shelf: Shelf, key: Any, allowed: Allowed, now: datetime, until: datetime) -> Link:
        url = self._client.generate_presigned_url(
            ClientMethod=allowed.operation, Params=dict(allowed.parameters), ExpiresIn=seconds_between(now, until)
        )
        shelf.made += 1
        shelf.links[key] = Link(url, until)
        shelf.links.move_to_end(key)
        while len(shelf.links) > KEPT_PER_OWNER:
            shelf.links.popitem(last=False)
        return shelf.links[key]


def seconds_between(now: datetime, until: datetime) -> int:
    """Whole seconds, one at least: S3 counts from the second in which a link is made."""
    return max(1, -(-(until - now) // timedelta(seconds=1)))
