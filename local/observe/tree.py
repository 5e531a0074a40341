"""A trace as a tree of lines."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from local.observe.collector import Received

NS_A_MS = 1_000_000
# Of the name and what stands before it, so that the numbers stand below each other.
NAME_WIDTH = 56


def tree(spans: Sequence[Received]) -> list[str]:
    """The spans of one trace, each under what it is part of: service, name, start and length in milliseconds.

    The start counts from the trace's first span. A span whose parent did not come, since it is a caller's or is not
    over, stands at the top.
    """
    began_ns = min(span.began_ns for span in spans)
    known = {span.span_id for span in spans}
    parts = defaultdict[str, list[Received]](list)
    for span in sorted(spans, key=lambda each: (each.began_ns, each.ended_ns)):
        parts[span.parent_id if span.parent_id in known else ""].append(span)
    return [heading(spans), *_lines(parts, "", "", began_ns)]


def heading(spans: Sequence[Received]) -> str:
    """The trace's id, and the jobs that it is about."""
    jobs = sorted({span.job_id for span in spans if span.job_id is not None})
    return f"trace {spans[0].trace_id}" + "".join(f", job {job_id}" for job_id in jobs)


def _lines(parts: dict[str, list[Received]], parent_id: str, indent: str, began_ns: int) -> Iterator[str]:
    siblings = parts.get(parent_id, [])
    for span in siblings:
        is_last = span is siblings[-1]
        yield line(span, indent + ("└─ " if is_last else "├─ "), began_ns)
        yield from _lines(parts, span.span_id, indent + ("   " if is_last else "│  "), began_ns)


def line(span: Received, before: str, began_ns: int) -> str:
    """One span."""
    start_ms, length_ms = (span.began_ns - began_ns) / NS_A_MS, (span.ended_ns - span.began_ns) / NS_A_MS
    told = f"{before}{span.service}  {span.name}".ljust(NAME_WIDTH)
    failure = f"  ERROR {span.error}" if span.error is not None else ""
    return f"{told} {start_ms:>+10.1f} ms {length_ms:>10.1f} ms{failure}"
