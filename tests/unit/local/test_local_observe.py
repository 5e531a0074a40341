"""What `make observe` prints: traces as trees, once they are quiet, and the counts that changed."""

from dataclasses import replace

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from local.observe.__main__ import counts_of
from local.observe.collector import Received, read
from local.observe.counts import changes, counts_in
from local.observe.finished import QUIET_SECONDS, Traces
from local.observe.tree import tree

MS = 1_000_000


def span(name: str, span_id: str, parent_id: str = "", began_ms: float = 0, **more: str) -> Received:
    return Received(
        service=more.get("service", "api"),
        name=name,
        trace_id=more.get("trace_id", "t1"),
        span_id=span_id,
        parent_id=parent_id,
        began_ns=int((1000 + began_ms) * MS),
        ended_ns=int((1000 + began_ms + 2.5) * MS),
        job_id=more.get("job_id"),
        error=more.get("error"),
    )


POST = span("POST /jobs", "a")
SEND = span("sqs.SendMessage", "b", "a", 1)
STEP = span("advance", "c", "a", 40, service="worker", job_id="j1")
GET_ITEM = span("dynamodb.GetItem", "d", "c", 41, service="worker")
FAILED_RUN = span("run", "e", "a", 50, service="worker", job_id="j1", error="TRANSIENT")


@pytest.mark.parametrize(
    ("spans", "lines"),
    [
        ([POST], ["trace t1", "└─ api  POST /jobs +0.0 ms 2.5 ms"]),
        (
            [GET_ITEM, FAILED_RUN, STEP, SEND, POST],
            [
                "trace t1, job j1",
                "└─ api  POST /jobs +0.0 ms 2.5 ms",
                "   ├─ api  sqs.SendMessage +1.0 ms 2.5 ms",
                "   ├─ worker  advance +40.0 ms 2.5 ms",
                "   │  └─ worker  dynamodb.GetItem +41.0 ms 2.5 ms",
                "   └─ worker  run +50.0 ms 2.5 ms ERROR TRANSIENT",
            ],
        ),
        # The request has not come, or the parent is a caller's.
        (
            [STEP, SEND],
            ["trace t1, job j1", "├─ api  sqs.SendMessage +0.0 ms 2.5 ms", "└─ worker  advance +39.0 ms 2.5 ms"],
        ),
    ],
    ids=["one", "a job", "without parents"],
)
def test_a_trace_is_a_tree_in_the_order_of_time(spans: list[Received], lines: list[str]) -> None:
    assert [squeezed(line) for line in tree(spans)] == lines


def squeezed(line: str) -> str:
    """The line with single spaces between name and numbers."""
    name, *numbers = line.split(" ms")[0].rsplit(maxsplit=1) if " ms" in line else [line]
    rest = line[len(name) :].split() if numbers else []
    return " ".join([name.rstrip(), *rest])


def test_the_numbers_of_a_tree_stand_below_each_other() -> None:
    _, *lines = tree([POST, SEND, STEP, GET_ITEM])

    assert len({line.index(" ms") for line in lines}) == 1


def test_a_trace_is_shown_once_it_is_quiet_and_again_whole_when_it_grew() -> None:
    traces, other = Traces(), replace(POST, trace_id="t2")
    traces.add([POST], now=10.0)
    traces.add([other], now=12.0)

    assert traces.take_quiet(10.0 + QUIET_SECONDS - 0.1) == []
    assert traces.take_quiet(10.0 + QUIET_SECONDS) == [[POST]]
    assert traces.take_quiet(12.0 + QUIET_SECONDS) == [[other]]
    traces.add([SEND], now=60.0)
    assert traces.take_quiet(60.0 + QUIET_SECONDS) == [[POST, SEND]]


SHOWN = """
# TYPE cdp_job_transitions_total counter
cdp_job_transitions_total{from_status="NONE",to_status="SUBMITTED"} 3.0
# TYPE cdp_due_lag_seconds histogram
cdp_due_lag_seconds_bucket{le="1.0"} 2.0
cdp_due_lag_seconds_bucket{le="+Inf"} 2.0
cdp_due_lag_seconds_count 2.0
cdp_due_lag_seconds_sum 0.5
# TYPE cdp_worker_loop_age_seconds gauge
cdp_worker_loop_age_seconds{loop="timer"} 0.3
"""
MOVES = 'cdp_job_transitions_total{from_status="NONE",to_status="SUBMITTED"}'


def test_counts_are_what_only_grows_without_buckets() -> None:
    assert counts_in(SHOWN) == {MOVES: 3, "cdp_due_lag_seconds_count": 2, "cdp_due_lag_seconds_sum": 0.5}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 3, "b": 0.5}, ["  a 3 (+2)", "  b 0.5 (+0.5)"]),
        ({"a": 1}, {"a": 1, "b": 0}, []),
        ({"a": 5}, {"a": 1}, ["  a 1 (-4)"]),
    ],
    ids=["nothing", "the same", "grown and new", "a new nought", "a process that began anew"],
)
def test_changes_are_what_is_another_than_before(
    before: dict[str, float], after: dict[str, float], lines: list[str]
) -> None:
    assert changes(before, after) == lines


def test_a_process_that_does_not_answer_has_counted_nothing() -> None:
    assert counts_of("http://127.0.0.1:9/metrics") == {}


@pytest.mark.parametrize(("type_", "error"), [("ClientError", "ClientError"), (None, "error")])
def test_a_span_that_failed_says_how_if_it_can(type_: str | None, error: str) -> None:
    request = ExportTraceServiceRequest()
    sent = request.resource_spans.add().scope_spans.add().spans.add(name="run", trace_id=b"\1", span_id=b"\2")
    sent.status.code = Status.STATUS_CODE_ERROR
    if type_ is not None:
        sent.attributes.add(key="error.type").value.string_value = type_

    (found,) = read(request.SerializeToString())

    assert (found.name, found.trace_id, found.span_id, found.job_id, found.error) == ("run", "01", "02", None, error)
