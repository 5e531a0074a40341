"""What a step of the scenario is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One request, and the status that it must be answered with.

    `{words}` in the path, the query and the body stand for what earlier steps kept: `keep` says under which word which
    field of the answer is kept, as a JSON pointer.
    """

    operation: str
    # What the example shows, as a key in the document; of a problem its code is shown instead.
    name: str
    method: str
    path: str
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    # Instead of a body: text that is sent as it is, although it is no JSON.
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    # Send it again until this field of the answer has this value.
    until: tuple[str, Any] | None = None
    # Sign it as the attempt that the body names.
    signed: bool = False
    # It needs what only those who know the deployment have: objects in its buckets, or the key of an attempt.
    inside: bool = False
    # The status where the scenario was played before, if it is another.
    status_again: int | None = None
    # It only makes what later steps need, and is not shown.
    hidden: bool = False

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses of a right answer: the first time, and then."""
        return (self.status,) if self.status_again is None else (self.status, self.status_again)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the path is a whole address that an answer gave, and no operation of the API."""
        return not self.operation
