"""`POST /jobs/{jobId}/replay`: a failed job becomes a new one, once, as operators do it with dead letters."""

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.models import FailureReason, Job, JobInput
from shared.replays.job_replay import failure_id
from shared.replays.replay_edits import Edits, replayed_job_id
from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job, idle_job, job_id, submitted_job, tracking_job, with_bigger, with_limit
from tests.fakes.seam import no_answer, no_connection
from tests.unit.api.service import RAW, Api, pointers_of, problem_of
from worker.envelopes import failed_job_envelope

REPLAYED = "Idempotency-Replayed"


def failed(api: Api, **changes: Any) -> Job:
    """A job of the caller's that has failed."""
    facts: dict[str, Any] = {"failure_reason": FailureReason.RUN_FAILED, "failure_detail": "Boom.", "owner_id": "local"}
    return api.put(ended_job(JobStatus.FAILED, **{**facts, **changes}))


def replay(api: Api, job: Job, **body: Any) -> TestResponse:
    """Ask for a replay; without fields, with no body."""
    path = f"/jobs/{job.job_id}/replay"
    return api.post(path, json=body) if body else api.post(path)


def test_a_failed_job_becomes_a_new_one_that_both_know_of(api: Api):
    old = failed(api)

    response = replay(api, old, overrides={"size": "medium"}, reason="It needs more memory.")

    record = response.get_json()
    new, noted = api.stored(record["jobId"]), api.stored(old.job_id)
    assert (response.status_code, response.headers["Location"]) == (202, f"/jobs/{new.job_id}")
    assert (record["status"], record["replayOf"], record["size"]) == ("SUBMITTED", old.job_id, "medium")
    assert new.history[0].message == f"Replayed from {old.job_id}. It needs more memory."
    assert (new.history[0].by, noted.history[-1].by) == ("api:local", "api:local")
    assert noted.history[-1].message == f"Replayed as {new.job_id}. It needs more memory."
    assert (noted.status, noted.replayed_by) == (JobStatus.FAILED, (new.job_id,))
    assert [message["jobId"] for message in api.messages()] == [new.job_id]
    assert REPLAYED not in response.headers


def test_no_body_repeats_the_job_as_it_was(api: Api):
    old = failed(api)

    new = api.stored(replay(api, old).get_json()["jobId"])

    assert new.request == old.request
    assert (new.owner_id, new.correlation_id) == (old.owner_id, old.correlation_id)


@pytest.mark.parametrize("status", [JobStatus.SUBMITTED, JobStatus.RUNNING, JobStatus.FAILED])
def test_the_same_request_gives_the_first_answer_again_wherever_the_new_job_is(api: Api, status: JobStatus):
    old = failed(api)
    first = replay(api, old, overrides={"maxAttempts": 5})
    made = api.stored(first.get_json()["jobId"])
    api.put(replace(made, status=status, attempt=2, status_message="Later."))

    again = replay(api, old, overrides={"maxAttempts": 5}, reason="Asked twice.")

    assert (again.status_code, again.get_json()) == (202, first.get_json())
    assert (again.headers[REPLAYED], again.headers["Location"]) == ("true", first.headers["Location"])
    assert len(api.messages()) == 1
    assert len(api.stored(old.job_id).replayed_by) == 1


def test_what_was_replayed_is_answered_again_although_its_input_is_gone(api: Api):
    old = failed(api)
    first = replay(api, old)
    del api.s3.objects[RAW, "flights/flights.csv"]

    assert replay(api, old).get_json() == first.get_json()


@pytest.mark.parametrize(
    ("overrides", "values"),
    [
        ({}, {}),
        ({"size": "large", "timeoutSeconds": 60}, {"timeoutSeconds": 60, "size": "large"}),
        (
            {"parameters": {"delimiter": ";", "columns": None}},
            {"parameters.delimiter": ";", "parameters.columns": None},
        ),
    ],
)
def test_an_operators_replay_with_the_same_changes_is_the_same_job(api: Api, overrides: Any, values: Any):
    old = failed(api)
    envelope = failed_job_envelope(old, api.settings)

    record = replay(api, old, overrides=overrides).get_json()

    assert envelope["id"] == failure_id(old.job_id)
    assert record["jobId"] == replayed_job_id(envelope["id"], Edits(values), "")


def test_other_changes_need_a_new_word(api: Api):
    old = failed(api)
    first = replay(api, old).get_json()["jobId"]

    refused = replay(api, old, overrides={"size": "large"})
    accepted = replay(api, old, overrides={"size": "large"}, again="tuesday")
    once_more = replay(api, old, again="wednesday")

    assert problem_of(refused) == (409, "job_already_replayed")
    assert first in refused.get_json()["detail"]
    made = [first, accepted.get_json()["jobId"], once_more.get_json()["jobId"]]
    assert api.stored(old.job_id).replayed_by == tuple(made)
    assert len(set(made)) == 3


@pytest.mark.parametrize(
    "job", [submitted_job(), tracking_job(), idle_job(), ended_job(JobStatus.SUCCEEDED)], ids=lambda job: job.status
)
def test_only_a_job_that_failed_can_be_replayed(api: Api, job: Job):
    response = replay(api, api.put(job))

    assert problem_of(response) == (409, "job_not_failed")
    assert str(job.status) in response.get_json()["detail"]
    assert api.messages() == []


def test_a_job_that_is_not_there_cannot_be_replayed(api: Api):
    assert problem_of(api.post(f"/jobs/{job_id(9)}/replay")) == (404, "job_not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"overrides": {"size": "huge"}}, "/overrides/size"),
        ({"overrides": {"size": None}}, "/overrides/size"),
        ({"overrides": {"timeoutSeconds": 59}}, "/overrides/timeoutSeconds"),
        ({"overrides": {"maxAttempts": 11}}, "/overrides/maxAttempts"),
        ({"overrides": {"owner": "me"}}, "/overrides/owner"),
        ({"overrides": {"inputs": []}}, "/overrides/inputs"),
        ({"overrides": []}, "/overrides"),
        ({"overrides": {"parameters": {"delimiter": ";;"}}}, "/overrides/parameters/delimiter"),
        ({"overrides": {"parameters": {"colour": "red"}}}, "/overrides/parameters/colour"),
        ({"overrides": {"parameters": {"header": {"deep": 1}}}}, "/overrides/parameters/header/deep"),
        ({"overrides": {"parameters": {"a.b": 1}}}, "/overrides/parameters/a.b"),
        ({"overrides": {"parameters": {"": 1}}}, "/overrides/parameters/"),
        ({"overrides": {"parameters": {"columns": {}}}}, "/overrides/parameters/columns"),
        ({"reason": ""}, "/reason"),
        ({"again": "x" * 65}, "/again"),
        ({"why": "x"}, "/why"),
    ],
)
def test_wrong_overrides_are_refused_where_they_stand(api: Api, body: Any, pointer: str):
    response = replay(api, failed(api), **body)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [pointer]
    assert api.messages() == []


def test_inputs_are_looked_for_again(api: Api):
    missing = JobInput("flights", f"s3://{RAW}/gone.csv")
    old = failed(api, request=replace(ended_job().request, inputs=(missing,)))

    response = replay(api, old)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [""], "no override can name another input"
    assert missing.uri in response.get_json()["detail"]
    assert api.stored(old.job_id).replayed_by == ()


def test_a_type_that_is_gone_is_no_fault_of_the_body(api: Api):
    old = failed(api, request=replace(ended_job().request, job_type="gone"))

    response = replay(api, old)

    assert pointers_of(response) == [""]
    assert "There is no job type 'gone' any more." in response.get_json()["detail"]


@pytest.mark.parametrize("call", ["get_item", "transact_write_items", "update_item"])
@pytest.mark.parametrize("lost", ["fail_before", "fail_after"])
def test_wherever_an_answer_is_lost_the_same_request_goes_on_from_there(api: Api, call: str, lost: str):
    old = failed(api)
    getattr(api.seam, lost)(call, no_answer())
    assert replay(api, old).status_code == 503
    api.seam.before = api.seam.after = lambda *_: None

    response = replay(api, old)

    new = api.stored(response.get_json()["jobId"])
    assert response.status_code == 202
    assert api.stored(old.job_id).replayed_by == (new.job_id,)
    assert new.due_at is not None, "the workers find it although its message was never sent"


def test_of_two_racing_requests_the_second_finds_the_first_ones_job(api: Api):
    old = failed(api)

    def other_is_faster(operation: str, _arguments: object) -> None:
        if operation == "transact_write_items":
            api.seam.before = lambda *_: None
            replay(api, old)

    api.seam.before = other_is_faster

    response = replay(api, old)

    assert response.headers[REPLAYED] == "true"
    assert api.stored(old.job_id).replayed_by == (response.get_json()["jobId"],)
    assert len(api.messages()) == 1


def test_a_message_that_cannot_be_sent_makes_the_new_job_due_at_once(api: Api):
    old = failed(api)
    api.seam.fail_before("send_message", no_connection())

    response = replay(api, old)

    assert response.status_code == 202
    assert api.stored(response.get_json()["jobId"]).due_at == api.clock()


def test_without_s3_nobody_knows_whether_the_inputs_are_there(api: Api):
    old = failed(api)
    api.seam.fail_before("head_object", no_connection())

    assert problem_of(replay(api, old)) == (503, "object_store_unavailable")
    assert api.stored(old.job_id).replayed_by == ()


def test_an_owner_who_has_no_room_for_one_more_job_is_told_which_limit_it_is():
    api = Api(quota_active_jobs=1)
    api.submit()

    response = replay(api, failed(api, number=9))

    assert problem_of(response) == (429, "quota_exceeded")
    assert api.stored(job_id(9)).replayed_by == ()


def test_the_replay_of_a_job_that_went_bigger_begins_with_the_size_that_was_asked_for(api: Api):
    old = with_bigger(failed(api))
    old = api.put(replace(old, went_bigger=True))

    record = replay(api, old).get_json()

    assert (record["size"], record["biggerSize"], record["onOutOfMemory"]) == ("small", None, "retry-bigger")
    assert api.stored(record["jobId"]).may_go_bigger


def test_a_replay_may_say_anew_what_follows_when_memory_runs_out(api: Api):
    record = replay(api, failed(api), overrides={"onOutOfMemory": "retry-bigger"}).get_json()

    assert record["onOutOfMemory"] == "retry-bigger"


@pytest.mark.parametrize(
    ("overrides", "limit"), [({}, 0.4), ({"maxCostUsd": 2}, 2), ({"maxCostUsd": None}, None)], ids=str
)
def test_a_replay_may_cost_as_much_as_the_failed_job_unless_it_says_anew(api: Api, overrides, limit):
    old = api.put(with_limit(0.4, failed(api)))

    record = replay(api, old, overrides=overrides).get_json()

    assert (record["maxCostUsd"], record["costLimitAt"], record["costWarnedAt"]) == (limit, None, None)


def test_a_replay_of_a_limit_that_is_none_is_refused(api: Api):
    response = replay(api, failed(api), overrides={"maxCostUsd": -1})

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), ["/overrides/maxCostUsd"])
