"""The driver's own lines in its log: JSON like that of the platform's other processes, with the same correlation id."""

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Mapping, Optional

from spark_jobs.moments import as_text, utc_now

if TYPE_CHECKING:
    from spark_jobs.job import Job

# https://www.w3.org/TR/trace-context/, of the version that the platform writes.
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
INFO, ERROR = "info", "error"


def say(level: str, event: str, job: "Job", attempt: int, **facts: Any) -> None:
    """Write a line about an attempt; what is None is left out."""
    line = {
        "timestamp": as_text(utc_now()),
        "level": level,
        "event": event,
        "service": "spark",
        "correlation_id": job.correlation_id,
        "trace_id": trace_id_in(os.environ),
        "job_id": job.job_id,
        "attempt": attempt,
        **facts,
    }
    sys.stderr.write(json.dumps({name: value for name, value in line.items() if value is not None}) + "\n")


def trace_id_in(environment: Mapping[str, str]) -> Optional[str]:
    """The id of the trace that the platform told this run of; None if it told of none."""
    found = TRACEPARENT.fullmatch(environment.get("TRACEPARENT", ""))
    return found[1] if found else None
