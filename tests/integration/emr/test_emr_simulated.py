"""Simulated runs: cheap in hundreds, and honest about what they leave."""

import json
import time
from typing import Any

from tests.integration.emr.service import Emr
from tests.integration.emr.waiting import wait_for

PROCESSED = "cloud-data-platform-dev-processed"


def test_a_simulated_success_leaves_an_empty_manifest_before_it_is_one(emr: Emr, s3: Any) -> None:
    run_id = emr.start(output=f"s3://{PROCESSED}/jobs/simulated/", attempt=2)

    emr.wait_for_state(run_id, "SUCCESS")

    answer = s3.get_object(Bucket=PROCESSED, Key="jobs/simulated/attempt-2/_manifest.json")
    manifest = json.loads(answer["Body"].read())
    assert manifest.pop("createdAt").endswith("Z")
    assert manifest == {
        "manifestVersion": 1,
        "jobId": "job",
        "attempt": 2,
        "jobType": "simulated",
        "jobTypeVersion": None,
        "files": [],
        "totals": {"files": 0, "rows": 0, "sizeBytes": 0},
        "schema": None,
        "inputs": [],
        "counts": {"rowsRead": 0, "rowsWritten": 0, "rowsRejected": 0},
    }


def test_a_simulated_failure_leaves_no_manifest(emr: Emr, s3: Any) -> None:
    run_id = emr.start(output=f"s3://{PROCESSED}/jobs/failing/", fail="boom")

    emr.wait_for_state(run_id, "FAILED")

    assert "Contents" not in s3.list_objects_v2(Bucket=PROCESSED, Prefix="jobs/failing/")


def test_hundreds_of_simulated_runs_go_on_at_once(emr: Emr) -> None:
    emr.application_id = emr.new_application(schedulerConfiguration={"maxConcurrentRuns": 1000})
    tiny = "--conf spark.driver.cores=0 --conf spark.executor.cores=0"
    began = time.monotonic()

    for _ in range(300):
        emr.start(seconds=1, parameters=tiny)
    started = time.monotonic()
    wait_for(lambda: len(emr.list_ids(states=["SUCCESS"])) == 300, "all runs to succeed", 30)

    print(f"300 starts in {started - began:.2f} s, all over {time.monotonic() - started:.2f} s later")
    assert time.monotonic() - started < 10
