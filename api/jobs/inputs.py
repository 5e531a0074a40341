"""What a submission's checks ask about its inputs: S3 each time, or for all submissions of a batch together once."""

import functools
from typing import Protocol

from shared.object_store import ObjectStore


class Inputs(Protocol):
    """Looks at what lies at a URI. All of it raises ObjectsForbidden and ObjectsUnavailable; `ObjectStore` does it."""

    def exists(self, uri: str) -> bool:
        """Whether anything lies there."""

    def is_object(self, uri: str) -> bool:
        """Whether there is an object of this very name."""

    def first_below(self, uri: str) -> list[str]:
        """The first objects of a folder that are not empty."""

    def read_head(self, uri: str, most_bytes: int) -> bytes | None:
        """An object's first bytes, or None where there is nothing to read."""


class RememberedInputs:
    """The same, asking S3 each question once; for the time of one request. An error is not remembered."""

    def __init__(self, objects: ObjectStore) -> None:
        self.exists = functools.cache(objects.exists)
        self.is_object = functools.cache(objects.is_object)
        self.first_below = functools.cache(objects.first_below)
        self.read_head = functools.cache(objects.read_head)
