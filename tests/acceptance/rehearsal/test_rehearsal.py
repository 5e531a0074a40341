"""A release, its rollback and a rotation of keys while clients go on: no request fails, and no job is lost.

Jobs are simulated: what is rehearsed is the API and the workers, two of each, replaced as ECS replaces them.
"""

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cli.client import ApiClient, Problem, Record
from local.cloud import LocalCloud, start_cloud
from local.marked import wait_until
from local.settings import ROOT
from shared.dynamodb import from_dynamodb
from shared.signatures import callback_key, sign
from tests.acceptance.conftest import PATIENCE_SECONDS, QUICK, Platform
from tests.acceptance.rehearsal.fleet import Fleet
from tests.acceptance.rehearsal.load import JOB, Load
from tests.acceptance.rehearsal.versions import ADDED, copy_next_version

CURSOR, CALLBACK = "CURSOR_SIGNING_KEY", "CALLBACK_SIGNING_KEY"


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


def test_keys_are_rotated_and_what_the_old_ones_signed_is_taken_until_they_are_dropped(cloud, fleet: Fleet, load: Load):
    old = {name: cloud.environment[name] for name in (CURSOR, CALLBACK)}
    new = {name: uuid.uuid4().hex * 2 for name in old}
    load.go_on("the old keys")
    before = fleet.ask(lambda api: api.list_jobs(limit=2))["nextCursor"]
    running = fleet.ask(lambda api: api.submit({**JOB, "parameters": {"seconds": 600}}))
    assert wait_until(lambda: fleet.ask(lambda api: api.get(running["jobId"]))["status"] == "RUNNING", PATIENCE_SECONDS)

    for step, keys in rotation(old, new).items():
        fleet.roll("api", ROOT, keys)
        load.go_on(step)
        assert fleet.ask(lambda api: api.list_jobs(limit=2, cursor=before))["items"]
        assert report(fleet, running, old[CALLBACK]) == 200

    fleet.roll("api", ROOT, new)
    load.go_on("the new keys alone")
    load.stop()

    assert load.wrong == []
    with pytest.raises(Problem, match="bad_cursor"):
        fleet.ask(lambda api: api.list_jobs(limit=2, cursor=before))
    assert (report(fleet, running, old[CALLBACK]), report(fleet, running, new[CALLBACK])) == (401, 200)
    ended_once(cloud, fleet, load.jobs)
    fleet.ask(lambda api: api.cancel(running["jobId"]))


def rotation(old: dict[str, str], new: dict[str, str]) -> dict[str, dict[str, str]]:
    """What the tasks are told at each step, until the old keys are dropped: the first of two keys signs."""
    return {
        "the new keys are taken": {name: f"{old[name]},{new[name]}" for name in old},
        "the new keys sign": {name: f"{new[name]},{old[name]}" for name in old},
    }


def report(fleet: Fleet, job: Record, master_key: str) -> int:
    """The status of the answer to a driver that reports that it runs, by a key of its attempt."""
    body, message_id, now = (
        json.dumps({"status": "RUNNING", "attempt": 1}).encode(),
        str(uuid.uuid4()),
        int(time.time()),
    )
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(callback_key(master_key, job["jobId"], 1), message_id, now, body),
    }
    path = f"/internal/jobs/{job['jobId']}/status"
    with fleet.task() as task:
        return requests.post(f"{task.url}{path}", data=body, headers=headers, timeout=30).status_code


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
