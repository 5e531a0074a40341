"""The rules and the dashboard ask for metrics and labels that there are, in sentences that Prometheus understands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml

from tests.repository.test_metric_catalogue import kept

ROOT = Path(__file__).resolve().parents[2]
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "observability" / "prometheus-rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((ROOT / "observability" / "grafana.json").read_text())["panels"]
# Grafana's own variable, which it fills in.
QUERIES = [target["expr"].replace("$__rate_interval", "5m") for panel in PANELS for target in panel["targets"]]
# The names of a metric's samples, by its type, and the labels that they have besides its own.
SAMPLES = {
    "counter": {"": ()},
    "gauge": {"": ()},
    "summary": {"_sum": (), "_count": ()},
    "histogram": {"_sum": (), "_count": (), "_bucket": ("le",)},
}
# Of the reading: where a sample comes from.
OF_THE_READING = ("instance",)


def samples() -> dict[str, set[str]]:
    """The labels of each sample that a process may show."""
    return {
        name + ending: {*labels, *more, *OF_THE_READING}
        for name, (kind, labels) in kept().items()
        for ending, more in SAMPLES[kind].items()
    }


def wrong(query: str) -> list[str]:
    """What a query asks for that there is not. Raises ValueError if it is no query."""
    promql_parser.parse(query)
    return list(unknown(query))


def unknown(query: str) -> Iterator[str]:
    """The metrics that there are not, and the labels that none of a query's metrics has."""
    known, bare = samples(), re.sub(r'"[^"]*"', '""', query)
    names = set(re.findall(r"\bcdp_\w+", bare))
    yield from names - set(known)
    labels = {label for name in names & set(known) for label in known[name]}
    asked = [*re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"\"", bare)]
    asked += [label.strip() for inside in re.findall(r"\bby \(([^)]*)\)", bare) for label in inside.split(",")]
    yield from set(asked) - labels


@pytest.mark.parametrize("query", [*(rule["expr"] for rule in RULES), *QUERIES])
def test_every_query_can_be_read_and_asks_for_what_there_is(query):
    assert wrong(query) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sum(rate(cdp_job_transitions[5m]))", ["cdp_job_transitions"]),
        ('cdp_job_transitions_total{status="FAILED"}', ["status"]),
        ("sum by (owner) (cdp_quota_refusals_total)", ["owner"]),
        ("rate(cdp_due_lag_seconds[5m])", ["cdp_due_lag_seconds"]),
    ],
)
def test_a_query_for_what_there_is_not_is_found(query, found):
    assert wrong(query) == found


@pytest.mark.parametrize("query", ["rate(cdp_quota_refusals_total)", "sum(cdp_quota_refusals_total"])
def test_a_query_that_prometheus_would_refuse_is_found(query):
    with pytest.raises(ValueError, match=r"matrix|parenthesis"):
        wrong(query)


def test_every_alert_has_a_name_of_its_own_a_sentence_and_a_runbook_that_there_is():
    names = [rule["alert"] for rule in RULES]

    assert len(names) == len(set(names))
    for rule in RULES:
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert (ROOT / rule["annotations"]["runbook"]).is_file()


def test_the_dashboard_shows_every_metric():
    shown = set(re.findall(r"\bcdp_\w+", " ".join(QUERIES)))

    assert [name for name, (kind, _) in kept().items() if not shown & {name + end for end in SAMPLES[kind]}] == []
