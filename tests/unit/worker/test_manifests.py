"""A job that SUCCEEDED names its manifest by checksum; a success that left none is no success."""

import hashlib
from dataclasses import replace

import pytest

from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.jobs import submitted_job
from tests.fakes.seam import aws_error, no_answer
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def place(world, job):
    """Where the manifest of the first attempt lies in the fake S3."""
    return world.settings.processed_bucket, f"jobs/{job.job_id}/attempt-1/_manifest.json"


def of_type(job_type):
    """A job of another type than csv-to-parquet."""
    job = submitted_job()
    return replace(job, request=replace(job.request, job_type=job_type))


def end_of(world, job, manifest=None, *, has_manifest=True):
    """The job after its run ended with SUCCESS, having left these bytes."""
    world.submit(job)
    world.turn()
    if manifest is not None:
        world.s3.objects[place(world, job)] = manifest
    if not has_manifest:
        del world.s3.objects[place(world, job)]
    world.clock.forward(10)
    world.send_events()
    world.turn()
    return world.job(job)


@pytest.mark.parametrize("manifest", [b"{}", b"\xff no json", b"", b"x" * 3_000_000], ids=lambda body: str(len(body)))
def test_the_checksum_of_the_very_bytes_is_kept(world, manifest):
    job = submitted_job()

    done = end_of(world, job, manifest)

    assert (done.status, done.manifest_sha256) == (JobStatus.SUCCEEDED, hashlib.sha256(manifest).hexdigest())
    assert world.item(job)["manifestSha256"] == done.manifest_sha256


def test_a_success_without_a_manifest_fails_the_job_and_is_not_tried_again(world):
    job = submitted_job()

    done = end_of(world, job, has_manifest=False)

    uri = f"s3://{'/'.join(place(world, job))}"
    assert (done.status, done.failure_reason) == (JobStatus.FAILED, FailureReason.RUN_FAILED)
    assert done.status_message == (
        f"Attempt 1 failed and is not tried again. Its run ended with SUCCESS, but left no manifest at {uri}."
    )
    assert (world.emr.names, len(world.dead_letters())) == ([f"{job.job_id}.1"], 1)


@pytest.mark.parametrize("job_type", ["pyspark", "spark-jar", "a-type-of-yesterday"])
def test_a_program_of_the_users_own_need_not_leave_a_manifest(world, job_type):
    done = end_of(world, of_type(job_type), has_manifest=False)

    assert (done.status, done.manifest_sha256) == (JobStatus.SUCCEEDED, None)


def test_the_manifest_of_a_program_of_the_users_own_is_kept_too(world):
    done = end_of(world, of_type("pyspark"), b"{}")

    assert done.manifest_sha256 == hashlib.sha256(b"{}").hexdigest()


@pytest.mark.parametrize("error", [no_answer(), aws_error("GetObject", "SlowDown", status=503)], ids=["none", "503"])
def test_while_s3_does_not_answer_the_job_waits(world, error):
    job = world.submit(submitted_job())
    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.seam.fail_before("get_object", error)

    with pytest.raises(Exception, match="S3 did not answer"):
        world.turn()
    waiting = world.job(job)
    world.run_for(world.settings.poll_seconds + world.settings.hold_seconds)

    assert (waiting.status, waiting.due_at is not None) == (JobStatus.RUNNING, True)
    assert world.job(job).status is JobStatus.SUCCEEDED
    assert world.job(job).manifest_sha256 is not None


def test_a_manifest_that_may_not_be_read_is_no_proof_that_there_is_none(world):
    world.seam.fail_before("get_object", aws_error("GetObject", "AccessDenied", status=403))

    done = end_of(world, submitted_job())

    assert (done.status, done.manifest_sha256) == (JobStatus.SUCCEEDED, None)


def test_a_late_event_about_a_job_that_has_ended_reads_nothing(world):
    job = submitted_job()
    end_of(world, job)
    world.seam.calls.clear()

    world.send_events()
    world.turn()

    assert "get_object" not in world.seam.calls
