"""What a client of EMR Serverless relies on, through boto3."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from tests.integration.emr.service import ROLE, Emr, error_of
from tests.integration.emr.waiting import wait_for

# Starting


def test_a_repeated_start_with_the_same_token_returns_the_same_run(emr: Emr) -> None:
    request = emr.request(name="job.1", tags={"team": "ops"})

    first, second = emr.client.start_job_run(**request), emr.client.start_job_run(**request)

    assert first["jobRunId"] == second["jobRunId"]
    assert emr.list_ids() == [first["jobRunId"]]


def test_concurrent_starts_with_one_token_make_one_run_and_all_hear_of_it(emr: Emr) -> None:
    requests = [emr.request(name=f"job-{number}.1") for number in range(25)]
    together = Barrier(8)

    def start_all(_: int) -> list[str]:
        found = []
        for request in requests:
            together.wait(timeout=10)
            found.append(emr.client.start_job_run(**request)["jobRunId"])
        return found

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start_all, range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert sorted(emr.list_ids()) == sorted(answers[0])


@pytest.mark.parametrize(
    "change",
    [{"name": "job.2"}, {"tags": {"team": "other"}}, {"executionTimeoutMinutes": 7}, {"seconds": 5}, {"attempt": 2}],
    ids=lambda change: next(iter(change)),
)
def test_the_same_token_with_another_request_is_a_conflict(emr: Emr, change: dict) -> None:
    emr.start(name="job.1", clientToken="one-token")

    code, status, _ = error_of(
        emr.client.start_job_run, **emr.request(**{"name": "job.1", "clientToken": "one-token", **change})
    )

    assert (code, status) == ("ConflictException", 409)
    assert len(emr.list_ids()) == 1


def test_a_token_belongs_to_its_application(emr: Emr) -> None:
    other = emr.new_application()

    here = emr.start(clientToken="shared-token")
    there = emr.start(clientToken="shared-token", applicationId=other)

    assert here != there


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"clientToken": "with space"}, "clientToken"),
        ({"clientToken": "x" * 65}, "clientToken"),
        ({"executionRoleArn": "arn:aws:iam::1:user/not-a-role"}, "executionRoleArn"),
        ({"name": "x" * 257}, "name"),
        ({"name": "   "}, "name"),
        ({"executionTimeoutMinutes": 0}, "executionTimeoutMinutes"),
        ({"executionTimeoutMinutes": 10081}, "executionTimeoutMinutes"),
        ({"mode": "SOMETIMES"}, "mode"),
        ({"tags": {"key": "x" * 257}}, "tags"),
        ({"executionIamPolicy": {"policy": "x" * 2049}}, "policy"),
        ({"jobDriver": {"hive": {"query": "select 1"}}}, "sparkSubmit"),
    ],
)
def test_a_request_beyond_the_services_limits_is_refused_and_starts_nothing(
    emr: Emr, change: dict, complaint: str
) -> None:
    code, status, message = error_of(emr.client.start_job_run, **emr.request(**change))

    assert (code, status) == ("ValidationException", 400)
    assert complaint in message
    assert emr.list_ids() == []


@pytest.mark.parametrize(
    "change",
    [
        {"clientToken": "x" * 64},
        {"name": "x" * 256},
        {"executionTimeoutMinutes": 10080},
        {"executionIamPolicy": {"policy": "x" * 2048}},
    ],
)
def test_a_request_at_the_services_limits_is_accepted(emr: Emr, change: dict) -> None:
    assert emr.start(**change)


def test_a_run_of_an_unknown_application_is_refused(emr: Emr) -> None:
    code, status, _ = error_of(emr.client.start_job_run, **emr.request(applicationId="00unknown"))

    assert (code, status) == ("ResourceNotFoundException", 404)


def test_a_run_starts_its_application_unless_that_is_switched_off(emr: Emr) -> None:
    manual = emr.new_application(autoStartConfiguration={"enabled": False})

    refused = error_of(emr.client.start_job_run, **emr.request(applicationId=manual))
    emr.client.start_application(applicationId=manual)
    run_id = emr.start(applicationId=manual)

    assert refused[0] == "ValidationException"
    assert emr.wait_for_state(run_id, "SUCCESS", application_id=manual)
    assert emr.client.get_application(applicationId=manual)["application"]["state"] == "STARTED"


# Reading


def test_a_run_shows_what_was_asked_and_what_it_took(emr: Emr) -> None:
    asked = emr.request(
        seconds=0.2,
        name="job.1",
        tags={"jobId": "job"},
        executionTimeoutMinutes=60,
        executionIamPolicy={"policy": json.dumps({"Version": "2012-10-17", "Statement": []})},
        retryPolicy={"maxAttempts": 1},
        configurationOverrides={"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs/"}}},
        parameters="--conf spark.driver.cores=2 --conf spark.executor.cores=2 --conf spark.executor.instances=3",
    )
    run_id = emr.client.start_job_run(**asked)["jobRunId"]

    run = emr.wait_for_state(run_id, "SUCCESS")

    for name in ("name", "tags", "executionTimeoutMinutes", "executionIamPolicy", "retryPolicy", "jobDriver"):
        assert run[name] == asked[name]
    assert run["configurationOverrides"] == asked["configurationOverrides"]
    assert run["executionRole"] == ROLE
    assert run["createdAt"] <= run["startedAt"] < run["endedAt"]
    assert run["endedAt"] - run["startedAt"] >= timedelta(seconds=0.2)
    assert "billedResourceUtilization" not in run


def test_a_run_shows_some_time_after_its_end_what_is_billed(emr: Emr) -> None:
    parameters = (
        "--conf spark.driver.cores=2 --conf spark.executor.cores=2 --conf spark.executor.instances=3 "
        "--conf spark.driver.memory=4g --conf spark.executor.memory=4g --conf spark.emr-serverless.executor.disk=50g"
    )
    run_id = emr.start(seconds=0.2, parameters=parameters, flexExecution={"enabled": True})
    emr.wait_for_state(run_id, "SUCCESS")

    run = emr.wait_for_bill(run_id)

    # 8 vCPU, four workers of 5 GB, and three of 30 GB of disk that is not free, for the minute that is billed at least.
    assert run["billedResourceUtilization"] == {
        "vCPUHour": pytest.approx(8 / 60, abs=0.001),
        "memoryGBHour": pytest.approx(20 / 60, abs=0.001),
        "storageGBHour": pytest.approx(90 / 60, abs=0.001),
    }
    assert run["totalResourceUtilization"]["vCPUHour"] < run["billedResourceUtilization"]["vCPUHour"]
    assert run["flexExecution"] == {"enabled": True}


def test_an_unknown_run_is_not_found(emr: Emr) -> None:
    other = emr.new_application()
    run_id = emr.start(applicationId=other)

    for application_id, job_run_id in ((emr.application_id, "00unknown"), (emr.application_id, run_id)):
        code, status, _ = error_of(emr.client.get_job_run, applicationId=application_id, jobRunId=job_run_id)
        assert (code, status) == ("ResourceNotFoundException", 404)


def test_a_list_gives_every_run_once_newest_first_and_fifty_a_page(emr: Emr) -> None:
    started = [emr.start(seconds=60, name=f"job-{number}.1") for number in range(120)]
    pages = list(emr.client.get_paginator("list_job_runs").paginate(applicationId=emr.application_id))

    assert [len(page["jobRuns"]) for page in pages] == [50, 50, 20]
    assert sorted(emr.list_ids()) == sorted(started)
    created = [run["createdAt"] for page in pages for run in page["jobRuns"]]
    assert created == sorted(created, reverse=True)


def test_runs_added_while_a_list_is_read_shift_nothing(emr: Emr) -> None:
    before = {emr.start() for _ in range(6)}
    first = emr.client.list_job_runs(applicationId=emr.application_id, maxResults=3)

    emr.start()
    second = emr.client.list_job_runs(applicationId=emr.application_id, maxResults=3, nextToken=first["nextToken"])

    assert {run["id"] for page in (first, second) for run in page["jobRuns"]} == before
    assert "nextToken" not in second


def test_a_list_can_be_narrowed_by_state_time_and_mode(emr: Emr) -> None:
    done = emr.start(name="done")
    done_at = emr.wait_for_state(done, "SUCCESS")["createdAt"]
    wait_for(lambda: datetime.now(UTC) > done_at + timedelta(seconds=0.05), "the clock to move on")
    running = emr.start(seconds=60, mode="STREAMING")
    emr.wait_for_state(running, "RUNNING")
    between = done_at + timedelta(seconds=0.02)

    assert emr.list_ids(states=["SUCCESS", "FAILED"]) == [done]
    assert emr.list_ids(states=["RUNNING"]) == [running]
    assert emr.list_ids(states=["QUEUED"]) == []
    assert emr.list_ids(createdAtAfter=between) == [running]
    assert emr.list_ids(createdAtBefore=between) == [done]
    assert emr.list_ids(mode="STREAMING") == [running]
    assert emr.list_ids(mode="BATCH") == [done]


def test_a_list_shows_names_but_neither_tags_nor_tokens(emr: Emr) -> None:
    emr.start(name="job.1", tags={"team": "ops"})

    (run,) = emr.client.list_job_runs(applicationId=emr.application_id)["jobRuns"]

    assert run["name"] == "job.1"
    assert {"tags", "clientToken", "jobDriver"}.isdisjoint(run)


def test_a_made_up_token_of_a_list_is_refused(emr: Emr) -> None:
    code, _, _ = error_of(emr.client.list_job_runs, applicationId=emr.application_id, nextToken="bm9uc2Vuc2U=")

    assert code == "ValidationException"


def test_a_run_has_one_attempt(emr: Emr) -> None:
    run_id = emr.start()

    attempts = emr.client.list_job_run_attempts(applicationId=emr.application_id, jobRunId=run_id)["jobRunAttempts"]

    assert [(each["id"], each["attempt"]) for each in attempts] == [(run_id, 1)]


def test_a_dashboard_is_there_from_the_state_running_on(emr: Emr, faults) -> None:
    faults.put({"slowStartSeconds": 60})
    waiting, run_id = emr.start(), None
    emr.wait_for_state(waiting, "SCHEDULED", "PENDING")
    code, status, message = error_of(
        emr.client.get_dashboard_for_job_run, applicationId=emr.application_id, jobRunId=waiting
    )
    faults.clear()

    run_id = emr.start()
    emr.wait_for_state(run_id, "SUCCESS")
    url = emr.client.get_dashboard_for_job_run(applicationId=emr.application_id, jobRunId=run_id)["url"]

    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("Dashboard cannot be served for job in")
    assert url.startswith("http://127.0.0.1:")


# Ending


def test_a_run_passes_through_the_states_of_the_service(emr: Emr, faults) -> None:
    faults.put({"slowStartSeconds": 0.2})
    run_id = emr.start(seconds=0.3)
    seen: list[str] = []

    def look() -> bool:
        state = emr.get(run_id)["state"]
        seen.extend([state] if state not in seen else [])
        return state == "SUCCESS"

    wait_for(look, "the run to succeed")

    order = ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS"]
    assert seen == [state for state in order if state in seen]
    assert {"SCHEDULED", "RUNNING", "SUCCESS"} <= set(seen)


def test_a_program_that_fails_ends_the_run_in_the_services_words(emr: Emr) -> None:
    run_id = emr.start(fail="java.lang.OutOfMemoryError: Java heap space")

    run = emr.wait_for_state(run_id, "FAILED")

    assert run["stateDetails"] == (
        "Job failed, please check complete logs in configured logging destination. ExitCode: 1. "
        "Last few exceptions: java.lang.OutOfMemoryError: Java heap space"
    )


def test_a_long_failure_is_cut_at_256_characters(emr: Emr) -> None:
    run_id = emr.start(fail="x" * 300)

    assert len(emr.wait_for_state(run_id, "FAILED")["stateDetails"]) == 256


def test_a_simulated_run_can_fail_its_first_attempts_only(emr: Emr) -> None:
    first = emr.start(fail="boom", failAttempts=1, attempt=1)
    second = emr.start(fail="boom", failAttempts=1, attempt=2)

    assert emr.wait_for_state(first, "FAILED")
    assert emr.wait_for_state(second, "SUCCESS")


def test_a_cancelled_run_is_cancelling_before_it_is_cancelled(emr: Emr) -> None:
    run_id = emr.start(seconds=60)
    emr.wait_for_state(run_id, "RUNNING")

    emr.cancel(run_id)
    at_once = emr.get(run_id)["state"]

    assert at_once == "CANCELLING"
    assert "cancelled" in emr.wait_for_state(run_id, "CANCELLED")["stateDetails"]


def test_a_cancel_may_be_repeated_until_the_run_is_over(emr: Emr) -> None:
    run_id = emr.start(seconds=60)

    emr.cancel(run_id)
    emr.cancel(run_id)
    emr.wait_for_state(run_id, "CANCELLED")
    code, status, _ = error_of(emr.client.cancel_job_run, applicationId=emr.application_id, jobRunId=run_id)

    assert (code, status) == ("ValidationException", 400)


def test_a_run_past_its_timeout_is_cancelled(emr: Emr) -> None:
    run_id = emr.start(seconds=60, executionTimeoutMinutes=1)

    run = emr.wait_for_state(run_id, "CANCELLED")

    assert "timeout of 1 minutes" in run["stateDetails"]
    assert run["endedAt"] - run["startedAt"] >= timedelta(seconds=0.45)


def test_runs_beyond_the_applications_limit_wait_in_a_queue_in_their_order(emr: Emr) -> None:
    emr.application_id = emr.new_application(schedulerConfiguration={"maxConcurrentRuns": 1})
    first, second, third = (emr.start(seconds=60) for _ in range(3))
    emr.wait_for_state(first, "RUNNING")
    emr.wait_for_state(second, "QUEUED")
    emr.wait_for_state(third, "QUEUED")

    emr.cancel(first)
    waited = emr.wait_for_state(second, "RUNNING")

    assert emr.get(third)["state"] == "QUEUED"
    assert waited["queuedDurationMilliseconds"] > 0


def test_a_run_too_long_in_the_queue_ends_without_having_run(emr: Emr) -> None:
    emr.application_id = emr.new_application(schedulerConfiguration={"maxConcurrentRuns": 1, "queueTimeoutMinutes": 1})
    emr.start(seconds=60)
    waiting = emr.start()

    run = emr.wait_for_state(waiting, "CANCELLED")

    assert "startedAt" not in run
    assert "in the queue" in run["stateDetails"]


def test_a_run_beyond_the_accounts_vcpus_is_accepted_and_fails_saying_so(emr: Emr) -> None:
    run_id = emr.start(parameters="--conf spark.driver.cores=16 --conf spark.executor.cores=16")

    run = emr.wait_for_state(run_id, "SUCCESS", "FAILED")  # 16 + 3 x 16 = 64 of 64
    too_large = emr.start(parameters="--conf spark.driver.cores=16 --conf spark.executor.cores=16 --num-executors 4")
    refused = emr.wait_for_state(too_large, "FAILED")

    assert run["state"] == "SUCCESS"
    assert "vCPU" in refused["stateDetails"]
    assert "ServiceQuotaExceededException" in refused["stateDetails"]


def test_a_run_beyond_its_applications_capacity_fails_saying_so(emr: Emr) -> None:
    emr.application_id = emr.new_application(maximumCapacity={"cpu": "2 vCPU", "memory": "8 GB"})

    fits, too_large = emr.start(), emr.start(parameters="--conf spark.driver.cores=2")

    assert emr.wait_for_state(fits, "SUCCESS")
    assert "ApplicationMaxCapacityExceededException" in emr.wait_for_state(too_large, "FAILED")["stateDetails"]
    assert "2 vCPU" in emr.get(too_large)["stateDetails"]


# Applications


def test_an_application_is_made_once_for_a_token(emr: Emr) -> None:
    request = {"releaseLabel": "emr-7.14.0", "type": "SPARK", "clientToken": f"app-{emr.application_id}"}

    first, second = emr.client.create_application(**request), emr.client.create_application(**request)
    conflict = error_of(emr.client.create_application, **{**request, "releaseLabel": "emr-7.13.0"})

    assert first["applicationId"] == second["applicationId"]
    assert conflict[0] == "ConflictException"


def test_applications_are_listed_page_by_page(emr: Emr) -> None:
    pages = emr.client.get_paginator("list_applications").paginate(PaginationConfig={"PageSize": 2})

    assert emr.application_id in [each["id"] for page in pages for each in page["applications"]]


def test_an_application_with_running_jobs_cannot_be_stopped(emr: Emr) -> None:
    run_id = emr.start(seconds=60)

    refused = error_of(emr.client.stop_application, applicationId=emr.application_id)
    emr.cancel(run_id)
    emr.wait_for_state(run_id, "CANCELLED")
    emr.client.stop_application(applicationId=emr.application_id)

    assert refused[0] == "ValidationException"
    assert emr.client.get_application(applicationId=emr.application_id)["application"]["state"] == "STOPPED"
