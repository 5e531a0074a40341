"""Which trace of the platform a run is part of."""

import re
from typing import Mapping, Optional

# https://www.w3.org/TR/trace-context/, of the version that the platform writes.
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def trace_id_in(environment: Mapping[str, str]) -> Optional[str]:
    """The id of the trace that the platform told this run of; None if it told of none."""
    found = TRACEPARENT.fullmatch(environment.get("TRACEPARENT", ""))
    return found[1] if found else None
