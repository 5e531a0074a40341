"""What the worker has to do with reports: it hands over the keys, and finds what was reported in vain."""

import base64
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from shared.job_store import JobStore
from shared.lifecycle import progressed
from shared.models import Job, Progress
from shared.signatures import callback_key
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.emr import fails
from tests.fakes.jobs import job_id, submitted_job
from tests.fakes.seam import aws_error, no_connection
from tests.fakes.world import World

MASTER_KEY = "a master key of more than thirty-two characters"
REPORTING = {"callback_url": "https://api.example.com/", "callback_signing_keys": (MASTER_KEY,)}
FOLDER = f"callbacks/{job_id()}/"
SHUFFLE_LOST = "org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location for shuffle 0"
LATE = {"status": "SUCCEEDED", "at": "2026-11-23T12:00:09Z", "why": "the API answered 503."}


def reporting_job() -> Job:
    """A job whose attempts report."""
    job, bucket = submitted_job(), World().settings.artifacts_bucket
    return replace(job, spec=replace(job.spec, callbacks_uri=f"s3://{bucket}/{FOLDER}"))


def told(world: World, attempt: int = 1) -> Any:
    """What an attempt was told."""
    return json.loads(world.s3.objects[world.settings.artifacts_bucket, f"{FOLDER}attempt-{attempt}.json"])


def leave(world: World, attempt: int, *reports: object, **document: object) -> None:
    """What an attempt leaves that reported in vain."""
    key = f"jobs/{job_id()}/attempt-{attempt}/_reports.json"
    body = json.dumps({"reports": list(reports), **document}).encode()
    world.s3.objects[world.settings.processed_bucket, key] = body


def end_run(world: World) -> None:
    """The current run ends, and its event comes."""
    world.clock.forward(10)
    world.send_events()
    world.turn()


def messages(world: World, job: Job) -> list[str]:
    return [entry.message for entry in world.job(job).history]


def test_an_attempt_finds_its_key_when_it_starts():
    world = World(**REPORTING)
    job = world.submit(reporting_job())

    world.turn()

    calls = [call for call in world.seam.calls if call in ("put_object", "start_job_run")]
    assert calls == ["put_object", "start_job_run"]
    assert told(world) == {
        "url": f"https://api.example.com/internal/jobs/{job.job_id}/status",
        "attempt": 1,
        "key": base64.b64encode(callback_key(MASTER_KEY, job.job_id, 1)).decode(),
        "progressSeconds": 15,
    }


def test_each_attempt_has_a_key_of_its_own():
    world = World(**REPORTING)
    world.emr.plans[f"{job_id()}.1"] = fails(SHUFFLE_LOST, 5)
    world.submit(reporting_job())

    world.turn()
    end_run(world)
    world.run_for(60)

    assert (told(world)["attempt"], told(world, 2)["attempt"]) == (1, 2)
    assert told(world)["key"] != told(world, 2)["key"]


def test_while_master_keys_rotate_the_first_is_handed_over():
    world = World(**{**REPORTING, "callback_signing_keys": ("new" * 12, MASTER_KEY)})
    job = world.submit(reporting_job())

    world.turn()

    assert told(world)["key"] == base64.b64encode(callback_key("new" * 12, job.job_id, 1)).decode()


def test_no_key_is_in_what_emr_is_asked_for():
    world = World(**REPORTING)
    world.submit(reporting_job())

    world.turn()

    asked = json.dumps([run.request for run in world.emr.runs.values()], default=str)
    assert told(world)["key"] not in asked
    assert MASTER_KEY not in asked


@pytest.mark.parametrize(
    ("job", "settings"),
    [
        (submitted_job(), REPORTING),  # stored before there were reports
        (reporting_job(), {}),
        (reporting_job(), {**REPORTING, "callback_url": ""}),
    ],
    ids=["old job", "off", "no address"],
)
def test_without_reports_s3_is_not_called_for_them(job, settings):
    world = World(**settings)
    world.submit(job)

    world.turn()
    end_run(world)

    assert world.job(job).status is JobStatus.SUCCEEDED
    assert "put_object" not in world.seam.calls
    assert world.seam.calls.count("get_object") == 1  # the manifest


@pytest.mark.parametrize(
    "error", [no_connection(), aws_error("PutObject", "AccessDenied", status=403), aws_error("PutObject", "SlowDown")]
)
def test_a_key_that_cannot_be_handed_over_neither_stops_nor_delays_a_start(error):
    world = World(**REPORTING)
    world.seam.fail_before("put_object", error)
    job = world.submit(reporting_job())

    world.turn()

    assert world.emr.names == [f"{job.job_id}.1"]
    assert world.job(job).run_id is not None


def test_an_attempt_that_is_started_again_finds_the_same_key():
    world = World(**REPORTING)
    world.seam.fail_before("start_job_run", no_connection())
    world.submit(reporting_job())
    world.turn()
    before = told(world)

    world.run_for(120)

    assert world.seam.calls.count("put_object") == 2
    assert told(world) == before


def test_what_was_reported_in_vain_is_in_the_history_of_the_job_that_ended():
    world = World(**REPORTING)
    job = world.submit(reporting_job())
    world.turn()
    leave(world, 1, LATE)

    end_run(world)

    assert world.job(job).status is JobStatus.SUCCEEDED
    assert messages(world, job)[-2:] == [
        "Attempt 1 reported SUCCEEDED at 2026-11-23T12:00:09Z in vain: the API answered 503.",
        "Attempt 1 succeeded.",
    ]
    assert world.job(job).status_message == "Attempt 1 succeeded."
    assert world.seam.calls.count("get_object") == 2  # the manifest, and the reports


@pytest.mark.parametrize(("details", "status"), [(SHUFFLE_LOST, "RUNNING"), ("AnalysisException", "FAILED")])
def test_it_is_found_too_where_the_attempt_failed_and_decides_nothing(details, status):
    world = World(**REPORTING)
    world.emr.plans[f"{job_id()}.1"] = fails(details, 5)
    job = world.submit(reporting_job())
    world.turn()
    leave(world, 1, LATE)

    end_run(world)

    assert world.job(job).status == status
    assert "in vain" in messages(world, job)[-2]


def test_an_end_that_was_reported_needs_no_look_at_what_is_left():
    world = World(**REPORTING)
    job = world.submit(reporting_job())
    world.turn()
    ended = replace(world.job(job), status=JobStatus.SUCCEEDED, due_at=None)
    world.store.update(world.job(job), ended)

    end_run(world)

    assert "get_object" not in world.seam.calls


@pytest.mark.parametrize(
    ("left", "notes"),
    [
        ([], []),
        ([1, "x", None], []),
        ([{}], ["Attempt 1 reported None at None in vain: None"]),
        ([{**LATE, "status": "x" * 1000}], ["Attempt 1 reported " + "x" * 237]),
        ([{"status": "\ud800\n  b", "at": [], "why": {}}], ["Attempt 1 reported ? b at [] in vain: {}"]),
        ([LATE] * 9, ["Attempt 1 reported SUCCEEDED at 2026-11-23T12:00:09Z in vain: the API answered 503."] * 2),
    ],
    ids=["none", "no reports", "empty", "long", "strange", "many"],
)
def test_whatever_a_program_leaves_is_told_briefly(left, notes):
    world = World(**REPORTING)
    job = world.submit(reporting_job())
    world.turn()
    leave(world, 1, *left)

    end_run(world)

    assert [message for message in messages(world, job) if "reported" in message] == notes


@pytest.mark.parametrize("document", ["[]", "1", "{", '{"reports": 7}'])
def test_what_is_no_list_of_reports_is_none(document):
    world = World(**REPORTING)
    job = world.submit(reporting_job())
    world.turn()
    key = f"jobs/{job_id()}/attempt-1/_reports.json"
    world.s3.objects[world.settings.processed_bucket, key] = document.encode()

    end_run(world)

    assert messages(world, job)[-1] == "Attempt 1 succeeded."
    assert len(messages(world, job)) == 3


@pytest.mark.parametrize("error", [no_connection(), aws_error("GetObject", "AccessDenied", status=403)])
def test_an_s3_that_does_not_show_it_does_not_delay_the_end(error):
    world = World(**REPORTING)
    job = world.submit(reporting_job())
    world.turn()

    def fail(operation: str, arguments: Any) -> None:
        if operation == "get_object" and arguments["Key"].endswith("_reports.json"):
            raise error

    world.seam.before = fail

    end_run(world)

    assert world.job(job).status is JobStatus.SUCCEEDED


def test_a_program_that_reports_at_every_write_of_the_worker_keeps_it_from_nothing():
    world = World(**REPORTING)
    job = world.submit(reporting_job())
    others = JobStore(world.dynamodb, world.settings.jobs_table, "", JobStatusTransitionValidator())
    reports = itertools.count(1)

    def report(operation: str, arguments: Any) -> None:
        is_write, seen = operation in ("update_item", "transact_write_items"), others.get(job.job_id)
        under_way = seen.is_starting or seen.is_tracking
        if is_write and under_way and next(reports) % 4:  # three between each two tries: more than the API takes
            others.update(seen, progressed(seen, world.clock(), "On my way.", Progress(1, 2, world.clock())))

    world.seam.before = report
    world.turn()
    recorded = world.job(job)
    end_run(world)

    assert (recorded.is_tracking, recorded.progress is not None) == (True, True)
    assert world.job(job).status is JobStatus.SUCCEEDED
    assert next(reports) > 6
