"""A release and its rollback while clients go on: no request fails, and no job is lost.

Jobs are simulated: what is rehearsed is the API and the workers, two of each, replaced as ECS replaces them.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.client import ApiClient, Record
from local.cloud import LocalCloud, start_cloud
from local.settings import ROOT
from shared.dynamodb import from_dynamodb
from tests.acceptance.conftest import PATIENCE_SECONDS, QUICK, Platform
from tests.acceptance.rehearsal.fleet import Fleet
from tests.acceptance.rehearsal.load import Load
from tests.acceptance.rehearsal.versions import ADDED, copy_next_version


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with start_cloud(("aws", "emr"), QUICK | {"API_PROCESSES": "1"}) as running:
        yield running


@pytest.fixture
def fleet(cloud: LocalCloud) -> Iterator[Fleet]:
    made = Fleet(cloud)
    made.roll("api", ROOT)
    made.roll("worker", ROOT)
    yield made
    made.stop()


@pytest.fixture
def load(fleet: Fleet) -> Iterator[Load]:
    made = Load(fleet)
    made.start()
    yield made
    made.stop()


def test_a_release_and_its_rollback_fail_no_request_and_lose_no_job(cloud, fleet: Fleet, load: Load, tmp_path: Path):
    following = copy_next_version(tmp_path)

    load.go_on("this version alone")
    fleet.roll("worker", following)
    load.go_on("workers of the next version")
    fleet.roll("api", following)
    load.go_on("the next version alone")
    fleet.roll("worker", ROOT)
    load.go_on("the API of the next version, workers of this one")
    fleet.roll("api", ROOT)
    load.go_on("this version again")
    load.stop()

    assert load.wrong == []
    ended_once(cloud, fleet, load.jobs)
    items = [item for item in stored_jobs(cloud) if item["jobId"] in set(load.jobs)]
    # Each version has written to items that the other had made: what the next adds tells who wrote last.
    assert [item for item in items if item["schemaVersion"] == 1 and ADDED in item]
    assert [item for item in items if item["schemaVersion"] == 2 and item[ADDED]["rev"] != item["rev"]]


def ended_once(cloud: LocalCloud, fleet: Fleet, job_ids: list[str]) -> None:
    """Every job that was acknowledged has succeeded, in one run, and nothing lies on the dead-letter queue."""
    for job_id in job_ids:
        ended = fleet.ask(lambda api, job_id=job_id: api.wait(job_id, PATIENCE_SECONDS, lambda _: None))
        assert ended["status"] == "SUCCEEDED", ended
    platform = Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"]))
    ours = set(job_ids)
    runs = Counter(name for name in platform.run_names() if name.partition(".")[0] in ours)
    assert runs == Counter(f"{job_id}.1" for job_id in job_ids)
    assert platform.dead_letters() == []


def stored_jobs(cloud: LocalCloud) -> list[Record]:
    """All items of the jobs table."""
    client = Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"])).aws("dynamodb")
    pages = client.get_paginator("scan").paginate(TableName=cloud.environment["JOBS_TABLE"])
    return [from_dynamodb(item) for page in pages for item in page["Items"]]
