"""A permit to start one run: asked for once, and kept until a start spends it."""

from collections.abc import Callable


class Permit:
    """At most one permit in hand. One that a handling did not spend serves the next; none is given back."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self._held = False

    def take(self) -> bool:
        """Whether a permit is in hand now; asks for one if not. Raises what asking raises."""
        self._held = self._held or self._ask()
        return self._held

    def spend(self) -> None:
        """A start is about to be made with the permit in hand."""
        self._held = False
