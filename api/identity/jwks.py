"""The keys of the issuer, kept in memory: renewed as they change, and served through the issuer's outages."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from jwt import PyJWK

from shared.errors import IssuerUnavailable

log = structlog.get_logger()

# A key by its id (None for the only key of an issuer that names none) and the algorithm that it verifies.
KeyName = tuple[str | None, str]
KeyTable = Mapping[KeyName, PyJWK]

# A token that names an unknown key makes us ask the issuer, but no flood of such tokens makes a flood of questions.
PAUSE_SECONDS = 10
OUTAGE_SECONDS = 24 * 3600
# How long a request waits for another one's question.
WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Known:
    """What the issuer said when it last answered."""

    table: KeyTable
    at_seconds: float


class KeyCache:
    """Finds keys. `fetch` asks the issuer; `fresh_seconds` is how long its answer is not asked for again."""

    def __init__(
        self, fetch: Callable[[], KeyTable], fresh_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._fresh_seconds = fresh_seconds
        self._pause_seconds = min(PAUSE_SECONDS, fresh_seconds)
        self._clock = clock
        self._known = Known({}, -math.inf)
        self._asked_at_seconds = -math.inf
        self._failure: str | None = None
        self._asking = threading.Lock()

    def find(self, name: KeyName) -> PyJWK | None:
        """The key of this name; None if the issuer has none. Raises: IssuerUnavailable if we cannot know."""
        self._renew(is_needed=name not in self._usable())
        found = self._usable().get(name)
        if found is None and self._failure is not None:
            raise IssuerUnavailable(self._failure)
        return found

    def _usable(self) -> KeyTable:
        return self._known.table if self._clock() - self._known.at_seconds < OUTAGE_SECONDS else {}

    def _renew(self, is_needed: bool) -> None:
        """Ask the issuer if its answer is old, or lacks what is needed. One thread asks; the others go on."""
        if not is_needed and self._clock() - self._known.at_seconds < self._fresh_seconds:
            return
        if self._was_asked_just_now():
            return
        if not self._asking.acquire(timeout=WAIT_SECONDS if is_needed else 0):
            if is_needed:
                raise IssuerUnavailable("The issuer's keys are still being fetched.")
            return
        try:
            if not self._was_asked_just_now():
                self._ask()
        finally:
            self._asking.release()

    def _was_asked_just_now(self) -> bool:
        return self._clock() - self._asked_at_seconds < self._pause_seconds

    def _ask(self) -> None:
        begun_at_seconds = self._clock()
        try:
            self._known, self._failure = Known(self._fetch(), begun_at_seconds), None
        except IssuerUnavailable as error:
            self._failure = error.detail
            log.warning("issuer_keys_not_fetched", reason=error.detail)
        finally:  # not before: until then, others that need the answer wait for it
            self._asked_at_seconds = self._clock()
