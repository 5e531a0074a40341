"""Faults on demand do what they say, and bad documents of them are refused."""

import time

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client
from tests.integration.emr.conftest import SENT_ONCE, FaultSwitch
from tests.integration.emr.service import Emr, error_of
from tests.integration.emr.waiting import wait_for


def test_the_next_calls_are_throttled_and_then_no_more(emr: Emr, faults: FaultSwitch) -> None:
    faults.put({"throttle": {"StartJobRun": {"next": 2}}})

    refused = [error_of(emr.client.start_job_run, **emr.request()) for _ in range(2)]
    emr.start()

    assert [(code, status) for code, status, _ in refused] == [("ThrottlingException", 429)] * 2
    assert len(emr.list_ids()) == 1


def test_boto3_gets_through_a_throttle_by_its_own_retries(cloud: LocalCloud, emr: Emr, faults: FaultSwitch) -> None:
    patient = make_client("emr-serverless", cloud.environment, Config(retries={"mode": "standard"}))
    run_id = emr.start()
    faults.put({"throttle": {"GetJobRun": {"next": 1}}})

    assert patient.get_job_run(applicationId=emr.application_id, jobRunId=run_id)["jobRun"]["jobRunId"] == run_id


def test_an_error_on_demand_does_nothing(emr: Emr, faults: FaultSwitch) -> None:
    faults.put({"error": {"StartJobRun": {"probability": 1}}})

    code, status, _ = error_of(emr.client.start_job_run, **emr.request())

    assert (code, status) == ("InternalServerException", 500)
    assert emr.list_ids() == []


def test_a_lost_answer_leaves_the_run_behind_and_the_same_token_finds_it(emr: Emr, faults: FaultSwitch) -> None:
    faults.put({"answerLost": {"StartJobRun": {"next": 1}}})
    request = emr.request(name="job.1")

    with pytest.raises(ConnectionClosedError):
        emr.client.start_job_run(**request)
    run_id = emr.client.start_job_run(**request)["jobRunId"]

    assert emr.list_ids() == [run_id]


def test_the_next_runs_find_no_capacity(emr: Emr, faults: FaultSwitch) -> None:
    faults.put({"capacity": {"next": 1}})

    refused = emr.wait_for_state(emr.start(), "FAILED")
    second = emr.start()

    assert "vCPU" in refused["stateDetails"]
    assert emr.wait_for_state(second, "SUCCESS")


@pytest.mark.parametrize(("point", "has_started"), [("start", False), ("running", True)])
def test_the_next_runs_fail_at_the_point_that_was_asked(
    emr: Emr, faults: FaultSwitch, point: str, has_started: bool
) -> None:
    faults.put({"failRuns": {"next": 1, "point": point, "text": "Disk full: /mnt"}})

    run = emr.wait_for_state(emr.start(seconds=60), "FAILED")

    assert "Disk full: /mnt" in run["stateDetails"]
    assert ("startedAt" in run) is has_started


def test_all_runs_can_be_simulated(emr: Emr, faults: FaultSwitch) -> None:
    faults.put({"simulateSeconds": 0.1})
    driver = {"sparkSubmit": {"entryPoint": "s3://nowhere/never.py"}}

    run_id = emr.start(jobDriver=driver)

    assert emr.wait_for_state(run_id, "SUCCESS")


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"thrrottle": {}},
        {"throttle": {"StartJobs": {"next": 1}}},
        {"throttle": {"StartJobRun": {"next": -1}}},
        {"throttle": {"StartJobRun": {"next": 1, "probability": 0.5}}},
        {"error": {"GetJobRun": {"probability": 2}}},
        {"capacity": {}},
        {"failRuns": {"next": 1, "point": "later"}},
        {"events": {"copies": 0}},
        {"seed": "seven"},
        {"simulateSeconds": True},
    ],
)
def test_a_bad_document_is_refused_with_a_reason_and_changes_nothing(faults: FaultSwitch, document: object) -> None:
    faults.put({"seed": 5, "slowStartSeconds": 1})

    status, answer = faults.put(document)

    assert status == 400
    assert answer["message"]
    assert (faults.get()["seed"], faults.get()["slowStartSeconds"]) == (5, 1)


def test_the_rates_of_aws_are_kept_and_name_no_modelled_error() -> None:
    limits = {"LOCAL_EMR_START_RATE": "20", "LOCAL_EMR_START_BURST": "3"}
    with start_cloud(("emr",), limits) as cloud:
        emr = Emr(make_client("emr-serverless", cloud.environment, SENT_ONCE))
        for _ in range(3):
            emr.start()

        code, status, _ = error_of(emr.client.start_job_run, **emr.request())
        refused_at = time.monotonic()
        wait_for(lambda: time.monotonic() > refused_at + 0.06, "a token to come")
        emr.start()

        assert (code, status) == ("ThrottlingException", 429)
        assert not hasattr(emr.client.exceptions, "ThrottlingException")
