"""The internal endpoint: who may report, and what comes of it."""

import json

import pytest

from shared.models import Job
from shared.signatures import callback_key, sign
from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job, job_id, starting_job, submitted_job, tracking_job
from tests.fakes.seam import no_connection
from tests.unit.api.service import MASTER_KEY, Api, pointers_of, problem_of

PATH = f"/internal/jobs/{job_id()}/status"
BODY = b'{"status": "SUCCEEDED", "attempt": 1}'
AT = {status: job for job in (submitted_job(), tracking_job()) for status in [job.status]} | {
    status: ended_job(status) for status in (JobStatus.SUCCEEDED, JobStatus.FAILED)
}
# Written by hand: from each status to each; 200 for a move, or for progress.
PAIRS = {
    "SUBMITTED": {"SUBMITTED": 400, "RUNNING": 200, "SUCCEEDED": 400, "FAILED": 400},
    "RUNNING": {"SUBMITTED": 400, "RUNNING": 200, "SUCCEEDED": 200, "FAILED": 200},
    "SUCCEEDED": {"SUBMITTED": 400, "RUNNING": 400, "SUCCEEDED": 400, "FAILED": 400},
    "FAILED": {"SUBMITTED": 400, "RUNNING": 400, "SUCCEEDED": 400, "FAILED": 400},
}


@pytest.mark.parametrize(("current", "target"), [(current, target) for current in PAIRS for target in PAIRS])
def test_every_pair_of_statuses_is_answered_as_the_table_of_moves_says(api: Api, current: str, target: str):
    job = api.put(AT[JobStatus(current)])

    response = api.report(job, target, job.attempt)

    assert response.status_code == PAIRS[current][target]
    if response.status_code == 200:
        assert api.stored(job.job_id).status == target == response.get_json()["status"]
    else:
        assert problem_of(response) == (400, "invalid_transition")
        assert api.stored(job.job_id) == job


def test_the_answer_is_the_job_as_it_now_stands(api: Api):
    job = api.put(tracking_job())
    api.clock.forward(10)

    record = api.report(job, "SUCCEEDED", 1, statusMessage="Wrote 12 files.").get_json()

    assert record == api.get(f"/jobs/{job.job_id}").get_json()
    assert (record["statusMessage"], record["finishedAt"]) == ("Wrote 12 files.", "2026-11-23T12:00:10.000Z")


def test_a_report_whose_answer_was_lost_may_be_sent_again(api: Api):
    job = api.put(tracking_job())
    first = api.report(job, "FAILED", 1, statusMessage="AnalysisException")
    writes = api.writes()

    again = api.report(job, "FAILED", 1, statusMessage="AnalysisException")

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert api.writes() - writes == 1  # the memory of the message, not the job


def test_another_attempt_may_sign_but_is_not_heard(api: Api):
    job = api.put(tracking_job(attempt=2))

    assert problem_of(api.report(job, "SUCCEEDED", 1)) == (400, "report_refused")


def test_a_job_that_is_not_there_is_not_found_by_whoever_has_its_key(api: Api):
    assert problem_of(api.report(submitted_job(), "RUNNING")) == (404, "job_not_found")


def sent(api: Api, body: bytes = BODY, attempt: int = 1, **headers: str | None):
    """A message with some headers of the signature replaced, or taken away."""
    signed = {**api.signature(job_id(), attempt, body), **{n.replace("_", "-"): v for n, v in headers.items()}}
    return api.post(PATH, data=body, headers={name: value for name, value in signed.items() if value is not None})


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_signature": None},
        {"webhook_id": None},
        {"webhook_timestamp": None},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1," + "A" * 44},
        {"webhook_signature": "v2,AAAA v1a,BBBB caf\xe9"},
        {"webhook_id": "another"},
        {"webhook_id": "a b"},
        {"webhook_id": "x" * 129},
        {"webhook_timestamp": "1"},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "1e9"},
        {"webhook_timestamp": "\xb2\xb2"},
    ],
    ids=str,
)
def test_a_message_that_is_not_signed_is_refused_before_anything_is_read(api: Api, headers: dict[str, str | None]):
    assert problem_of(sent(api, **headers)) == (401, "bad_signature")
    assert api.seam.calls == []


@pytest.mark.parametrize(
    ("claimed", "signed_by"), [(1, 0), (1, 2), (0, 1), (None, 1), (1.0, 0), (True, 0), ("1", 1), ([], 1)]
)
def test_an_attempt_cannot_speak_for_another(api: Api, claimed: object, signed_by: int):
    api.put(tracking_job())
    body = json.dumps({"status": "SUCCEEDED", "attempt": claimed}).encode()

    response = sent(api, body, attempt=signed_by)

    assert response.status_code in (401, 422)
    assert api.stored(job_id()).status is JobStatus.RUNNING


def test_an_attempt_named_twice_counts_as_neither(api: Api):
    api.put(tracking_job())
    body = b'{"status": "SUCCEEDED", "attempt": 1, "attempt": 0}'

    for signed_by in (0, 1):
        assert sent(api, body, attempt=signed_by).status_code in (400, 401)
    assert api.stored(job_id()).status is JobStatus.RUNNING


def test_the_key_of_one_job_is_none_for_another(api: Api):
    signature = api.signature(job_id(2), 1, BODY)

    assert problem_of(api.post(PATH, data=BODY, headers=signature)) == (401, "bad_signature")


@pytest.mark.parametrize(("age_seconds", "status"), [(301, 401), (300, 200), (0, 200), (-300, 200), (-301, 401)])
def test_a_signature_is_good_for_five_minutes_either_way(api: Api, age_seconds: int, status: int):
    api.put(tracking_job())

    response = api.post(PATH, data=BODY, headers=api.signature(job_id(), 1, BODY, age_seconds))

    assert response.status_code == status


def test_a_report_is_kept_and_repeated_without_its_secrets(api: Api):
    job = api.put(tracking_job())
    said = {"statusMessage": "No rights for ann@example.com", "exceptions": "ValueError: Bearer abc.def"}

    first, again = (api.report(job, "FAILED", 1, failureReason="INVALID_INPUT", **said) for _ in range(2))

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert first.get_json()["attempts"][0]["failure"]["exception"] == "ValueError: Bearer ***"
    assert "ann@" not in first.text


def test_a_message_is_remembered_without_its_text(api: Api):
    api.put(tracking_job())
    timestamp = int(api.clock().timestamp())
    signature = sign(callback_key(MASTER_KEY, job_id(), 1), "ann@example.com", timestamp, BODY)
    headers = {"webhook-id": "ann@example.com", "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    headers["Content-Type"] = "application/json"

    statuses = [api.post(PATH, data=BODY, headers=headers).status_code for _ in range(2)]

    assert statuses == [200, 401]
    assert "ann@" not in str(api.dynamodb.tables)


def test_a_message_is_taken_once(api: Api):
    api.put(tracking_job())
    signature = api.signature(job_id(), 1, BODY)
    assert api.post(PATH, data=BODY, headers=signature).status_code == 200

    again = api.post(PATH, data=BODY, headers=signature)

    assert problem_of(again) == (401, "message_already_seen")


def test_an_unsigned_message_uses_up_no_id(api: Api):
    api.put(tracking_job())
    signature = api.signature(job_id(), 1, BODY)
    api.post(PATH, data=BODY, headers={**signature, "webhook-signature": "v1,AAAA"})

    assert api.post(PATH, data=BODY, headers=signature).status_code == 200


def test_one_attempts_ids_are_not_anothers(api: Api):
    for number in (1, 2):
        job = api.put(tracking_job(number=number))
        timestamp = int(api.clock().timestamp())
        signature = sign(callback_key(MASTER_KEY, job.job_id, 1), "same-id", timestamp, BODY)
        headers = {"webhook-id": "same-id", "webhook-timestamp": str(timestamp), "webhook-signature": signature}
        headers["Content-Type"] = "application/json"

        assert api.post(api.report_path(job), data=BODY, headers=headers).status_code == 200


def test_while_a_key_is_replaced_one_of_two_signatures_is_enough(api: Api):
    api.put(tracking_job())
    signature = api.signature(job_id(), 1, BODY)

    both = {**signature, "webhook-signature": f"v1,AAAA {signature['webhook-signature']}"}

    assert api.post(PATH, data=BODY, headers=both).status_code == 200


@pytest.mark.parametrize(
    ("master_keys", "status"),
    [(("new" * 12, MASTER_KEY), 200), ((MASTER_KEY, "new" * 12), 200), (("new" * 12,), 401)],
    ids=["the old one still counts", "the new one counts already", "the old one was dropped"],
)
def test_while_master_keys_rotate_attempts_of_either_are_heard(master_keys: tuple[str, ...], status: int):
    api = Api(callback_signing_keys=master_keys)

    assert api.report(api.put(tracking_job()), "SUCCEEDED", 1).status_code == status


def test_without_a_master_key_nothing_is_let_through():
    api = Api(callback_signing_keys=())
    forged = sign(callback_key("", job_id(), 1), "id", int(api.clock().timestamp()), BODY)
    headers = {"webhook-id": "id", "webhook-timestamp": str(int(api.clock().timestamp())), "webhook-signature": forged}

    for given in ({**headers, "Content-Type": "application/json"}, {}):
        assert problem_of(api.post(PATH, data=BODY, headers=given)) == (401, "bad_signature")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "DONE", "attempt": 1}, "/status"),
        ({"attempt": 1}, "/status"),
        ({"status": "RUNNING", "attempt": 1, "x": 1}, "/x"),
        ({"status": "RUNNING", "attempt": -1}, "/attempt"),
        ({"status": "RUNNING", "statusMessage": "x" * 1025}, "/statusMessage"),
        ({"status": "FAILED", "failureReason": "BAD_LUCK"}, "/failureReason"),
        ({"status": "FAILED", "exceptions": ""}, "/exceptions"),
        ({"status": "FAILED", "exceptions": "x" * 4097}, "/exceptions"),
        ({"status": "SUCCEEDED", "manifestSha256": "AB" * 32}, "/manifestSha256"),
        ({"status": "RUNNING", "progress": {"stagesDone": 1}}, "/progress/stagesTotal"),
        ({"status": "RUNNING", "progress": {"stagesDone": -1, "stagesTotal": 1}}, "/progress/stagesDone"),
        ({"status": "RUNNING", "progress": {"stagesDone": 1.5, "stagesTotal": 2}}, "/progress/stagesDone"),
        ({"status": "RUNNING", "progress": {"stagesDone": 3, "stagesTotal": 2}}, "/progress/stagesDone"),
        ({"status": "RUNNING", "progress": [1, 2]}, "/progress"),
    ],
)
def test_a_signed_report_that_means_nothing_is_refused(api: Api, body: dict[str, object], pointer: str):
    response = sent(api, json.dumps(body).encode(), attempt=0)

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == [pointer]


def test_a_signed_body_that_cannot_be_read_is_refused_as_such(api: Api):
    assert problem_of(sent(api, b"{", attempt=0)) == (400, "malformed_request")
    assert problem_of(sent(api, BODY, attempt=0, Content_Type="text/plain")) == (415, "unsupported_media_type")
    assert problem_of(sent(api, b" " * 70_000, attempt=0)) == (413, "body_too_large")


@pytest.mark.parametrize("operation", ["put_item", "get_item", "transact_write_items"])
def test_a_silent_job_store_is_told_as_such(api: Api, operation: str):
    job = api.put(tracking_job())
    api.seam.fail_before(operation, no_connection())

    assert problem_of(api.report(job, "SUCCEEDED", 1)) == (503, "job_store_unavailable")


@pytest.mark.parametrize(("times", "status"), [(4, 200), (5, 503)])
def test_a_report_that_others_overtake_is_tried_five_times(api: Api, times: int, status: int):
    job, left = api.put(starting_job()), [times]

    def overtaken(operation: str, _arguments: object) -> None:
        if operation == "transact_write_items" and left[0] > 0:
            left[0] -= 1
            api.dynamodb.items(api.settings.jobs_table)[job.job_id]["rev"] = f"theirs-{left[0]}"

    api.seam.before = overtaken

    assert api.report(job, "SUCCEEDED", 1).status_code == status


def test_a_report_is_decided_anew_on_what_others_wrote(api: Api):
    job = api.put(tracking_job())

    def retried(operation: str, _arguments: object) -> None:
        if operation == "transact_write_items":
            api.put(next_attempt(job))

    api.seam.before = retried

    assert problem_of(api.report(job, "SUCCEEDED", 1)) == (400, "report_refused")


def next_attempt(job: Job) -> Job:
    """The job once a worker began another attempt."""
    return starting_job(attempt=job.attempt + 1, rev="a worker's")


def test_how_far_a_job_is_is_shown_while_it_runs(api: Api):
    job = api.put(tracking_job())
    api.clock.forward(10)

    told = api.report(job, "RUNNING", 1, progress={"stagesDone": 2, "stagesTotal": 7})

    progress = {"stagesDone": 2, "stagesTotal": 7, "at": "2026-11-23T12:00:10.000Z"}
    assert told.get_json()["progress"] == progress == api.get(f"/jobs/{job.job_id}").get_json()["progress"]
    summary = api.get(f"/jobs/{job.job_id}/explain").get_json()["summary"]
    assert summary == (
        "Attempt 1 is with EMR Serverless as run run-1; its program has done 2 of the 7 stages that Spark knows so far."
    )
    assert api.report(job, "SUCCEEDED", 1).get_json()["progress"] is None
