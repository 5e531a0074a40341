"""Quotas as a client meets them: what it may use, what it uses, and a refusal that says what to do."""

import pytest

from shared.lifecycle import cancel_requested, claimed, failed, succeeded
from shared.models import FailureReason
from tests.fakes.seam import no_connection
from tests.unit.api.service import Api, problem_of


def used(api: Api) -> dict[str, int]:
    return {quota["name"]: quota["used"] for quota in api.get("/quota").get_json()["items"]}


def test_who_has_done_nothing_uses_nothing(api: Api):
    assert used(api) == {"activeJobs": 0, "submissionsToday": 0, "uploadBytesToday": 0, "openUploads": 0}


def test_limits_and_when_the_count_begins_anew_are_told(api: Api):
    active, submissions, *_ = api.get("/quota").get_json()["items"]

    assert (active["limit"], active["resetsAt"]) == (api.settings.quota_active_jobs, None)
    assert submissions["resetsAt"] == "2026-11-24T00:00:00.000Z"


@pytest.mark.parametrize(
    ("limit", "name", "retry_after"),
    [
        ({"quota_active_jobs": 2}, "activeJobs", "30"),
        ({"quota_submissions_per_day": 2}, "submissionsToday", str(12 * 3600)),
    ],
)
def test_a_job_too_many_is_refused_with_the_limit_and_when_to_come_back(limit, name, retry_after):
    api = Api(**limit)
    api.submit()
    api.submit()

    refused = api.submit()

    assert problem_of(refused) == (429, "quota_exceeded")
    assert refused.get_json()["quota"] == {"name": name, "limit": 2, "used": 2}
    assert refused.headers["Retry-After"] == retry_after
    assert len(api.messages()) == len(api.dynamodb.items(api.settings.jobs_table)) == 2


def test_a_repeated_request_is_answered_although_there_is_no_room():
    api = Api(quota_active_jobs=1)
    first = api.submit(key="k")

    again = api.submit(key="k")

    assert (again.status_code, again.get_json()) == (202, first.get_json())
    assert used(api)["submissionsToday"] == 1


def ended_in_each_way(api: Api):
    now = api.clock()
    running = claimed(api.stored(api.submit().get_json()["jobId"]), now, api.settings)
    yield lambda job: succeeded(job, now, "worker", "Done.", now), running
    running = claimed(api.stored(api.submit().get_json()["jobId"]), now, api.settings)
    yield lambda job: failed(job, now, "worker", FailureReason.RUN_FAILED, "no", now), running
    running = claimed(api.stored(api.submit().get_json()["jobId"]), now, api.settings)
    asked = cancel_requested(running, now, "api:local", None)
    yield lambda job: failed(job, now, "worker", FailureReason.CANCELLED, "", now), asked


def test_however_a_job_ends_there_is_room_for_another():
    api = Api(quota_active_jobs=1)

    for end, running in ended_in_each_way(api):
        assert used(api)["activeJobs"] == 1
        stored = api.store.update(api.stored(running.job_id), running).job
        assert used(api)["activeJobs"] == 1
        api.store.update(stored, end(stored))
        assert used(api)["activeJobs"] == 0

    assert used(api)["submissionsToday"] == 3


def test_a_day_later_the_day_is_counted_anew_and_active_jobs_are_not():
    api = Api(quota_submissions_per_day=1)
    api.submit()
    api.clock.forward(24 * 3600)

    assert used(api)["submissionsToday"] == 0
    assert api.submit().status_code == 202
    assert (used(api)["activeJobs"], used(api)["submissionsToday"]) == (2, 1)


def test_a_silent_store_is_told_as_such(api: Api):
    api.seam.fail_before("get_item", no_connection())

    assert problem_of(api.get("/quota")) == (503, "job_store_unavailable")
