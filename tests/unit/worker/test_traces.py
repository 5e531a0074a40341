"""One trace from the request that made a job to the end of its last run."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from shared import tracing
from shared.job_changes import change_job
from shared.lifecycle import succeeded
from shared.models import Job
from shared.settings import WORKER
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.emr import FakeRun, fails
from tests.fakes.jobs import submitted_job
from tests.fakes.traces import Spans, id_of, parent_of, recorded, trace_of
from tests.fakes.world import World

DRIVER = " --conf spark.emr-serverless.driverEnv.TRACEPARENT="
CALLER = f"00-{'a' * 32}-{'b' * 16}-01"
UNSAMPLED = f"00-{'a' * 32}-{'b' * 16}-00"
TRANSIENT = "ExitCode: 1. Last few exceptions: java.net.SocketTimeoutException: Read timed out"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recorded() as spans:
        yield spans


def submit(world: World, traceparent: str | None = CALLER) -> Job:
    """A job that a request in this trace makes."""
    with tracing.request_span("POST", traceparent):
        return world.submit(submitted_job())


def finish(world: World) -> None:
    """Start the run of a job and see its end."""
    world.turn()
    world.clock.forward(60)
    world.send_events()
    world.turn()


def begin_later(run: FakeRun) -> None:
    """A run begins some time after it was taken."""
    run.created_at += timedelta(seconds=3)


def moments_of(span: ReadableSpan) -> tuple[datetime, float]:
    """When a span began, and how many seconds it took."""
    assert span.start_time is not None
    assert span.end_time is not None
    return datetime.fromtimestamp(span.start_time / 1e9, NOON.tzinfo), (span.end_time - span.start_time) / 1e9


def test_message_steps_and_run_are_in_the_trace_of_the_request(world: World, spans: Spans):
    job = submit(world)

    finish(world)

    assert world.job(job).status is JobStatus.SUCCEEDED
    assert {trace_of(span) for span in spans.all()} == {"a" * 32}
    request, message, run = spans.one("POST"), spans.one(f"process {world.settings.jobs_queue}"), spans.one("run")
    start, end = spans.named("advance")
    assert parent_of(message) == parent_of(end) == parent_of(run) == id_of(request)
    assert parent_of(start) == id_of(message)
    assert [link.context.span_id for link in run.links] == [end.context.span_id]
    assert (start.attributes or {})["cdp.job_id"] == job.job_id


def test_the_span_of_a_run_has_the_times_and_the_id_that_emr_and_the_driver_know(world: World, spans: Spans):
    job = submit(world)
    world.emr.watch = begin_later
    world.emr.default_plan = fails(TRANSIENT)

    finish(world)

    (run,) = world.emr.runs.values()
    told = run.request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"].partition(DRIVER)[2]
    span = spans.one("run")
    assert told == f"00-{trace_of(span)}-{id_of(span)}-01"
    began = world.runner.look(run.request["applicationId"], run.run_id)
    assert moments_of(span) == (began.started_at, began.duration_seconds) == (NOON + timedelta(seconds=3), 10)
    facts = {"cdp.job_id": job.job_id, "cdp.attempt": 1, "cdp.run_id": run.run_id, "cdp.size": "small"}
    assert span.attributes == {**facts, "error.type": "transient"}


def test_each_attempt_has_a_span_of_its_own_with_why_it_failed(world: World, spans: Spans):
    world.emr.default_plan = fails(TRANSIENT)
    submit(world)

    finish(world)
    world.run_for(1200)
    world.send_events()
    world.run_for(60)

    runs = spans.named("run")
    assert [(span.attributes or {})["cdp.attempt"] for span in runs] == [1, 2, 3]
    assert {(span.attributes or {})["error.type"] for span in runs} == {"transient"}
    assert len({id_of(span) for span in runs}) == 3
    assert not any(span.status.is_ok for span in runs)


def test_a_start_that_is_sent_again_is_the_same_request(world: World, spans: Spans):
    """EMR Serverless refuses a token that it knows with another request."""
    job = submit(world)
    world.turn()

    again = world.runner.start(world.job(job), NOON.replace(year=NOON.year + 1))

    assert world.emr.tokens_known == 1
    assert list(world.emr.runs) == [again]


def test_a_run_that_its_program_reported_is_told_of_from_the_intent_to_the_report(world: World, spans: Spans):
    job = submit(world)
    world.turn()
    intended_at = world.job(job).intent_at
    world.clock.forward(5)
    now = world.clock()

    change_job(world.store, world.job(job), lambda seen: succeeded(seen, now, "callback", "Done.", now))
    world.run_for(300)

    assert moments_of(spans.one("run")) == (intended_at, 5)


@pytest.mark.parametrize("traceparent", [None, UNSAMPLED])
def test_a_job_whose_request_was_not_recorded_leaves_no_spans_in_the_worker(world: World, traceparent):
    with recorded(WORKER) as spans:
        submit(world, traceparent)
        finish(world)

    assert spans.all() == []


def test_a_driver_is_told_of_a_trace_that_is_not_recorded_so_that_it_records_none_either(world: World):
    with recorded(traces_ratio=0.0):
        submit(world)
        world.turn()

    (run,) = world.emr.runs.values()
    assert run.request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"].endswith("-00")


def test_without_traces_items_messages_and_starts_are_as_before(world: World):
    job = submit(world)
    (message,) = world.sqs.queues[world.settings.jobs_queue]
    world.turn()

    (run,) = world.emr.runs.values()
    assert "traceparent" not in world.item(job)
    assert message.attributes == {}
    assert "TRACEPARENT" not in str(run.request)
