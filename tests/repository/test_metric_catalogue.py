"""The page about what can be seen names every metric, with its type and its labels."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

import api.app  # noqa: F401  # its metrics
import shared.aws_clients  # noqa: F401
import worker.metrics  # noqa: F401
from shared.metrics import METRICS
from worker.health import metrics_of
from worker.start_gate import StartGate

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "observability.md").read_text()
# Prometheus: https://prometheus.io/docs/practices/naming/
ENDINGS = {"counter": "_total", "histogram": "_seconds", "summary": "_bytes", "gauge": "_seconds"}
NEVER_LABELS = ("owner", "job_id", "run_id", "path", "correlation_id", "message")


def kept() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every metric of both processes: its type and its labels."""
    workers = metrics_of([], StartGate(lambda: datetime.now(UTC), 90))
    found = [*METRICS._collector_to_names, *workers._collector_to_names]
    metrics = [each for each in found if isinstance(each, MetricWrapperBase)]
    return {
        each._name + ("_total" if each._type == "counter" else ""): (each._type, tuple(each._labelnames))
        for each in metrics
    }


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The metrics of the page's table."""
    rows = re.findall(r"^\| `(cdp_[a-z_]+)` \| (\w+) \|([^|]*)\| (?:API|workers|both) \| [^|]+ \|$", PAGE, re.M)
    return {name: (kind, tuple(re.findall(r"`([a-z_]+)`", labels))) for name, kind, labels in rows}


def test_the_page_has_every_metric_with_its_type_and_its_labels_and_no_other():
    assert documented() == kept()


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, (kind, _) in sorted(kept().items())])
def test_names_are_as_prometheus_wants_them(name, kind):
    assert name.startswith("cdp_")
    assert name.endswith(ENDINGS[kind])


def test_no_label_is_anything_that_users_make():
    assert [label for _, labels in kept().values() for label in labels if label in NEVER_LABELS] == []
