"""An owner's quota on real processes: exact at its edge, and free again whatever was killed meanwhile."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli.client import ApiClient, Problem
from local.cloud import start_cloud
from local.marked import wait_until
from tests.acceptance.conftest import PATIENCE_SECONDS, QUICK, Platform

ROOM = 50
ASKED = 200
WORKERS = ("worker-1", "worker-2")


@pytest.fixture(scope="module")
def narrow() -> Iterator[Platform]:
    """A platform on which an owner may have 50 jobs at a time."""
    variables = {**QUICK, "QUOTA_ACTIVE_JOBS": str(ROOM)}
    with start_cloud(("aws", "emr", "api", "workers"), variables=variables, workers=2) as cloud:
        yield Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"]))


def submitted_or_code(platform: Platform) -> str:
    """The id of a job, or the code of the refusal."""
    job = {"jobType": "simulated", "inputs": [], "parameters": {"seconds": 3}}
    try:
        job_id: str = platform.api.submit(job)["jobId"]
    except Problem as problem:
        return problem.code
    return job_id


def test_of_200_jobs_at_once_as_many_are_accepted_as_there_is_room_and_all_of_it_is_free_at_the_end(narrow: Platform):
    for worker in WORKERS:  # no job ends while others are submitted, however slow the machine is
        narrow.cloud.kill(worker)
    with ThreadPoolExecutor(32) as pool:
        answers = Counter(pool.map(lambda _: submitted_or_code(narrow), range(ASKED)))
    refused = answers.pop("quota_exceeded")
    used = {quota["name"]: quota["used"] for quota in narrow.api.quota()["items"]}

    for worker in WORKERS:
        narrow.cloud.restart(worker)
    first = next(iter(answers))
    assert wait_until(lambda: narrow.api.get(first)["status"] != "SUBMITTED", PATIENCE_SECONDS)
    narrow.cloud.kill("worker-1")
    ended = [narrow.wait({"jobId": job_id})["status"] for job_id in answers]

    assert (len(answers), refused) == (ROOM, ASKED - ROOM)
    assert (used["activeJobs"], used["submissionsToday"]) == (ROOM, ROOM)
    assert ended == ["SUCCEEDED"] * ROOM
    assert {quota["name"]: quota["used"] for quota in narrow.api.quota()["items"]}["activeJobs"] == 0
