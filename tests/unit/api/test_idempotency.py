"""Idempotency-Key: one job for a key, and the first answer again."""

from dataclasses import replace

import pytest

from api.ids import keyed_job_id
from shared.errors import JobNotFound
from shared.failure_cards import FailureClass
from shared.lifecycle import cancel_requested, claimed, failed, retrying, succeeded
from shared.models import FailureReason
from shared.transitions import JobStatus
from tests.fakes.seam import aws_error, no_answer
from tests.unit.api.service import RAW, Api, pointers_of, problem_of, submission

REPLAYED = "Idempotency-Replayed"


def test_the_same_key_and_body_give_the_first_answer_again_and_send_nothing(api: Api):
    first = api.submit(key="order-17")

    again = api.submit(key="order-17")

    assert (again.status_code, again.get_json()) == (202, first.get_json())
    assert again.headers["Location"] == first.headers["Location"]
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert len(api.messages()) == 1


@pytest.mark.parametrize("status", [*JobStatus])
def test_the_first_answer_comes_again_wherever_the_job_is_by_then(api: Api, status: JobStatus):
    first = api.submit(key="k").get_json()
    job = api.stored(first["jobId"])
    api.clock.forward(60)
    if status is not JobStatus.SUBMITTED:
        job = cancel_requested(claimed(job, api.clock(), api.settings), api.clock(), "api:local", "enough")
    if status is JobStatus.FAILED:
        job = failed(job, api.clock(), "worker", FailureReason.CANCELLED, "as asked", api.clock())
    if status is JobStatus.SUCCEEDED:
        job = succeeded(job, api.clock(), "worker", "Done.", "0" * 64)
    api.put(job)

    assert api.submit(key="k").get_json() == first


def test_the_first_answer_comes_again_although_the_job_went_bigger(api: Api):
    first = api.submit(key="k", onOutOfMemory="retry-bigger").get_json()
    job = claimed(api.stored(first["jobId"]), api.clock(), api.settings)
    api.put(retrying(replace(job, run_id="run-1"), api.clock(), FailureClass.MEMORY, "Out of memory."))

    assert api.submit(key="k", onOutOfMemory="retry-bigger").get_json() == first


def test_what_was_accepted_is_answered_again_although_its_input_is_gone(api: Api):
    first = api.submit(key="k")
    del api.s3.objects[RAW, "flights/flights.csv"]

    assert api.submit(key="k").get_json() == first.get_json()


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"header": False}},
        {"tags": {"a": "b"}},
        {"size": "medium"},
        {"timeoutSeconds": 3601},
        {"maxAttempts": 3},
        {"onOutOfMemory": "retry-bigger"},
        {"maxCostUsd": 2},
        {"inputs": [{"name": "other", "uri": f"s3://{RAW}/flights/flights.csv"}]},
    ],
    ids=str,
)
def test_the_same_key_with_another_body_is_refused(api: Api, change: dict[str, object]):
    api.submit(key="k")

    response = api.submit(key="k", **change)

    assert problem_of(response) == (422, "idempotency_key_reused")
    assert len(api.messages()) == 1


def test_the_order_of_fields_and_spelt_out_defaults_make_no_other_body(api: Api):
    api.submit(key="k")
    body = {**submission(), "size": "small", "timeoutSeconds": 3600}

    again = api.post("/jobs", json=dict(reversed(body.items())), headers={"Idempotency-Key": "k"})

    assert again.headers[REPLAYED] == "true"


def test_two_racing_requests_of_one_key_make_one_job(api: Api):
    first = api.submit(key="k")

    def not_seen_yet(operation: str, _arguments: object) -> None:
        if operation == "get_item":  # what the loser of the race reads
            api.seam.before = lambda *_: None
            raise JobNotFound("not there yet")

    api.seam.before = not_seen_yet

    second = api.submit(key="k")

    assert second.get_json() == first.get_json()
    assert second.headers[REPLAYED] == "true"
    assert len(api.messages()) == 1


def test_a_create_whose_answer_was_lost_and_that_the_sdk_sent_again_is_a_first_answer(api: Api):
    sent: list[object] = []

    def lost_once(operation: str, arguments: dict[str, object]) -> None:
        if operation == "transact_write_items" and not sent:
            sent.append(arguments)
            api.dynamodb.transact_write_items(**arguments)  # type: ignore[arg-type]  # the first sending, which nobody heard of

    api.seam.before = lost_once

    response = api.submit(key="k")

    assert (response.status_code, response.headers.get(REPLAYED)) == (202, None)
    assert len(api.messages()) == 1


def test_after_an_answer_that_never_came_the_same_request_finds_its_job(api: Api):
    api.seam.fail_after("transact_write_items", no_answer())
    assert api.submit(key="k").status_code == 503

    response = api.submit(key="k")

    assert (response.status_code, response.headers[REPLAYED]) == (202, "true")


def test_a_job_that_was_there_and_is_gone_again_is_a_matter_of_trying_again(api: Api):
    def refuses(operation: str, _arguments: object) -> None:
        if operation == "transact_write_items":
            reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]
            raise aws_error("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)

    api.seam.before = refuses

    assert problem_of(api.submit(key="k")) == (503, "job_store_unavailable")


def test_without_a_key_each_request_makes_a_job(api: Api):
    assert api.submit().get_json()["jobId"] != api.submit().get_json()["jobId"]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "caf\xe9", "a\tb"], ids=repr)
def test_a_key_that_is_none_is_refused(api: Api, key: str):
    response = api.submit(key=key)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == ["/header/Idempotency-Key"]


@pytest.mark.parametrize("key", ["!", "~" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'], ids=repr)
def test_any_visible_characters_are_a_key(api: Api, key: str):
    assert api.submit(key=key).status_code == 202


def test_owners_do_not_share_their_keys():
    ids = {keyed_job_id(owner, key) for owner, key in [("a", "b"), ("a", "c"), ("ab", ""), ("b", "a")]}

    assert len(ids) == 4
