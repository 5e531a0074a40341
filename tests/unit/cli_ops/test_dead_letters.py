"""What a message of the dead-letter queue is taken for, and which are wanted."""

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.models import FailureReason
from shared.replays.dead_letters import Kind, RunEvent, Selection, read_dead_letter
from shared.settings import Settings
from tests.fakes.clock import NOON
from tests.fakes.jobs import job_id
from tests.unit.cli_ops.operations import RUN_EVENT, failed_job, letter_of
from worker.envelopes import failed_job_envelope, unprocessable_envelope

ENVELOPE = failed_job_envelope(failed_job(), Settings())
UNPROCESSABLE = unprocessable_envelope("m-1", "jobs", "it is not JSON", "{")
HINT = {"schemaVersion": 1, "kind": "job", "jobId": job_id()}
GONE = object()


def spoilt(path: str, value: Any) -> dict[str, Any]:
    """The envelope with one value changed, or taken away."""
    body = copy.deepcopy(ENVELOPE)
    *folders, last = path.split(".")
    inner = body
    for name in folders:
        inner = inner[name]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return body


def test_the_envelope_of_a_failed_job_is_read_back_as_what_failed():
    job = failed_job()

    letter = read_dead_letter(letter_of(ENVELOPE))

    assert (letter.kind, letter.text, letter.job_id) == (Kind.JOB_FAILED, "Boom.", job.job_id)
    assert letter.failed.request == job.request
    assert (letter.failed.at, letter.failed.owner_id) == (NOON, "local")
    assert (letter.failed.reason, letter.failed.attempt, letter.failed.max_attempts) == (FailureReason.RUN_FAILED, 1, 3)
    assert letter.ids == {"message-1", job.job_id, f"{job.job_id}.failed"}


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (UNPROCESSABLE, Kind.UNPROCESSABLE, "From jobs: it is not JSON"),
        (HINT, Kind.REDRIVEN, "The hint of a job, received too often."),
        (RUN_EVENT, Kind.REDRIVEN, "The event of run run-9, received too often."),
        ("{no json", Kind.UNKNOWN, "not JSON"),
        ("[" * 100_000, Kind.UNKNOWN, "not JSON"),
        ('{"a": "\\ud800"}', Kind.UNKNOWN, "surrogates not allowed"),
        ("x" * 1024 * 1024, Kind.UNKNOWN, "not JSON"),
        ([], Kind.UNKNOWN, "It is no JSON object."),
        ({}, Kind.UNKNOWN, "neither an envelope nor a message"),
        ({"kind": "job", "jobId": 7}, Kind.UNKNOWN, "neither"),
        ({"kind": "job", "jobId": ""}, Kind.UNKNOWN, "neither"),
        ({"source": "aws.emr-serverless", "detail": {"jobRunId": "1"}}, Kind.UNKNOWN, "neither"),
        ({"source": "aws.emr-serverless", "detail": []}, Kind.UNKNOWN, "neither"),
        ({"envelope": "job-failed"}, Kind.UNKNOWN, "Its schemaVersion is None"),
        ({"envelope": "party", "schemaVersion": 1}, Kind.UNKNOWN, "There is no envelope 'party'."),
        ({"envelope": "unprocessable", "schemaVersion": 1}, Kind.UNKNOWN, "cannot be read"),
        ({"envelope": {}, "schemaVersion": 1}, Kind.UNKNOWN, "There is no envelope {}."),
    ],
)
def test_every_message_has_a_kind_and_a_sentence(body, kind, text):
    letter = read_dead_letter(letter_of(body))

    assert letter.kind is kind
    assert text in letter.text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", GONE),
        ("id", ""),
        ("jobId", 7),
        ("ownerId", None),
        ("at", "noon"),
        ("at", True),
        ("at", 10**30),
        ("attempt", GONE),
        ("failureReason", "BAD_LUCK"),
        ("request", []),
        ("request.parameters", "[1]"),
        ("request.parameters", "{"),
        ("request.tags", {"a": 1}),
        ("request.tags", None),
        ("request.inputs", [{"name": "a"}]),
        ("request.inputs", [{"name": "a", "uri": 7}]),
        ("request.jobType", ["sql"]),
        ("retryPolicy", None),
        ("retryPolicy.maxAttempts", "3"),
        ("schemaVersion", 3),
    ],
)
def test_an_envelope_that_somebody_spoilt_is_unknown_and_says_why(path, value):
    letter = read_dead_letter(letter_of(spoilt(path, value)))

    assert (letter.kind, letter.failed) == (Kind.UNKNOWN, None)
    assert letter.text


def test_an_event_names_its_run():
    assert read_dead_letter(letter_of(RUN_EVENT)).event == RunEvent("00app", "run-9")


FAILED = read_dead_letter(letter_of(ENVELOPE))
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Selection(), True),
        (Selection(ids=frozenset({"message-1"})), True),
        (Selection(ids=frozenset({job_id()})), True),
        (Selection(ids=frozenset({f"{job_id()}.failed"})), True),
        (Selection(ids=frozenset({"another"})), False),
        (Selection(kinds=frozenset({Kind.JOB_FAILED})), True),
        (Selection(kinds=frozenset({Kind.UNKNOWN})), False),
        (Selection(reasons=frozenset({FailureReason.RUN_FAILED, FailureReason.CAPACITY})), True),
        (Selection(reasons=frozenset({FailureReason.CAPACITY})), False),
        (Selection(job_types=frozenset({"csv-to-parquet"})), True),
        (Selection(job_types=frozenset({"sql"})), False),
        (Selection(owners=frozenset({"local"})), True),
        (Selection(owners=frozenset({"LOCAL"})), False),
        (Selection(attempts=frozenset({1})), True),
        (Selection(attempts=frozenset({2})), False),
        (Selection(since=NOON), True),
        (Selection(since=NOON + SECOND), False),
        (Selection(until=NOON + SECOND), True),
        (Selection(until=NOON), False),
        (Selection(owners=frozenset({"local"}), job_types=frozenset({"sql"})), False),
    ],
)
def test_a_failed_job_is_wanted_if_every_condition_holds(wanted, is_wanted):
    assert wanted.matches(FAILED) is is_wanted


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Selection(), True),
        (Selection(kinds=frozenset({Kind.UNPROCESSABLE})), True),
        (Selection(ids=frozenset({"message-1"})), True),
        (Selection(owners=frozenset({"local"})), False),
        (Selection(since=NOON - SECOND), False),
    ],
)
def test_what_is_asked_of_jobs_holds_for_no_other_message(wanted, is_wanted):
    assert wanted.matches(read_dead_letter(letter_of(UNPROCESSABLE))) is is_wanted


def test_only_a_selection_that_asks_for_nothing_is_empty():
    assert Selection().is_empty
    assert not replace(Selection(), since=NOON).is_empty
