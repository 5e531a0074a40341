"""A scan that has ended: its dataset and the tags of its object say what was found, whatever breaks on the way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.datasets.dataset_store import DatasetStore
from shared.datasets.datasets import Dataset
from shared.datasets.scans import MOST_COLUMNS, ColumnWithPii, Pii, Scan
from shared.models import Job
from shared.replays.dead_letters import read_dead_letter
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.emr import fails
from tests.fakes.scans import COLUMNS, DATASET_ID, REPORT, leave_report, scanned_dataset, store_dataset, the_scan
from tests.fakes.seam import aws_error, no_connection
from tests.fakes.world import World

FAILURE = fails("org.apache.spark.sql.AnalysisException: ann@example.com", 5, "user")
TAGS = {"team": "ops", "owner": "ann", "datasetType": "general", "retention": "standard"}


@pytest.fixture
def world() -> World:
    return World()


def scanning(world: World, dataset: Dataset | None = None) -> Job:
    """The scan of a dataset, submitted."""
    dataset = dataset or scanned_dataset(world.settings)
    store_dataset(world.dynamodb.items(world.settings.datasets_table), world.s3, dataset)
    return world.submit(the_scan(dataset, world.settings))


def run_to_its_end(world: World, job: Job, report: Any = REPORT) -> Job:
    """The job once its first attempt is over and its event has come."""
    if report is not None:
        leave_report(world.s3, world.settings.processed_bucket, job.job_id, 1, report)
    world.turn()
    world.clock.forward(10)
    world.send_events()
    world.turn()
    return world.job(job)


def stored(world: World) -> Dataset:
    """The dataset as it is stored now."""
    return DatasetStore(world.dynamodb, world.settings.datasets_table, "control").get(DATASET_ID)


def tags(world: World) -> dict[str, str]:
    """The tags of its object."""
    dataset = scanned_dataset(world.settings)
    return world.s3.tags[dataset.bucket, dataset.key]


def test_a_dataset_is_told_what_its_scan_found(world: World):
    job = scanning(world)

    done = run_to_its_end(world, job)

    assert (done.status, done.owes, done.due_at) == (JobStatus.SUCCEEDED, False, None)
    assert stored(world).scanning.scan == Scan(
        Pii.FOUND,
        done.finished_at or NOON,
        job.job_id,
        columns=(
            ColumnWithPii(3, "mail", Pii.FOUND, ("email",)),
            ColumnWithPii(2, "last_name", Pii.UNKNOWN, ()),
        ),
    )
    assert tags(world) == {**TAGS, "pii": "found"}


def test_a_scan_costs_a_read_and_a_write_of_each_place_and_the_two_documents(world: World):
    job = scanning(world)
    world.turn()
    world.clock.forward(10)
    leave_report(world.s3, world.settings.processed_bucket, job.job_id, 1)
    world.send_events()
    world.seam.calls.clear()

    world.turn()

    began = world.seam.calls.index("transact_write_items")
    assert world.seam.calls[began + 1 : began + 8] == [
        *("get_item", "get_object", "get_object", "update_item"),
        *("get_object_tagging", "put_object_tagging"),
        "update_item",
    ]


def test_of_a_scan_that_failed_nothing_is_known_and_none_of_its_words_are_kept(world: World):
    job = scanning(world)
    world.emr.plans[f"{job.job_id}.1"] = FAILURE

    failed = run_to_its_end(world, job)

    scan = stored(world).scanning.scan
    assert (failed.status, failed.owes, len(world.dead_letters())) == (JobStatus.FAILED, False, 1)
    assert scan is not None
    assert (scan.pii, scan.reason) == (Pii.UNKNOWN, "The scan failed: RUN_FAILED. Replay its job.")
    assert tags(world) == {**TAGS, "pii": "unknown"}


NO_COLUMNS: dict[str, Any] = {"pii": "none", "columns": []}


@pytest.mark.parametrize(
    ("report", "pii"),
    [
        (NO_COLUMNS, "none"),
        ({"pii": "unknown", "columns": COLUMNS[:2]}, "unknown"),
        (None, "unknown"),
        ([], "unknown"),
        ({}, "unknown"),
        ({"pii": "perhaps", "columns": []}, "unknown"),
        ({"pii": "none", "columns": [{}]}, "unknown"),
        ({"pii": "none", "columns": {"a": 1}}, "unknown"),
        ({"pii": "none", "columns": [{"position": 1, "name": "a", "pii": "none", "kinds": [1]}]}, "unknown"),
    ],
)
def test_what_is_no_report_is_no_knowledge(world: World, report: Any, pii: str):
    job = scanning(world)

    run_to_its_end(world, job, report)

    scan = stored(world).scanning.scan
    assert scan is not None
    assert (scan.pii, tags(world)["pii"]) == (pii, pii)
    assert (scan.reason is None) == (pii == "none")


def test_a_report_that_the_manifest_does_not_name_is_not_read(world: World):
    job = scanning(world)
    leave_report(world.s3, world.settings.processed_bucket, job.job_id, 1)
    world.s3.objects[world.settings.processed_bucket, f"jobs/{job.job_id}/attempt-1/_manifest.json"] = b"{}"

    run_to_its_end(world, job, report=None)

    assert stored(world).pii is Pii.UNKNOWN


def test_a_wide_table_is_told_in_part_the_found_columns_first(world: World):
    doubtful = [{"position": n, "name": "é" * 300, "pii": "unknown", "kinds": []} for n in range(MOST_COLUMNS + 5)]
    hidden = {"position": 999, "name": None, "pii": "found", "kinds": []}
    odd = {"position": 998, "name": "\ud800", "pii": "found", "kinds": []}
    job = scanning(world)

    run_to_its_end(world, job, {"pii": "found", "columns": [*doubtful, hidden, odd]})

    scan = stored(world).scanning.scan
    assert scan is not None
    assert (len(scan.columns), scan.columns_left_out) == (MOST_COLUMNS, 7)
    assert [(each.position, each.name) for each in scan.columns[:2]] == [(999, None), (998, "?")]
    assert len(scan.columns[2].name or "") == 200


@pytest.mark.parametrize("call", ["get_object_tagging", "put_object_tagging"])
@pytest.mark.parametrize("error", [no_connection(), aws_error("", "AccessDenied", status=403)], ids=["away", "denied"])
def test_while_s3_refuses_the_tags_they_stay_owed(world: World, call: str, error: Exception):
    job = scanning(world)
    world.seam.fail_before(call, error)

    owing = run_to_its_end(world, job)
    world.run_for(20)

    assert (owing.status, owing.scan_pending, owing.duty_tries) == (JobStatus.SUCCEEDED, True, 1)
    assert (world.job(job).owes, tags(world)["pii"]) == (False, "found")


def test_without_the_right_to_read_its_report_a_scan_stays_owed(world: World):
    job = scanning(world)
    # Of the manifest, when the run is judged, and once more when its report is looked for.
    world.seam.fail_before("get_object", aws_error("GetObject", "AccessDenied", status=403), times=2)

    owing = run_to_its_end(world, job)
    world.run_for(20)

    assert owing.scan_pending
    assert stored(world).pii is Pii.FOUND


def test_tags_that_are_there_already_are_not_written_again(world: World):
    job = scanning(world)
    dataset = scanned_dataset(world.settings)
    world.s3.tags[dataset.bucket, dataset.key] = {**TAGS, "pii": "found"}

    run_to_its_end(world, job)

    assert "put_object_tagging" not in world.seam.calls


def test_the_tags_go_to_the_version_that_was_completed(world: World):
    job = scanning(world)
    asked: list[Any] = []
    world.seam.sending = lambda operation, arguments: asked.append(arguments) if "tagging" in operation else None

    run_to_its_end(world, job)

    assert [each["VersionId"] for each in asked] == ["v1", "v1"]


def test_an_object_that_is_gone_is_left_alone(world: World):
    job = scanning(world)
    world.s3.objects.clear()

    done = run_to_its_end(world, job)

    assert (done.owes, stored(world).pii) == (False, Pii.FOUND)


@pytest.mark.parametrize("spoil", [lambda items: items.clear(), lambda items: items[DATASET_ID].pop("ownerId")])
def test_a_dataset_that_is_gone_or_spoilt_keeps_no_scan_from_its_end(world: World, spoil: Any):
    job = scanning(world)
    spoil(world.dynamodb.items(world.settings.datasets_table))

    assert not run_to_its_end(world, job).owes


@pytest.mark.parametrize(
    ("seconds", "pii"), [(-1, Pii.FOUND), (3600, Pii.NONE)], ids=["an earlier scan", "a later scan"]
)
def test_the_later_of_two_scans_is_believed(world: World, seconds: int, pii: Pii):
    job = scanning(world)
    store = DatasetStore(world.dynamodb, world.settings.datasets_table, "control")
    store.note_scan(DATASET_ID, Scan(Pii.NONE, NOON + timedelta(seconds=seconds), "another"))

    run_to_its_end(world, job)

    assert stored(world).pii is pii


def test_a_scan_that_was_not_completed_yet_is_tagged_all_the_same(world: World):
    job = scanning(world, replace(scanned_dataset(world.settings), completion=None))

    run_to_its_end(world, job)

    assert tags(world)["pii"] == "found"


def test_the_dead_letter_of_a_scan_says_which_dataset_it_is_of(world: World):
    job = scanning(world)
    world.emr.plans[f"{job.job_id}.1"] = FAILURE
    run_to_its_end(world, job)

    (letter,) = world.queue(world.settings.dead_letter_queue).receive(10, 0, 0)

    failed = read_dead_letter(letter).failed
    assert failed is not None
    assert failed.scan_of == DATASET_ID
