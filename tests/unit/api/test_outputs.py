"""The outputs of a job: by the manifest of the attempt that it names."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.models import Job
from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job, job_id, submitted_job, tracking_job
from tests.fakes.seam import no_connection
from tests.unit.api.service import Api, problem_of

BUCKET = "cloud-data-platform-dev-processed"
PATH = f"/jobs/{job_id()}/outputs"
FILE = {"path": "data/part-0.parquet", "sizeBytes": 10, "rows": 3, "sha256": "ab" * 32}
MANIFEST: dict[str, Any] = {
    "manifestVersion": 1,
    "jobId": job_id(),
    "attempt": 2,
    "createdAt": "2026-11-23T12:01:00.000Z",
    "files": [FILE],
    "rejectedFiles": [{**FILE, "path": "rejected/part-0.json"}],
    "reportFiles": [{"path": "reports/profile.html", "sizeBytes": 20, "sha256": "cd" * 32}],
    "totals": {"files": 1, "rows": 3, "sizeBytes": 10},
    "schema": {"type": "struct", "fields": []},
    "inputs": [],
    "counts": {"rowsRead": 4, "rowsWritten": 3, "rowsRejected": 1},
}


def put_manifest(api: Api, attempt: int, **changes: Any) -> None:
    """What an attempt leaves when it has succeeded."""
    document = json.dumps({**MANIFEST, **changes}).encode()
    api.s3.objects[BUCKET, f"jobs/{job_id()}/attempt-{attempt}/_manifest.json"] = document


def own_program() -> Job:
    """A job that ran a script of its owner's."""
    job = ended_job()
    return replace(job, request=replace(job.request, job_type="pyspark"))


def test_the_files_of_the_jobs_own_attempt_come_with_links_for_a_quarter_of_an_hour(api: Api):
    api.put(ended_job(attempt=2))
    put_manifest(api, 1, files=[])
    put_manifest(api, 2)

    record = api.get(PATH).get_json()

    (file,) = record["files"]
    assert file["uri"] == f"s3://{BUCKET}/jobs/{job_id()}/attempt-2/data/part-0.parquet"
    assert "X-Amz-Expires=900" in file["url"]
    assert file["expiresAt"] == "2026-11-23T12:15:00.000Z"
    assert [rejected["path"] for rejected in record["rejectedFiles"]] == ["rejected/part-0.json"]
    (report,) = record["reportFiles"]
    assert (report["path"], report["sizeBytes"]) == ("reports/profile.html", 20)
    assert (record["attempt"], record["totals"], record["counts"]["rowsRejected"]) == (2, MANIFEST["totals"], 1)


def test_the_manifest_comes_with_a_link_and_with_the_checksum_that_the_job_holds(api: Api):
    api.put(ended_job(manifest_sha256="ef" * 32))
    put_manifest(api, 1)

    record, job = api.get(PATH).get_json(), api.get(f"/jobs/{job_id()}").get_json()

    manifest = record["manifest"]
    assert (manifest["uri"], manifest["sha256"]) == (record["manifestUri"], "ef" * 32)
    assert f"/{BUCKET}/jobs/{job_id()}/attempt-1/_manifest.json?" in manifest["url"]
    assert manifest["expiresAt"] == record["files"][0]["expiresAt"]
    assert job["manifestSha256"] == "ef" * 32


def test_a_job_of_before_holds_no_checksum(api: Api):
    api.put(ended_job())
    put_manifest(api, 1)

    assert api.get(PATH).get_json()["manifest"]["sha256"] is None
    assert api.get(f"/jobs/{job_id()}").get_json()["manifestSha256"] is None


def test_a_simulated_runs_empty_manifest_is_shown(api: Api):
    api.put(ended_job())
    put_manifest(api, 1, files=[], schema=None)
    document = api.s3.objects[BUCKET, f"jobs/{job_id()}/attempt-1/_manifest.json"]
    left_out = ("rejectedFiles", "reportFiles")
    simulated = {name: value for name, value in json.loads(document).items() if name not in left_out}
    api.s3.objects[BUCKET, f"jobs/{job_id()}/attempt-1/_manifest.json"] = json.dumps(simulated).encode()

    record = api.get(PATH).get_json()

    lists = (record["files"], record["rejectedFiles"], record["reportFiles"])
    assert (lists, record["schema"]) == (([], [], []), None)


@pytest.mark.parametrize(
    "job", [submitted_job(), tracking_job(), ended_job(JobStatus.FAILED)], ids=lambda job: job.status
)
def test_a_job_that_did_not_succeed_has_no_outputs(api: Api, job):
    api.put(job)
    put_manifest(api, 1)

    response = api.get(PATH)

    assert problem_of(response) == (409, "outputs_not_ready")
    assert job.status in response.get_json()["detail"]


def test_a_success_without_a_manifest_has_no_outputs(api: Api):
    api.put(ended_job())

    response = api.get(PATH)

    assert problem_of(response) == (409, "outputs_not_ready")
    assert "attempt-1/_manifest.json" in response.get_json()["detail"]


def test_a_silent_object_store_is_told_as_such(api: Api):
    api.put(ended_job())
    api.seam.fail_before("get_object", no_connection())

    assert problem_of(api.get(PATH)) == (503, "object_store_unavailable")


def test_a_program_of_ones_own_without_a_manifest_has_outputs_in_s3_alone(api: Api):
    api.put(own_program())

    response = api.get(PATH)

    assert problem_of(response) == (409, "outputs_not_ready")
    assert "its own program wrote no manifest" in response.get_json()["detail"]
    assert f"s3://{BUCKET}/jobs/{job_id()}/attempt-1/." in response.get_json()["detail"]


def test_a_manifest_of_ones_own_program_is_shown_like_any_other(api: Api):
    api.put(own_program())
    put_manifest(api, 1, contract={"name": "made up"})

    record = api.get(PATH).get_json()

    assert [file["path"] for file in record["files"]] == ["data/part-0.parquet"]
    assert record["contract"] is None


WRONG_MANIFESTS: dict[str, Any] = {
    "no object": [],
    "no files": {name: value for name, value in MANIFEST.items() if name != "files"},
    "a file without rows": {**MANIFEST, "files": [{"path": "a", "sizeBytes": 1, "sha256": "ab" * 32}]},
    "a path out of the folder": {**MANIFEST, "files": [{**FILE, "path": "../../job-2/attempt-1/data/part-0.parquet"}]},
    "a path from the root": {**MANIFEST, "files": [{**FILE, "path": "/etc/passwd"}]},
    "a negative size": {**MANIFEST, "files": [{**FILE, "sizeBytes": -1}]},
    "a number for a time": {**MANIFEST, "createdAt": 7},
    "a text for counts": {**MANIFEST, "counts": "many"},
    "NaN": {**MANIFEST, "schema": {"x": float("nan")}},
    "half a character": {**MANIFEST, "files": [{**FILE, "path": "\ud800"}]},
}


SPOILT_CONTRACTS = {
    "spoilt contract": {**MANIFEST, "contract": {"name": 7}},
    "no contract": {**MANIFEST, "contract": []},
}


@pytest.mark.parametrize("manifest", [*WRONG_MANIFESTS.values(), *SPOILT_CONTRACTS.values()])
def test_a_manifest_of_ours_that_somebody_spoilt_breaks_no_request(api: Api, manifest: Any):
    api.put(ended_job())
    api.s3.objects[BUCKET, f"jobs/{job_id()}/attempt-1/_manifest.json"] = json.dumps(manifest).encode()

    response = api.get(PATH)

    assert problem_of(response) == (409, "outputs_not_ready")
    assert "which the platform wrote" in response.get_json()["detail"]


@pytest.mark.parametrize("manifest", WRONG_MANIFESTS.values(), ids=WRONG_MANIFESTS.keys())
def test_whatever_a_program_writes_as_its_manifest_no_request_breaks(api: Api, manifest: Any):
    api.put(own_program())
    api.s3.objects[BUCKET, f"jobs/{job_id()}/attempt-1/_manifest.json"] = json.dumps(manifest).encode()

    response = api.get(PATH)

    assert problem_of(response) == (409, "outputs_not_ready")
    assert "which the job's own program wrote" in response.get_json()["detail"]
