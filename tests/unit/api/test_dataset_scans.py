"""Scans of datasets: begun when one is completed, once and whatever breaks, and what jobs may read meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from api.datasets.dataset_policy import HELD_BACK, MAY_READ_ALL
from api.identity.callers import DATASETS_WRITE, JOBS_READ, JOBS_WRITE
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.datasets import Scanning, dataset_to_item
from shared.datasets.scan_jobs import format_of, scan_job_id, size_for
from shared.datasets.scans import ColumnWithPii, Pii, Scan
from shared.job_types import JOB_TYPES
from shared.settings import SCANS
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job
from tests.fakes.seam import aws_error, no_answer, no_connection
from tests.unit.api.issuing import callers
from tests.unit.api.service import RAW, Api, pointers_of, problem_of, submission
from tests.unit.api.test_dataset_inputs import of_dataset, ready
from tests.unit.api.test_datasets import in_parts, of, register, registered, upload, upload_parts, used

MAIL = ColumnWithPii(3, "mail", Pii.FOUND, ("email",))
STRICT = "refuse-pii"


def store_of(api: Api) -> DatasetStore:
    """The store behind an API."""
    return DatasetStore(api.dynamodb, api.settings.datasets_table, api.settings.control_table)


def scanned(api: Api, pii: Pii, **changes: Any) -> dict[str, Any]:
    """The record of a dataset that is READY, and whose scan came to this."""
    dataset_id = ready(api, **changes)["datasetId"]
    dataset = store_of(api).get(dataset_id)
    job_id = scan_job_id(dataset_id)
    scan = None if pii is Pii.PENDING else Scan(pii, NOON, job_id, columns=(MAIL,) if pii is Pii.FOUND else ())
    items = api.dynamodb.items(api.settings.datasets_table)
    items[dataset_id] = dataset_to_item(replace(dataset, scanning=Scanning(job_id, scan)))
    record: dict[str, Any] = api.get(f"/datasets/{dataset_id}").get_json()
    assert record["pii"] == pii
    return record


def tags_of(api: Api, record: dict[str, Any]) -> dict[str, str]:
    """The tags of a dataset's object."""
    return api.s3.tags[RAW, f"uploads/{record['datasetId']}/{record['fileName']}"]


def test_completing_a_dataset_submits_one_scan_of_its_owners():
    api = Api(callers())

    record = ready(api, headers=of("ann", DATASETS_WRITE))

    job = api.stored(scan_job_id(record["datasetId"]))
    assert (record["pii"], record["scan"]["jobId"], record["scan"]["scannedAt"]) == ("pending", job.job_id, None)
    assert (job.owner_id, job.scan_of, job.request.job_type) == ("ann", record["datasetId"], "pii-scan")
    assert (job.request.parameters, job.request.tags) == ({"format": "csv"}, {"purpose": "dataset-scan"})
    assert [(entry.uri, entry.dataset_id) for entry in job.request.inputs] == [(record["uri"], record["datasetId"])]
    assert [message["jobId"] for message in api.messages()] == [job.job_id]


def test_a_dataset_that_is_completed_again_is_not_scanned_again(api: Api):
    record = ready(api)

    again = api.post(record["links"]["complete"])

    assert again.get_json() == record
    assert (len(api.messages()), used(api, "activeJobs")) == (1, 1)


def calls_of_completing() -> list[str]:
    """The calls to AWS that completing makes."""
    api = Api()
    record = registered(api)
    upload(api, record)
    api.seam.calls.clear()
    api.post(record["links"]["complete"])
    return list(api.seam.calls)


CALLS = calls_of_completing()


@pytest.mark.parametrize("was_done", [False, True], ids=["not-done", "done"])
@pytest.mark.parametrize("number", range(len(CALLS)), ids=[f"{number}-{call}" for number, call in enumerate(CALLS)])
def test_whatever_call_breaks_the_dataset_can_be_completed_and_is_scanned_once(number: int, was_done: bool):
    api = Api()
    record = registered(api)
    upload(api, record)
    cut_at(api, number, was_done)

    api.post(record["links"]["complete"])
    api.seam.before = api.seam.after = lambda operation, arguments: None
    done = api.post(record["links"]["complete"]).get_json()

    job = api.stored(done["scan"]["jobId"])
    assert (done["status"], done["pii"], job.status) == ("READY", "pending", JobStatus.SUBMITTED)
    assert (used(api, "activeJobs"), used(api, "openUploads")) == (1, 0)
    assert tags_of(api, done) == TAGS
    assert job.due_at is not None, "the timer would never find it"


def cut_at(api: Api, number: int, was_done: bool) -> None:
    """Let the n-th call from now on, and all after it, find nobody; or lose its answer, if it is done."""
    began = len(api.seam.calls)

    def before(operation: str, _arguments: dict[str, Any]) -> None:
        place = len(api.seam.calls) - 1 - began
        if place > number or (place == number and not was_done):
            raise no_connection()

    def after(operation: str, _arguments: dict[str, Any]) -> None:
        if len(api.seam.calls) - 1 - began == number:
            raise no_answer()

    api.seam.before, api.seam.after = before, after


TAGS = {"pii": "unknown", "owner": "local", "datasetType": "general", "retention": "standard"}


def test_completing_is_not_refused_for_a_quota_of_jobs():
    api = Api(quota_active_jobs=1, quota_submissions_per_day=1)
    api.submit()

    record = ready(api)

    assert (record["pii"], used(api, "activeJobs")) == ("pending", 2)
    assert problem_of(api.submit()) == (429, "quota_exceeded")


@pytest.mark.parametrize(
    ("file_name", "content_type", "expected"),
    [
        ("a.csv", "application/octet-stream", "csv"),
        ("A.CSV.GZ", "application/gzip", "csv"),
        ("a.jsonl", "text/plain", "json"),
        ("a.ndjson.zst", "text/plain", "json"),
        ("a.json", "text/csv", "json"),
        ("a.snappy.parquet", "application/octet-stream", "parquet"),
        ("export", "text/csv; charset=utf-8", "csv"),
        ("export.gz", "application/x-ndjson", "json"),
        ("export", "application/vnd.apache.parquet", "parquet"),
        ("a.zip", "application/zip", None),
        ("a.pdf", "application/pdf", None),
        ("csv", "application/octet-stream", "csv"),
        ("notes.txt", "text/plain", None),
    ],
)
def test_a_file_is_read_as_its_name_says_or_else_its_type(file_name: str, content_type: str, expected: str | None):
    assert format_of(file_name, content_type) == expected


@pytest.mark.parametrize(
    ("gib", "size"), [(0, "small"), (10, "small"), (10.1, "medium"), (100, "medium"), (101, "large")]
)
def test_large_files_are_scanned_by_large_runs(gib: float, size: str):
    assert size_for(round(gib * 1024**3)) == size


def test_a_file_that_a_scan_cannot_read_is_unknown_at_once_with_the_reason(api: Api):
    record = registered(api, fileName="scan.pdf", contentType="application/pdf")
    upload(api, record)

    done = api.post(record["links"]["complete"]).get_json()

    assert (done["pii"], done["scan"]["jobId"], done["scan"]["scannedAt"]) == ("unknown", None, done["completedAt"])
    assert "Neither its name nor its type" in done["scan"]["reason"]
    assert (api.messages(), tags_of(api, done)["pii"]) == ([], "unknown")


def test_where_scans_are_off_nothing_is_scanned_and_the_dataset_says_so():
    api = Api(dataset_scans="off")

    record = ready(api)

    assert (record["pii"], record["scan"]["reason"], api.messages()) == (
        "unknown",
        "Uploads were not scanned when it was completed.",
        [],
    )


def test_until_it_is_complete_nothing_is_said_about_personal_data(api: Api):
    record = registered(api)

    assert (record["pii"], record["scan"]) == (None, None)


def test_a_scan_that_ended_before_the_dataset_was_stored_as_complete_is_kept(api: Api):
    record = registered(api)
    upload(api, record)
    store_of(api).note_scan(record["datasetId"], Scan(Pii.FOUND, NOON, "j", columns=(MAIL,)))

    done = api.post(record["links"]["complete"]).get_json()

    assert (done["pii"], done["scan"]["columns"][0]["kinds"]) == ("found", ["email"])
    assert api.get(record["links"]["self"]).get_json()["pii"] == "found"


def test_the_record_shows_which_columns_hold_what(api: Api):
    record = scanned(api, Pii.FOUND)

    assert record["scan"] == {
        "jobId": scan_job_id(record["datasetId"]),
        "scannedAt": "2026-11-23T12:00:00.000Z",
        "reason": None,
        "columns": [{"position": 3, "name": "mail", "pii": "found", "kinds": ["email"]}],
        "columnsLeftOut": 0,
    }


def test_the_tags_of_an_object_that_a_scan_has_tagged_stay(api: Api):
    record = registered(api)
    upload(api, record)
    api.s3.tags[RAW, f"uploads/{record['datasetId']}/flights.csv"] = {**TAGS, "pii": "found", "team": "ops"}

    done = api.post(record["links"]["complete"]).get_json()

    assert tags_of(api, done) == {**TAGS, "pii": "found", "team": "ops"}
    assert "put_object_tagging" not in api.seam.calls


def test_an_upload_in_parts_is_pending_until_it_is_complete(api: Api):
    record = register(api, in_parts(datasetType="temporary")).get_json()
    upload_parts(api, record, 1, 2, 3)
    (begun,) = api.s3.uploads.values()

    done = api.post(record["links"]["complete"]).get_json()

    assert begun.tags == {"state": "pending"}
    assert tags_of(api, done) == {**TAGS, "datasetType": "temporary", "retention": "short"}


def test_an_owner_is_tagged_as_far_as_s3_takes_it():
    api = Api(callers())

    record = ready(api, headers=of("ann|<5>", DATASETS_WRITE))

    assert tags_of(api, record)["owner"] == "ann__5_"


def test_what_is_deleted_just_now_cannot_be_completed(api: Api):
    record = registered(api)
    upload(api, record)
    api.seam.fail_before("get_object_tagging", aws_error("GetObjectTagging", "NoSuchKey", status=404))

    assert problem_of(api.post(record["links"]["complete"])) == (409, "upload_missing")


@pytest.mark.parametrize(
    ("asked", "retention", "kept_until"),
    [
        (None, "standard", "2027-12-28T12:00:00.000Z"),
        ("temporary", "short", "2026-12-23T12:00:00.000Z"),
        ("reference", "long", "2033-11-21T12:00:00.000Z"),
    ],
)
def test_the_type_of_a_dataset_says_how_long_it_is_kept(api: Api, asked: str | None, retention: str, kept_until: str):
    record = registered(api, datasetType=asked)

    assert (record["datasetType"], record["retention"]) == (asked or "general", retention)
    assert record["keptUntil"] == kept_until


def test_a_class_that_is_configured_no_more_keeps_its_datasets_for_ever():
    api = Api(retention_classes=("standard=400", "short=30", "long=2555"))
    record = registered(api, datasetType="temporary")
    item = api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]]
    item["retention"] = "forgotten"

    assert api.get(record["links"]["self"]).get_json()["keptUntil"] is None


def test_a_job_of_a_dataset_whose_file_was_deleted_is_refused(api: Api):
    record = ready(api)
    api.clock.forward(400 * 24 * 3600)
    still_there = api.post("/jobs", json=of_dataset(record["datasetId"]))
    del api.s3.objects[RAW, f"uploads/{record['datasetId']}/flights.csv"]

    gone = api.post("/jobs", json=of_dataset(record["datasetId"]))

    assert still_there.status_code == 202
    assert (problem_of(gone), pointers_of(gone)) == ((422, "validation_failed"), ["/inputs/0/uri"])
    assert "kept for 400 days" in gone.get_json()["detail"]


# What may be read at each setting, written by hand.
READABLE = {
    "off": {"none", "found", "unknown", "pending"},
    "tell": {"none", "found", "unknown", "pending"},
    "require": {"none", "found"},
    "refuse-pii": {"none"},
}


@pytest.mark.parametrize("pii", list(Pii))
@pytest.mark.parametrize("dataset_scans", SCANS)
def test_what_a_job_may_read_hangs_on_what_is_known_of_the_dataset(dataset_scans: str, pii: Pii):
    api = Api(dataset_scans=dataset_scans)
    record = scanned(api, pii)

    response = api.post("/jobs", json=of_dataset(record["datasetId"]))

    if pii in READABLE[dataset_scans]:
        assert response.status_code == 202, response.text
        return
    assert (problem_of(response), pointers_of(response)) == ((409, "dataset_held_back"), ["/inputs/0/uri"])
    problem = response.get_json()
    assert problem["datasets"] == [{"datasetId": record["datasetId"], "pii": pii}]
    assert ("wait" if pii is Pii.PENDING else "mask") in problem["detail"]


def test_every_setting_says_what_it_holds_back():
    assert set(HELD_BACK) == set(SCANS)


def test_the_types_that_may_read_everything_exist():
    assert set(JOB_TYPES) > MAY_READ_ALL


@pytest.mark.parametrize(
    "changes",
    [
        {"jobType": "mask", "parameters": {"columns": [{"name": "mail", "method": "drop"}]}},
        {"jobType": "pii-scan", "parameters": {}},
    ],
    ids=["mask", "pii-scan"],
)
def test_what_finds_and_masks_personal_data_may_read_any_dataset(changes: dict[str, Any]):
    api = Api(dataset_scans=STRICT)
    record = scanned(api, Pii.FOUND)

    assert api.post("/jobs", json={**of_dataset(record["datasetId"]), **changes}).status_code == 202


def test_a_pii_scan_of_a_users_own_tells_its_dataset_nothing(api: Api):
    record = ready(api)
    body = {**of_dataset(record["datasetId"]), "jobType": "pii-scan", "parameters": {"sampleFraction": 0.001}}

    response = api.post("/jobs", json={**body, "tags": {"purpose": "dataset-scan"}})

    assert api.stored(response.get_json()["jobId"]).scan_of is None


def test_all_datasets_that_are_held_back_are_told_at_once():
    api = Api(dataset_scans=STRICT)
    ids = [scanned(api, pii)["datasetId"] for pii in (Pii.NONE, Pii.FOUND, Pii.PENDING)]
    inputs = [{"name": f"i{place}", "uri": f"dataset:{dataset_id}"} for place, dataset_id in enumerate(ids)]

    response = api.post("/jobs", json=submission(jobType="sql", inputs=inputs, parameters={"query": "SELECT 1"}))

    assert pointers_of(response) == ["/inputs/1/uri", "/inputs/2/uri"]
    assert [each["pii"] for each in response.get_json()["datasets"]] == ["found", "pending"]


def test_a_dry_run_and_a_batch_say_the_same():
    api = Api(dataset_scans=STRICT)
    body = of_dataset(scanned(api, Pii.FOUND)["datasetId"])

    dry = api.post("/jobs?dryRun=true", json=body)
    (item,) = api.post("/jobs/batch", json={"jobs": [body]}).get_json()["items"]

    assert problem_of(dry) == (409, "dataset_held_back")
    assert (item["status"], item["problem"]["code"]) == (409, "dataset_held_back")
    assert item["problem"]["errors"][0]["pointer"] == "/jobs/0/inputs/0/uri"


def test_a_replay_is_refused_what_a_new_job_would_be():
    api = Api(dataset_scans="tell")
    job = api.stored(api.post("/jobs", json=of_dataset(scanned(api, Pii.FOUND)["datasetId"])).get_json()["jobId"])
    api.put(replace(ended_job(JobStatus.FAILED), job_id=job.job_id, request=job.request, owner_id="local"))
    strict = Api(dataset_scans=STRICT, dynamodb=api.dynamodb)

    assert problem_of(strict.post(f"/jobs/{job.job_id}/replay")) == (409, "dataset_held_back")
    assert api.post(f"/jobs/{job.job_id}/replay").status_code == 202


def test_a_replay_of_a_job_whose_dataset_is_gone_is_judged_by_the_rest():
    api = Api(dataset_scans=STRICT)
    dataset_id = scanned(api, Pii.NONE)["datasetId"]
    job = api.stored(api.post("/jobs", json=of_dataset(dataset_id)).get_json()["jobId"])
    api.put(replace(ended_job(JobStatus.FAILED), job_id=job.job_id, request=job.request, owner_id="local"))
    api.dynamodb.items(api.settings.datasets_table).clear()

    assert api.post(f"/jobs/{job.job_id}/replay").status_code == 202


@pytest.mark.parametrize(
    ("overrides", "is_scan"), [({"size": "medium"}, True), ({"parameters": {"sampleFraction": 0.1}}, False)]
)
def test_a_scan_that_is_replayed_is_a_scan_unless_it_is_another(api: Api, overrides: dict[str, Any], is_scan: bool):
    record = ready(api)
    job = api.stored(record["scan"]["jobId"])
    api.put(replace(ended_job(JobStatus.FAILED), job_id=job.job_id, request=job.request, scan_of=job.scan_of))

    replayed = api.post(f"/jobs/{job.job_id}/replay", json={"overrides": overrides})

    assert replayed.status_code == 202, replayed.text
    assert api.stored(replayed.get_json()["jobId"]).scan_of == (record["datasetId"] if is_scan else None)


def test_only_who_sees_a_dataset_learns_what_is_in_it():
    api = Api(callers(), dataset_scans=STRICT)
    record = scanned_of_ann(api)

    response = api.post("/jobs", json=of_dataset(record["datasetId"]), headers=of("bob", JOBS_READ, JOBS_WRITE))

    assert problem_of(response) == (422, "validation_failed")
    assert "There is no dataset" in response.get_json()["detail"]


def scanned_of_ann(api: Api) -> dict[str, Any]:
    """A dataset of ann's that is being scanned."""
    return ready(api, headers=of("ann", DATASETS_WRITE))
