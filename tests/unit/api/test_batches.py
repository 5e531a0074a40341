"""`POST /jobs/batch`: one result for each submission, whatever becomes of the others."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.errors import StoreUnavailable
from shared.models import Job
from tests.fakes.jobs import job_id
from tests.fakes.seam import no_answer, no_connection
from tests.unit.api.service import RAW, Api, pointers_of, problem_of, submission

STORES = "transact_write_items"


@pytest.fixture
def api() -> Api:
    """An API whose caller has had a job stored today: the first of a day costs a write more."""
    api = Api()
    api.dynamodb.items(api.settings.jobs_table).pop(api.submit().get_json()["jobId"])
    api.sqs.queues[api.settings.jobs_queue].clear()
    api.seam.calls.clear()
    return api


def batch(api: Api, *entries: dict[str, Any]) -> TestResponse:
    """Send submissions in one request."""
    return api.post("/jobs/batch", json={"jobs": list(entries)})


def keyed(key: str, **changes: Any) -> dict[str, Any]:
    """A submission with a key."""
    return {**submission(**changes), "idempotencyKey": key}


def statuses(response: TestResponse) -> list[int]:
    """The status of each result."""
    assert response.status_code == 200
    return [item["status"] for item in response.get_json()["items"]]


def codes(response: TestResponse) -> list[str | None]:
    """The code of each result's problem."""
    return [item["problem"] and item["problem"]["code"] for item in response.get_json()["items"]]


def test_each_submission_gets_the_answer_it_would_have_got_alone(api: Api):
    response = batch(api, submission(), submission(size="medium"))

    first, second = response.get_json()["items"]
    assert statuses(response) == [202, 202]
    assert (first["job"]["size"], second["job"]["size"]) == ("small", "medium")
    assert (first["replayed"], first["problem"]) == (False, None)
    assert first["job"] == api.get(f"/jobs/{first['job']['jobId']}").get_json()
    assert [message["jobId"] for message in api.messages()] == [item["job"]["jobId"] for item in (first, second)]


def test_a_wrong_submission_stops_no_other_and_says_where_it_is_wrong(api: Api):
    gone = [{"name": "a", "uri": f"s3://{RAW}/gone.csv"}]

    response = batch(
        api,
        submission(size="huge"),
        submission(),
        submission(jobType="gone"),
        submission(inputs=gone),
        {"size": "small"},
        keyed("white space"),
        submission(),
    )

    assert statuses(response) == [422, 202, 422, 422, 422, 422, 202]
    pointers = [
        [each["pointer"] for each in item["problem"]["errors"]]
        for item in response.get_json()["items"]
        if item["problem"]
    ]
    assert pointers == [
        ["/jobs/0/size"],
        ["/jobs/2/jobType"],
        ["/jobs/3/inputs/0/uri"],
        ["/jobs/4/jobType"],
        ["/jobs/5/idempotencyKey"],
    ]
    assert len(api.messages()) == 2


def test_the_same_batch_again_gives_the_same_jobs_and_sends_nothing(api: Api):
    entries = [keyed("a"), keyed("b", size="large"), submission(size="huge")]
    first = batch(api, *entries).get_json()["items"]
    del api.s3.objects[RAW, "flights/flights.csv"]

    again = batch(api, *entries).get_json()["items"]

    assert [item["replayed"] for item in again] == [True, True, False]
    assert [item["job"] for item in again] == [item["job"] for item in first]
    assert len(api.messages()) == 2


def test_a_key_means_the_same_alone_and_in_a_batch(api: Api):
    alone = api.submit(key="a").get_json()

    response = batch(api, keyed("a"), keyed("a", size="large"), keyed("b"), keyed("b"), keyed("b", size="large"))

    items = response.get_json()["items"]
    assert codes(response) == [None, "idempotency_key_reused", None, None, "idempotency_key_reused"]
    assert items[0]["job"] == alone
    assert [items[n]["replayed"] for n in (0, 2, 3)] == [True, False, True]
    assert items[2]["job"] == items[3]["job"]


@pytest.mark.parametrize(("count", "status"), [(0, 422), (1, 200), (100, 200), (101, 422)])
def test_a_batch_has_one_to_a_hundred_submissions(api: Api, count: int, status: int):
    assert batch(api, *[submission()] * count).status_code == status


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/jobs"), ({"jobs": {}}, "/jobs"), ({"jobs": [1]}, "/jobs/0"), ({"jobs": [{}], "job": 1}, "/job")],
)
def test_a_body_that_is_no_batch_is_refused_as_a_whole(api: Api, body: Any, pointer: str):
    response = api.post("/jobs/batch", json=body)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [pointer]


def test_a_hundred_jobs_of_one_input_cost_one_look_at_it_and_ten_messages(api: Api):
    batch(api, *[keyed(str(n)) for n in range(100)])

    calls = {call: api.seam.calls.count(call) for call in set(api.seam.calls)}
    assert calls["head_object"] == 1
    assert calls["send_message_batch"] == 10
    assert calls["batch_get_item"] == 1
    assert "get_item" not in calls
    assert "send_message" not in calls


@pytest.mark.parametrize(
    ("call", "code"), [(STORES, "job_store_unavailable"), ("head_object", "object_store_unavailable")]
)
def test_an_outage_in_the_middle_leaves_the_rest_to_be_sent_again(api: Api, call: str, code: str):
    entries = [keyed(str(n), inputs=[{"name": "a", "uri": f"s3://{RAW}/{n}.csv"}]) for n in range(5)]
    for n in range(5):
        api.s3.objects[RAW, f"{n}.csv"] = b"x"
    seen: list[str] = []

    def dies_at_the_third(operation: str, _arguments: object) -> None:
        seen.append(operation)
        if seen.count(call) >= 3 and operation == call:
            raise no_connection()

    api.seam.before = dies_at_the_third

    response = batch(api, *entries)

    assert statuses(response) == [202, 202, 503, 503, 503]
    assert codes(response)[2:] == [code] * 3
    assert seen.count(call) == 3, "the rest was not begun"
    assert len(api.messages()) == 2
    api.seam.before = lambda *_: None
    again = batch(api, *entries)
    assert statuses(again) == [202] * 5
    assert [item["replayed"] for item in again.get_json()["items"]] == [True, True, False, False, False]


def test_a_job_whose_stores_answer_was_lost_is_found_by_its_key(api: Api):
    api.seam.fail_after(STORES, no_answer())
    assert statuses(batch(api, keyed("a"))) == [503]

    (item,) = batch(api, keyed("a")).get_json()["items"]

    assert (item["status"], item["replayed"]) == (202, True)


def test_without_a_store_nothing_is_begun(api: Api):
    api.seam.fail_before("batch_get_item", no_connection())

    assert problem_of(batch(api, keyed("a"))) == (503, "job_store_unavailable")
    assert api.messages() == []


def test_a_defect_met_by_one_submission_loses_no_other_answer(api: Api):
    seen: list[str] = []

    def breaks_once(operation: str, _arguments: object) -> None:
        seen.append(operation)
        if operation == STORES and seen.count(STORES) == 2:
            raise ZeroDivisionError

    api.seam.before = breaks_once

    response = batch(api, submission(), submission(), submission())

    assert statuses(response) == [202, 500, 202]
    assert codes(response)[1] == "internal_error"
    assert "ZeroDivision" not in response.text
    assert len(api.messages()) == 2


def test_no_submission_is_begun_after_twenty_seconds(api: Api):
    def takes_eight_seconds(operation: str, _arguments: object) -> None:
        if operation == STORES:
            api.clock.forward(8)

    api.seam.before = takes_eight_seconds

    response = batch(api, *[submission() for _ in range(5)], submission(size="huge"))

    assert statuses(response) == [202, 202, 202, 503, 503, 422]
    assert codes(response)[3] == "service_unavailable"


def test_an_owner_with_no_room_is_told_so_once_for_all():
    api = Api(quota_active_jobs=2)

    response = batch(api, *[submission() for _ in range(5)])

    assert statuses(response) == [202, 202, 429, 429, 429]
    assert api.seam.calls.count(STORES) <= 4, "of which one opened the day"
    assert response.get_json()["items"][2]["problem"]["quota"]["name"] == "activeJobs"


def test_a_job_that_a_key_has_made_is_answered_although_there_is_no_room_for_new_ones():
    api = Api(quota_active_jobs=1)
    made = api.submit(key="k").get_json()["jobId"]

    response = batch(api, submission(), submission(idempotencyKey="k"), submission())

    assert statuses(response) == [429, 202, 429]
    assert response.get_json()["items"][1]["job"]["jobId"] == made


@pytest.mark.parametrize("lost", ["all", "one"])
def test_jobs_whose_messages_were_not_sent_are_due_at_once(api: Api, lost: str):
    if lost == "all":
        api.seam.fail_before("send_message_batch", no_connection())
    else:
        api.sqs.refuses = lambda body: json.loads(body)["jobId"] == job_id(13)

    items = batch(api, *[submission() for _ in range(12)]).get_json()["items"]

    due = [n for n, item in enumerate(items) if api.stored(item["job"]["jobId"]).due_at == api.clock()]
    assert due == (list(range(12)) if lost == "all" else [11])
    assert len(api.messages()) == (0 if lost == "all" else 11)


def test_a_job_that_cannot_even_be_made_due_was_accepted_all_the_same(api: Api):
    def away(operation: str, _arguments: object) -> None:
        if operation in ("send_message_batch", "update_item"):
            raise StoreUnavailable("away") if operation == "update_item" else no_connection()

    api.seam.before = away

    assert statuses(batch(api, submission())) == [202]


def test_a_batch_may_be_larger_than_other_bodies(api: Api):
    entry = submission(tags={f"{n:02d}": "x" * 256 for n in range(20)})
    body = {"jobs": [entry] * 100}
    assert len(json.dumps(body)) > 5 * api.settings.max_body_bytes

    assert api.post("/jobs/batch", json=body).status_code == 200
    assert problem_of(api.post("/jobs", json=body)) == (413, "body_too_large")


@pytest.mark.parametrize(("more_bytes", "status"), [(0, 200), (1, 413)])
def test_a_batch_may_have_as_many_bytes_as_allowed(more_bytes: int, status: int):
    api = Api(max_batch_body_bytes=4096)
    body = json.dumps({"jobs": [submission()]}).encode()

    response = api.post("/jobs/batch", data=body.ljust(4096 + more_bytes), content_type="application/json")

    assert response.status_code == status


def test_all_jobs_of_a_batch_have_its_correlation_id(api: Api):
    headers = {"X-Correlation-Id": "nightly-batch"}

    response = api.post("/jobs/batch", json={"jobs": [submission(), submission(size="huge")]}, headers=headers)

    good, wrong = response.get_json()["items"]
    job: Job = api.stored(good["job"]["jobId"])
    assert (job.correlation_id, wrong["problem"]["correlationId"]) == ("nightly-batch", "nightly-batch")
