"""A service that is killed forgets nothing: runs, tokens and what they wait for."""

from local.cloud import LocalCloud
from tests.integration.emr.service import Emr, error_of


def test_a_killed_service_keeps_every_run_and_token(cloud: LocalCloud, emr: Emr) -> None:
    request = emr.request(name="job.1", tags={"team": "ops"}, seconds=60)
    run_id = emr.client.start_job_run(**request)["jobRunId"]
    before = emr.wait_for_state(run_id, "RUNNING")

    cloud.kill("emr")
    cloud.restart("emr")

    assert emr.get(run_id) == {
        **before,
        "totalExecutionDurationSeconds": emr.get(run_id)["totalExecutionDurationSeconds"],
    }
    assert emr.client.start_job_run(**request)["jobRunId"] == run_id
    assert error_of(emr.client.start_job_run, **{**request, "name": "job.2"})[0] == "ConflictException"


def test_a_run_accepted_just_before_a_kill_is_carried_out_after_it(cloud: LocalCloud, emr: Emr) -> None:
    run_ids = [emr.start(seconds=0.2) for _ in range(5)]

    cloud.kill("emr")
    cloud.restart("emr")

    for run_id in run_ids:
        assert emr.wait_for_state(run_id, "SUCCESS")


def test_a_cancellation_that_a_kill_interrupts_is_carried_out_after_it(cloud: LocalCloud, emr: Emr) -> None:
    run_id = emr.start(seconds=60)
    emr.wait_for_state(run_id, "RUNNING")

    emr.cancel(run_id)
    cloud.kill("emr")
    cloud.restart("emr")

    assert emr.wait_for_state(run_id, "CANCELLED")
