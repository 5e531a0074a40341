"""Reports of real Spark drivers: how far a job is, its end in the program's own words, and an API that is not there."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.client import ApiClient, Problem, Record
from local.cloud import PARTS, TemporaryCloud
from local.marked import wait_until
from local.ports import HOST, free_ports
from local.settings import LocalSettings
from tests.acceptance.conftest import PATIENCE_SECONDS, QUICK, Platform

# Some seconds of work on any machine: the counts of a cross join, which Spark makes row by row.
QUERY = "SELECT count(*) AS n FROM range({0}) a CROSS JOIN range({0}) b, flights WHERE (a.id * b.id) % 7 = 3"


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Iterator[Platform]:
    """A platform whose programs report to its API."""
    (port,) = free_ports(1)
    settings = LocalSettings(directory=str(tmp_path_factory.mktemp("cloud")), aws_port=0, emr_port=0, workers=1)
    variables = {**QUICK, "CALLBACK_URL": f"http://{HOST}:{port}", "CALLBACK_PROGRESS_SECONDS": "6"}
    with TemporaryCloud(settings, PARTS, variables, api_port=port) as cloud:
        cloud.start()
        yield Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"]))


def submit(platform: Platform, rows: int) -> Record:
    inputs = [{"name": "flights", "uri": platform.upload("reports/flights.csv", b"carrier,flight\nUA,1545\n")}]
    parameters = {"query": QUERY.format(rows), "outputFormat": "csv"}
    return platform.api.submit({"jobType": "sql", "inputs": inputs, "parameters": parameters})


def wait_for(found: Callable[[], Any]) -> Any:
    """What is found, once it is."""
    seen: list[Any] = []
    assert wait_until(lambda: bool(seen.append(found()) or seen[-1]), PATIENCE_SECONDS)
    return seen[-1]


def submit_until_one_tells(platform: Platform) -> tuple[Record, Record]:
    """A job that goes on, and how far it is. One that was over before it told is followed by one of more work."""
    for rows in (20_000, 40_000, 80_000):
        job = submit(platform, rows)
        now = wait_for(lambda job=job: told_or_over(platform.api.get(job["jobId"])))
        if now["progress"]:
            return job, now["progress"]
    raise AssertionError("no job told how far it was before its end")


def told_or_over(job: Record) -> Record | None:
    """A job that says how far it is, or ended."""
    return job if job["progress"] or job["status"] in ("SUCCEEDED", "FAILED") else None


def outputs(platform: Platform, job: Record) -> Record | None:
    """The local EMR puts what a run wrote into S3 when its process ends, which is after the report."""
    try:
        return platform.api.outputs(job["jobId"])
    except Problem:
        return None


def command_lines() -> str:
    """Those of all processes of this machine."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text(errors="replace"))
        except OSError:  # it has ended meanwhile
            continue
    return "\n".join(lines)


def run_of(platform: Platform, job: Record) -> Record:
    """The job's run, as EMR Serverless tells it."""
    record = platform.api.get(job["jobId"])
    application = platform.cloud.environment["EMR_APPLICATION_ID"]
    emr = platform.aws("emr-serverless")
    return emr.get_job_run(applicationId=application, jobRunId=record["runId"])["jobRun"]


def test_a_job_says_how_far_it_is_and_ends_by_its_own_report_and_its_key_is_nowhere_to_be_seen(platform: Platform):
    job, progress = submit_until_one_tells(platform)
    assert 0 <= progress["stagesDone"] <= progress["stagesTotal"] > 0
    seen = [command_lines(), json.dumps(run_of(platform, job), default=str)]
    ended = platform.wait(job)

    assert (ended["status"], ended["progress"]) == ("SUCCEEDED", None), ended
    last = platform.api.history(job["jobId"])["items"][-1]
    assert (last["by"], last["message"]) == ("callback", "The program reported success.")
    assert wait_for(lambda: outputs(platform, job))["totals"]["rows"] == 1
    manifest = read(platform, "PROCESSED_BUCKET", f"jobs/{job['jobId']}/attempt-1/_manifest.json")
    assert ended["manifestSha256"] == hashlib.sha256(manifest.encode()).hexdigest()
    told = read(platform, "ARTIFACTS_BUCKET", f"callbacks/{job['jobId']}/attempt-1.json")
    seen += [platform.read_gzip(ended["driverLogUri"].replace("stdout", name)) for name in ("stdout", "stderr")]
    seen += [path.read_text(errors="replace") for path in platform.cloud.directory.glob("logs/*.log")]
    assert job["jobId"] in seen[0]
    assert not [text for text in seen if json.loads(told)["key"] in text]


def read(platform: Platform, bucket: str, key: str) -> str:
    """The text of an object."""
    s3 = platform.aws("s3")
    return s3.get_object(Bucket=platform.cloud.environment[bucket], Key=key)["Body"].read().decode()


def test_a_job_whose_reports_nobody_takes_succeeds_by_its_run_and_its_history_says_so(platform: Platform):
    job = submit(platform, 10)
    wait_for(lambda: platform.api.get(job["jobId"])["runId"])
    run = run_of(platform, job)["jobRunId"]
    application, emr = platform.cloud.environment["EMR_APPLICATION_ID"], platform.aws("emr-serverless")

    platform.cloud.kill("api")
    wait_for(lambda: emr.get_job_run(applicationId=application, jobRunId=run)["jobRun"]["state"] == "SUCCESS")
    platform.cloud.restart("api")

    assert platform.wait(job)["status"] == "SUCCEEDED"
    in_vain, end = platform.api.history(job["jobId"])["items"][-2:]
    assert in_vain["message"].startswith("Attempt 1 reported SUCCEEDED at ")
    assert "Connection refused" in in_vain["message"]
    assert (end["by"], end["message"]) == ("worker", "Attempt 1 succeeded.")
