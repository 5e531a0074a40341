"""The API and the worker without what `benchmarks.observability_cost` measures the cost of.

`python -m benchmarks.unobserved` is the worker; `benchmarks.unobserved:app` is for gunicorn. Logs have a level and
traces an address in the settings. Metrics have no switch, since nobody needs one, so they are left out from here: the
hooks that count, and whatever counts without one.
"""

import importlib
import sys
from typing import Any

from prometheus_client import Counter, Histogram, Summary

HOOKS = (
    ("shared.aws_clients", "count_calls"),
    ("shared.job_store", "count_change"),
    ("worker.consumer", "note_lag"),
    ("api.protocol.edges", "measure"),
)
COUNTING = ((Counter, "inc"), (Histogram, "observe"), (Summary, "observe"))


def do_nothing(*_arguments: Any, **_named: Any) -> None:
    """Instead of counting."""


def leave_metrics_out() -> None:
    """Let nothing in this process be counted; to be called before clients of AWS are made."""
    for module, hook in HOOKS:
        found = importlib.import_module(module)
        assert hasattr(found, hook)  # else the hook has another name now, and would be measured on both sides
        setattr(found, hook, do_nothing)
    for kind, method in COUNTING:
        setattr(kind, method, do_nothing)


def __getattr__(name: str) -> Any:
    """`app`, made when gunicorn asks for it."""
    if name != "app":
        raise AttributeError(name)
    leave_metrics_out()
    return importlib.import_module("api.wsgi").app


if __name__ == "__main__":
    leave_metrics_out()
    sys.exit(importlib.import_module("worker.__main__").main())
