"""What a span is part of, which are recorded, and what they may tell."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shared import tracing
from shared.config import ConfigurationError, read_settings
from shared.log_setup import set_up_logging
from shared.settings import API, WORKER, Settings
from shared.trace_export import LAST_SECONDS, QuietExporter
from shared.tracing import PastSpan, traceparent_of_run
from tests.fakes.clock import NOON
from tests.fakes.traces import Spans, id_of, parent_of, recorded, trace_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{SPAN}-01"
UNSAMPLED = f"00-{TRACE}-{SPAN}-00"
# Its last seven bytes are the largest, so that no ratio below 1 takes it.
LAST_TRACE = f"00-{'f' * 32}-{SPAN}-01"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recorded() as spans:
        yield spans


def test_without_an_endpoint_opentelemetry_is_not_even_imported():
    code = (
        "import sys, api.app, worker.__main__\n"
        "from shared.settings import Settings\n"
        "from shared.tracing import set_up_tracing\n"
        "set_up_tracing(Settings(), 'api')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout == "[]\n"


def test_without_traces_nothing_is_carried_and_everything_is_done():
    with (
        tracing.request_span("GET", CALLER),
        tracing.message_span("jobs", "m", CALLER),
        tracing.job_span("a", CALLER, {}),
    ):
        tracing.describe("GET /jobs", {}, is_error=False)
        tracing.record_past(PastSpan("run", CALLER, CALLER, NOON, NOON, {}))

        assert (tracing.carried(), tracing.ids_of_span()) == (None, {})


def test_a_request_goes_on_with_its_callers_trace(spans: Spans):
    with tracing.request_span("GET", CALLER):
        inside = tracing.carried()
        tracing.describe("GET /jobs", {"http.route": "/jobs"}, is_error=False)

    span = spans.one("GET /jobs")
    assert (trace_of(span), parent_of(span)) == (TRACE, SPAN)
    assert inside == f"00-{TRACE}-{id_of(span)}-01"
    assert tracing.carried() is None


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "x",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"{CALLER},{CALLER}",
        f"00-{TRACE}-{SPAN}",
        "é" * 55,
        "0" * 4000,
    ],
)
def test_a_request_that_names_no_good_trace_begins_one(spans: Spans, given: str | None):
    with tracing.request_span("GET", given):
        pass

    span = spans.one("GET")
    assert span.parent is None
    assert trace_of(span) != TRACE


@pytest.mark.parametrize(
    ("ratio", "given", "is_recorded"),
    [
        (1.0, None, True),
        (1.0, CALLER, True),
        (1.0, UNSAMPLED, False),
        (0.0, None, False),
        (0.0, CALLER, False),
        (0.5, LAST_TRACE, False),
        (1.0, LAST_TRACE, True),
    ],
)
def test_the_api_records_by_its_ratio_and_a_caller_can_only_ask_for_less(ratio, given, is_recorded):
    with recorded(API, traces_ratio=ratio) as spans, tracing.request_span("GET", given):
        carried = tracing.carried()

    assert len(spans.all()) == is_recorded
    assert carried is not None
    assert int(carried[-1], 16) & 1 == is_recorded


@pytest.mark.parametrize(
    ("given", "is_recorded"), [(CALLER, True), (LAST_TRACE, True), (UNSAMPLED, False), ("x", False), (None, False)]
)
def test_a_worker_records_what_the_api_did_and_begins_no_trace(given, is_recorded):
    with recorded(WORKER) as spans:
        with tracing.message_span("jobs", "m-1", given):
            pass
        with tracing.job_span("advance", given, {}):
            pass

    assert [span.name for span in spans.all()] == ["process jobs", "advance"] * is_recorded


def test_a_step_is_part_of_the_message_that_brought_it(spans: Spans):
    with tracing.message_span("jobs", "m-1", CALLER), tracing.job_span("advance", CALLER, {"cdp.attempt": 2}):
        pass

    message, step = spans.one("process jobs"), spans.one("advance")
    assert (parent_of(message), parent_of(step)) == (SPAN, id_of(message))
    assert dict(step.attributes or {}) == {"cdp.attempt": 2}
    assert (message.attributes or {})["messaging.message.id"] == "m-1"


def test_a_step_that_another_trace_brought_is_linked_to_it(spans: Spans):
    other = f"00-{'1' * 32}-{SPAN}-01"
    with tracing.message_span("jobs", "m-1", other), tracing.job_span("advance", CALLER, {}):
        pass

    step = spans.one("advance")
    assert (trace_of(step), parent_of(step)) == (TRACE, SPAN)
    assert [link.context.span_id for link in step.links] == [spans.one("process jobs").context.span_id]


def test_of_a_failure_a_span_has_the_kind_and_not_the_text(spans: Spans):
    with pytest.raises(ValueError, match="hunter2"), tracing.job_span("advance", CALLER, {}):
        raise ValueError("the password is hunter2")

    span = spans.one("advance")
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert not span.status.is_ok
    assert "hunter2" not in span.to_json()


def test_what_comes_from_outside_is_cleaned(spans: Spans):
    token = "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"
    with tracing.job_span("advance", CALLER, {"cdp.correlation_id": token, "who": "ann@example.com", "none": None}):
        tracing.describe("advance", {"link": "https://x/y?X-Amz-Signature=abc"}, is_error=True)

    told = spans.one("advance").attributes
    assert told == {"cdp.correlation_id": "***", "who": "***", "link": "https://x/y?X-Amz-Signature=***"}


@pytest.mark.parametrize(
    ("job", "run", "expected"),
    [
        (CALLER, "job-1.1", f"00-{TRACE}-6ef75630a7361bb6-01"),
        (UNSAMPLED, "job-1.1", f"00-{TRACE}-6ef75630a7361bb6-00"),
        (f"00-{TRACE}-{SPAN}-03", "job-1.2", f"00-{TRACE}-1fe5f325c2a4890b-03"),
        (None, "job-1.1", None),
        ("", "job-1.1", None),
        ("00-x", "job-1.1", None),
        (f"{CALLER} --conf a=b", "job-1.1", None),
    ],
)
def test_a_run_has_one_span_in_its_jobs_trace(job, run, expected):
    assert traceparent_of_run(job, run) == expected


def test_a_span_that_is_over_has_its_own_times_and_the_id_that_was_promised(spans: Spans):
    promised = f"00-{TRACE}-{'c' * 16}-01"
    past = PastSpan("run", promised, CALLER, NOON, NOON + timedelta(seconds=90), {"cdp.attempt": 1}, error="OOM")
    with tracing.job_span("advance", CALLER, {}):
        tracing.record_past(past)

    run = spans.one("run")
    assert (trace_of(run), id_of(run), parent_of(run)) == (TRACE, "c" * 16, SPAN)
    assert (run.start_time, (run.end_time or 0) - (run.start_time or 0)) == (
        1_000_000_000 * NOON.timestamp(),
        90 * 10**9,
    )
    assert [link.context.span_id for link in run.links] == [spans.one("advance").context.span_id]
    assert (run.attributes or {})["error.type"] == "OOM"
    assert id_of(spans.one("advance")) != "c" * 16


class Collector(SpanExporter):
    """Takes what it is sent, or not."""

    def __init__(self) -> None:
        self.is_up, self.batches = True, 0

    def export(self, spans: list[ReadableSpan]) -> SpanExportResult:
        """One batch."""
        self.batches += 1
        return SpanExportResult.SUCCESS if self.is_up else SpanExportResult.FAILURE


def test_a_collector_that_is_down_is_told_of_once_and_so_is_its_return():
    collector = Collector()
    exporter = QuietExporter(collector)

    with structlog.testing.capture_logs() as lines:
        for is_up in (True, False, False, True, True, False):
            collector.is_up = is_up
            exporter.export([])

    assert [line["event"] for line in lines] == ["traces_not_sent", "traces_sent_again", "traces_not_sent"]


def test_an_ending_process_stops_sending_after_a_while():
    collector, now = Collector(), [100.0]
    exporter = QuietExporter(collector, lambda: now[0])

    exporter.end_soon()
    first = exporter.export([])
    now[0] += LAST_SECONDS
    second = exporter.export([])

    assert (first, second, collector.batches) == (SpanExportResult.SUCCESS, SpanExportResult.FAILURE, 1)


@pytest.mark.usefixtures("_plain_logging_after")
def test_log_lines_have_the_ids_of_the_span_that_they_were_written_in(spans: Spans, capsys: pytest.CaptureFixture[str]):
    set_up_logging(replace(Settings(), traces_endpoint="http://localhost/v1/traces", log_format="json"), "api")

    with tracing.request_span("GET", CALLER):
        structlog.get_logger().info("ours")
        logging.getLogger("x").warning("theirs")
    structlog.get_logger().info("outside")

    ours, theirs, outside = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert ours["trace_id"] == theirs["trace_id"] == TRACE
    assert ours["span_id"] == theirs["span_id"] == id_of(spans.one("GET"))
    assert "trace_id" not in outside


@pytest.mark.parametrize(
    ("endpoint", "is_good"),
    [
        ("", True),
        ("https://collector.example.com/v1/traces", True),
        ("http://127.0.0.1:4318/v1/traces", True),
        ("http://localhost:4318/v1/traces", True),
        ("http://[::1]:4318/v1/traces", True),
        ("http://collector.example.com/v1/traces", False),
        ("https://user:word@collector.example.com/v1/traces", False),
        ("https://collector.example.com/v1/traces?key=1", False),
        ("grpc://127.0.0.1:4317", False),
        ("127.0.0.1:4318", False),
    ],
)
def test_spans_leave_the_machine_by_https_alone(monkeypatch: pytest.MonkeyPatch, endpoint: str, is_good: bool):
    monkeypatch.setenv("TRACES_ENDPOINT", endpoint)

    if is_good:
        assert read_settings(WORKER).traces_endpoint == endpoint
    else:
        with pytest.raises(ConfigurationError, match="TRACES_ENDPOINT"):
            read_settings(WORKER)
