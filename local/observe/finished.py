"""Which traces may be shown: those from which nothing came for a while."""

from collections import defaultdict
from collections.abc import Sequence

from local.observe.collector import Received

# Longer than a process keeps its spans before it sends them.
QUIET_SECONDS = 4.0


class Traces:
    """Puts spans together to traces. One of which more came after it was given is given again, whole."""

    def __init__(self) -> None:
        self._spans: dict[str, list[Received]] = defaultdict(list)
        self._grew_at: dict[str, float] = {}

    def add(self, spans: Sequence[Received], now: float) -> None:
        """Take spans that came at `now`, in seconds."""
        for span in spans:
            self._spans[span.trace_id].append(span)
            self._grew_at[span.trace_id] = now

    def take_quiet(self, now: float) -> list[list[Received]]:
        """The traces that grew, and have not for a while."""
        quiet = [trace_id for trace_id, grew_at in self._grew_at.items() if now - grew_at >= QUIET_SECONDS]
        for trace_id in quiet:
            del self._grew_at[trace_id]
        return [self._spans[trace_id] for trace_id in quiet]
