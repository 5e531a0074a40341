"""Datasets: registered, uploaded, completed or given up, and seen by whoever may."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.identity.callers import DATASETS_WRITE, JOBS_READ, OPS
from api.ids import keyed_dataset_id
from shared.datasets.datasets import joined_digest
from tests.fakes.jobs import job_id
from tests.fakes.s3 import checksum_of
from tests.fakes.seam import aws_error, no_connection
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import RAW, Api, pointers_of, problem_of

MIB = 1024**2
BYTES = b"carrier\nUA\n"
PARTS = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 7]
PART_DIGESTS = [hashlib.sha256(part).hexdigest() for part in PARTS]


def registration(**changes: Any) -> dict[str, Any]:
    """The body of a registration that is accepted; a change to None takes a field away."""
    body = {
        "fileName": "flights.csv",
        "sizeBytes": len(BYTES),
        "sha256": hashlib.sha256(BYTES).hexdigest(),
        "contentType": "text/csv",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def in_parts(**changes: Any) -> dict[str, Any]:
    """The body of the registration of a file in three parts."""
    digest = joined_digest([bytes.fromhex(each) for each in PART_DIGESTS])
    size_bytes = sum(map(len, PARTS))
    return registration(sizeBytes=size_bytes, sha256=digest, partSizeBytes=5 * MIB, **changes)


def register(api: Api, body: dict[str, Any] | None = None, key: str | None = None, **options: Any) -> TestResponse:
    """Register a dataset, by an Idempotency-Key or without."""
    headers = {**options.pop("headers", {}), **({"Idempotency-Key": key} if key else {})}
    return api.post("/datasets", json=body or registration(), headers=headers)


def registered(api: Api, **changes: Any) -> dict[str, Any]:
    """The record of a dataset that was just registered."""
    response = register(api, registration(**changes))
    assert response.status_code == 201, response.text
    record: dict[str, Any] = response.get_json()
    return record


def upload(api: Api, record: dict[str, Any], body: bytes = BYTES) -> None:
    """What a client does by the link, as S3 would take it."""
    checksum = checksum_of(body)
    api.s3.put(RAW, f"uploads/{record['datasetId']}/{record['fileName']}", body, checksum, "state=pending")


def upload_parts(api: Api, record: dict[str, Any], *numbers: int) -> None:
    """What a client does by the links to parts."""
    wanted = [{"number": number, "sha256": PART_DIGESTS[number - 1]} for number in numbers]
    assert api.post(record["links"]["parts"], json={"parts": wanted}).status_code == 200
    (upload_id,) = api.s3.uploads
    for number in numbers:
        api.s3.put_part(upload_id, number, PARTS[number - 1])


def used(api: Api, name: str) -> int:
    """How much of a quota is used."""
    (found,) = [row["used"] for row in api.get("/quota").get_json()["items"] if row["name"] == name]
    return int(found)


def test_a_registration_answers_with_a_link_that_fixes_all_that_s3_can_check(api: Api):
    response = register(api)

    record = response.get_json()
    key = f"uploads/{record['datasetId']}/flights.csv"
    assert (response.status_code, response.headers["Location"]) == (201, f"/datasets/{record['datasetId']}")
    assert (record["status"], record["uri"], record["owner"]) == ("REGISTERED", f"s3://{RAW}/{key}", "local")
    assert record["reference"] == f"dataset:{record['datasetId']}"
    assert record["upload"]["headers"] == {
        "Content-Length": "11",
        "Content-Type": "text/csv",
        "If-None-Match": "*",
        "x-amz-checksum-sha256": checksum_of(BYTES),
        "x-amz-tagging": "state=pending",
    }
    assert (record["upload"]["method"], record["upload"]["expiresAt"]) == ("PUT", record["expiresAt"])
    assert api.s3.signed == [
        {
            "operation": "put_object",
            "Bucket": RAW,
            "Key": key,
            "ContentLength": 11,
            "ContentType": "text/csv",
            "ChecksumSHA256": checksum_of(BYTES),
            "IfNoneMatch": "*",
            "Tagging": "state=pending",
        }
    ]
    assert "head_object" not in api.seam.calls


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"fileName": "../flights.csv"}, "/fileName"),
        ({"fileName": ".hidden"}, "/fileName"),
        ({"fileName": "a/b.csv"}, "/fileName"),
        ({"fileName": "a b.csv"}, "/fileName"),
        ({"fileName": "a" * 201}, "/fileName"),
        ({"fileName": "a.csv\n"}, "/fileName"),
        ({"fileName": None}, "/fileName"),
        ({"sizeBytes": 0}, "/sizeBytes"),
        ({"sizeBytes": "11"}, "/sizeBytes"),
        ({"sizeBytes": 11.5}, "/sizeBytes"),
        ({"sizeBytes": 1001, "partSizeBytes": 5 * MIB}, "/sizeBytes"),
        ({"sha256": "ab"}, "/sha256"),
        ({"sha256": "AB" * 32}, "/sha256"),
        ({"contentType": "csv"}, "/contentType"),
        ({"contentType": "text/csv\r\nx: y"}, "/contentType"),
        ({"tags": {"team": 1}}, "/tags/team"),
        ({"partSizeBytes": 5 * MIB - 1}, "/partSizeBytes"),
        ({"sizeBytes": 101}, "/partSizeBytes"),
        ({"datasetType": "secret"}, "/datasetType"),
        ({"datasetType": ""}, "/datasetType"),
        ({"key": "mine"}, "/key"),
    ],
)
def test_a_registration_that_cannot_be_is_refused_with_where_and_why(changes: dict[str, Any], pointer: str):
    api = Api(max_upload_bytes=1000, max_single_upload_bytes=100)

    response = register(api, registration(**changes))

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), [pointer])
    assert api.writes() == 0


@pytest.mark.parametrize(("size_bytes", "status"), [(5000 * MIB, 201), (5000 * MIB + 1, 422)])
def test_a_file_has_a_thousand_parts_at_most(api: Api, size_bytes: int, status: int):
    response = register(api, registration(sizeBytes=size_bytes, partSizeBytes=5 * MIB))

    assert response.status_code == status
    assert "5242881 bytes" in response.text or status == 201


@pytest.mark.parametrize(("size_bytes", "status"), [(11, 201), (12, 422)])
def test_what_is_more_than_a_day_allows_is_not_to_be_waited_for(size_bytes: int, status: int):
    response = register(Api(quota_upload_bytes_per_day=11), registration(sizeBytes=size_bytes))

    assert response.status_code == status


def test_one_key_and_one_body_register_one_dataset(api: Api):
    first, second = register(api, key="k"), register(api, key="k")

    assert first.get_json() == second.get_json()
    assert first.get_json()["datasetId"] == keyed_dataset_id("local", "k")
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (False, "true")
    assert used(api, "openUploads") == 1


def test_a_replayed_registration_tells_where_the_dataset_is_now(api: Api):
    record = register(api, key="k").get_json()
    upload(api, record)
    api.post(record["links"]["complete"])

    replayed = register(api, key="k").get_json()

    assert (replayed["status"], replayed["upload"]) == ("READY", None)


def test_a_key_that_was_used_for_another_file_is_refused(api: Api):
    register(api, key="k")

    assert problem_of(register(api, registration(fileName="b.csv"), key="k")) == (422, "idempotency_key_reused")


def test_a_key_that_was_used_meanwhile_gives_what_it_made_then(api: Api):
    record = register(api, key="k").get_json()
    item = api.dynamodb.items(api.settings.datasets_table).pop(record["datasetId"])

    def put_back(operation: str, arguments: dict[str, Any]) -> None:
        if operation == "transact_write_items":
            api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]] = item

    api.seam.before = put_back
    response = register(api, key="k")

    assert (response.status_code, response.headers["Idempotency-Replayed"]) == (201, "true")


def test_the_quotas_refuse_what_goes_beyond_them_and_say_which(api: Api):
    api = Api(quota_open_uploads=1)
    registered(api)

    response = register(api)

    assert problem_of(response) == (429, "quota_exceeded")
    assert response.get_json()["quota"] == {"name": "openUploads", "limit": 1, "used": 1}


def test_the_bytes_of_a_day_are_counted_and_begin_anew_the_next_day():
    api = Api(quota_upload_bytes_per_day=21)
    registered(api)

    refused = register(api)
    api.clock.forward(86_400)
    next_day = register(api)

    assert (problem_of(refused), refused.get_json()["quota"]["name"]) == ((429, "quota_exceeded"), "uploadBytesToday")
    assert int(refused.headers["Retry-After"]) == 12 * 3600
    assert next_day.status_code == 201


def test_an_expired_registration_holds_no_slot():
    api = Api(quota_open_uploads=1)
    record = registered(api)
    api.clock.forward(api.settings.upload_seconds)

    shown = api.get(record["links"]["self"]).get_json()

    assert (shown["status"], shown["upload"]) == ("EXPIRED", None)
    assert register(api).status_code == 201


def test_a_completed_dataset_is_ready_for_ever_and_holds_no_slot(api: Api):
    record = registered(api)
    upload(api, record)

    first = api.post(record["links"]["complete"])
    api.clock.forward(86_400)
    again = api.post(record["links"]["complete"])

    assert first.status_code == again.status_code == 200
    assert first.get_json() == again.get_json()
    assert (first.get_json()["status"], first.get_json()["versionId"]) == ("READY", "v1")
    assert api.seam.calls.count("head_object") == 1
    assert (used(api, "openUploads"), api.get(record["links"]["self"]).get_json()) == (0, first.get_json())


def test_nothing_uploaded_cannot_be_completed(api: Api):
    record = registered(api)

    assert problem_of(api.post(record["links"]["complete"])) == (409, "upload_missing")
    assert used(api, "openUploads") == 1


@pytest.mark.parametrize(
    ("body", "wrong"), [(b"carrier\nUB\n", {"checksumSha256"}), (b"carrier\n", {"sizeBytes", "checksumSha256"})]
)
def test_other_bytes_than_were_registered_cannot_be_completed(api: Api, body: bytes, wrong: set[str]):
    record = registered(api)
    upload(api, record, body)

    response = api.post(record["links"]["complete"])

    problem = response.get_json()
    assert problem_of(response) == (409, "upload_mismatch")
    assert {name for name in problem["found"] if problem["found"][name] != problem["expected"][name]} == wrong
    assert problem["found"] == {"sizeBytes": len(body), "checksumSha256": checksum_of(body)}


def test_bytes_without_a_checksum_are_not_believed(api: Api):
    record = registered(api)
    api.s3.put(RAW, f"uploads/{record['datasetId']}/flights.csv", BYTES)

    response = api.post(record["links"]["complete"])

    assert (problem_of(response), response.get_json()["found"]["checksumSha256"]) == ((409, "upload_mismatch"), None)


def test_what_was_uploaded_in_time_can_be_completed_later():
    api = Api(quota_open_uploads=1)
    record = registered(api)
    upload(api, record)
    api.clock.forward(api.settings.upload_seconds)
    registered(api)  # takes the slot

    assert api.post(record["links"]["complete"]).get_json()["status"] == "READY"
    assert used(api, "openUploads") == 1


def test_a_dataset_is_completed_although_its_owners_counts_are_gone(api: Api):
    record = registered(api)
    upload(api, record)
    api.dynamodb.items(api.settings.control_table).clear()

    assert api.post(record["links"]["complete"]).get_json()["status"] == "READY"


def test_a_dataset_that_was_given_up_holds_no_slot_and_stays_so(api: Api):
    record = registered(api)

    first, again = (api.post(record["links"]["abandon"]) for _ in range(2))
    upload(api, record)
    completed = api.post(record["links"]["complete"])

    assert (first.status_code, first.get_json(), first.get_json()["status"]) == (200, again.get_json(), "ABANDONED")
    assert (first.get_json()["upload"], used(api, "openUploads")) == (None, 0)
    assert problem_of(completed) == (409, "upload_closed")


def test_a_ready_dataset_cannot_be_given_up(api: Api):
    record = registered(api)
    upload(api, record)
    api.post(record["links"]["complete"])

    assert problem_of(api.post(record["links"]["abandon"])) == (409, "upload_closed")


@pytest.mark.parametrize(("first", "second"), [("abandon", "complete"), ("complete", "abandon")])
def test_of_giving_up_and_completing_at_once_the_first_stands(api: Api, first: str, second: str):
    record = registered(api)
    upload(api, record)
    table = api.dynamodb.items(api.settings.datasets_table)
    as_it_was = dict(table[record["datasetId"]])
    api.post(record["links"][first])
    as_it_is = table[record["datasetId"]]
    api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]] = as_it_was

    def put_back(operation: str, arguments: dict[str, Any]) -> None:
        if operation == "transact_write_items":
            api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]] = as_it_is

    api.seam.before = put_back
    response = api.post(record["links"][second])

    assert problem_of(response) == (409, "upload_closed")
    assert api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]] == as_it_is


def test_a_file_in_parts_is_uploaded_by_links_to_each_and_then_one_object(api: Api):
    record = register(api, in_parts()).get_json()
    upload_parts(api, record, 1, 3)
    upload_parts(api, record, 2)

    done = api.post(record["links"]["complete"]).get_json()

    assert record["upload"] == {
        "kind": "multipart",
        "method": None,
        "url": None,
        "headers": None,
        "expiresAt": record["expiresAt"],
    }
    assert (record["partCount"], record["expiresAt"]) == (3, "2026-11-24T12:00:00.000Z")
    assert (done["status"], used(api, "openUploads"), api.s3.uploads) == ("READY", 0, {})
    assert api.s3.objects[RAW, f"uploads/{record['datasetId']}/flights.csv"] == b"".join(PARTS)


def test_the_link_to_a_part_fixes_its_size_and_its_checksum(api: Api):
    record = register(api, in_parts()).get_json()

    (part,) = api.post(record["links"]["parts"], json={"parts": [{"number": 3, "sha256": PART_DIGESTS[2]}]}).get_json()[
        "parts"
    ]

    assert part["headers"] == {"Content-Length": "7", "x-amz-checksum-sha256": checksum_of(PARTS[2])}
    assert (part["number"], part["method"], part["expiresAt"]) == (3, "PUT", "2026-11-23T13:00:00.000Z")
    assert api.s3.signed[-1] == {
        "operation": "upload_part",
        "Bucket": RAW,
        "Key": f"uploads/{record['datasetId']}/flights.csv",
        "UploadId": "upload-1",
        "PartNumber": 3,
        "ContentLength": 7,
        "ChecksumSHA256": checksum_of(PARTS[2]),
    }


def test_completing_too_early_says_which_parts_are_missing(api: Api):
    record = register(api, in_parts()).get_json()

    before_any = api.post(record["links"]["complete"])
    upload_parts(api, record, 2)
    after_one = api.post(record["links"]["complete"])

    assert problem_of(before_any) == problem_of(after_one) == (409, "upload_missing")
    assert before_any.get_json()["missingParts"] == [1, 2, 3]
    assert after_one.get_json()["missingParts"] == [1, 3]


@pytest.mark.parametrize(
    ("body", "found"), [(b"x" * 7, "checksumSha256"), (b"x" * 8, "sizeBytes")], ids=["other bytes", "other size"]
)
def test_a_wrong_part_can_be_uploaded_again(api: Api, body: bytes, found: str):
    record = register(api, in_parts()).get_json()
    upload_parts(api, record, 1, 2, 3)
    (upload_id,) = api.s3.uploads
    api.s3.put_part(upload_id, 3, body)

    wrong = api.post(record["links"]["complete"])
    upload_parts(api, record, 3)
    right = api.post(record["links"]["complete"])

    assert problem_of(wrong) == (409, "upload_mismatch")
    assert found in wrong.get_json()["found"]
    assert right.status_code == 200


def test_a_completion_that_died_after_the_parts_were_joined_can_be_repeated(api: Api):
    record = register(api, in_parts()).get_json()
    upload_parts(api, record, 1, 2, 3)
    api.seam.fail_before("head_object", no_connection())

    broken = api.post(record["links"]["complete"])
    again = api.post(record["links"]["complete"])

    assert problem_of(broken) == (503, "object_store_unavailable")
    assert (again.status_code, again.get_json()["status"]) == (200, "READY")


def test_parts_that_another_completion_joined_meanwhile_are_found_joined(api: Api):
    record = register(api, in_parts()).get_json()
    upload_parts(api, record, 1, 2, 3)
    other = next(iter(api.s3.uploads))

    def join_first(operation: str, arguments: dict[str, Any]) -> None:
        if operation == "complete_multipart_upload":
            api.s3.complete_multipart_upload(**arguments)

    api.seam.before = join_first

    assert api.post(record["links"]["complete"]).get_json()["status"] == "READY"
    assert other not in api.s3.uploads


def test_of_two_uploads_in_parts_that_begin_at_once_the_first_is_used_by_both(api: Api):
    record = register(api, in_parts()).get_json()

    def begin_another(operation: str, arguments: dict[str, Any]) -> None:
        if operation == "update_item":
            item = api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]]
            item.setdefault("uploadId", "first")

    api.seam.before = begin_another
    response = api.post(record["links"]["parts"], json={"parts": [{"number": 1, "sha256": PART_DIGESTS[0]}]})

    assert response.status_code == 200
    assert api.s3.signed[-1]["UploadId"] == "first"


def test_parts_are_forgotten_with_the_dataset_that_is_given_up(api: Api):
    record = register(api, in_parts()).get_json()
    upload_parts(api, record, 1)

    response = api.post(record["links"]["abandon"])

    assert (response.status_code, api.s3.uploads) == (200, {})
    assert api.post(record["links"]["abandon"]).status_code == 200


@pytest.mark.parametrize("error", [no_connection(), aws_error("any", "AccessDenied", status=403)], ids=["away", "403"])
def test_a_dataset_is_given_up_although_s3_refuses_us(api: Api, error: Exception):
    record = register(api, in_parts()).get_json()
    upload_parts(api, record, 1)
    api.seam.fail_before("abort_multipart_upload", error)

    assert api.post(record["links"]["abandon"]).get_json()["status"] == "ABANDONED"


@pytest.mark.parametrize("end", ["abandon", "complete", "expire", "one request", "meanwhile"])
def test_links_to_parts_are_given_only_while_there_are_parts_to_upload(api: Api, end: str):
    record = register(api, registration() if end == "one request" else in_parts()).get_json()
    if end == "complete":
        upload_parts(api, record, 1, 2, 3)
    if end in ("abandon", "complete"):
        assert api.post(record["links"][end]).status_code == 200
    if end == "expire":
        api.clock.forward(api.settings.multipart_upload_seconds)

    def give_up(operation: str, arguments: dict[str, Any]) -> None:
        if operation == "update_item" and end == "meanwhile":
            api.dynamodb.items(api.settings.datasets_table)[record["datasetId"]]["abandonedAt"] = 1

    api.seam.before = give_up
    path = f"/datasets/{record['datasetId']}/parts"
    response = api.post(path, json={"parts": [{"number": 1, "sha256": PART_DIGESTS[0]}]})

    assert problem_of(response) == (409, "upload_closed")


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ([], "/parts"),
        ([{"number": 4, "sha256": PART_DIGESTS[0]}], "/parts/0/number"),
        ([{"number": 0, "sha256": PART_DIGESTS[0]}], "/parts/0/number"),
        ([{"number": 1}], "/parts/0/sha256"),
        ([{"number": 1, "sha256": PART_DIGESTS[0]}] * 101, "/parts"),
    ],
)
def test_links_to_parts_that_cannot_be_are_refused(api: Api, parts: list[Any], pointer: str):
    record = register(api, in_parts()).get_json()

    response = api.post(record["links"]["parts"], json={"parts": parts})

    assert (problem_of(response), pointers_of(response)) == ((422, "validation_failed"), [pointer])


def test_a_registered_dataset_gives_its_link_again_and_the_same_while_it_lasts(api: Api):
    record = registered(api)

    again = api.get(record["links"]["self"]).get_json()

    assert again == record
    assert len(api.s3.signed) == 1


def test_lists_show_an_owners_datasets_page_by_page_the_newest_first(api: Api):
    made = []
    for _ in range(5):
        made.append(registered(api)["datasetId"])
        api.clock.forward(1)

    shown, cursor = [], ""
    while cursor is not None:
        page = api.get("/datasets?limit=2" + (f"&cursor={cursor}" if cursor else "")).get_json()
        shown += [item["datasetId"] for item in page["items"]]
        assert all(item["upload"] is None for item in page["items"])
        cursor = page["nextCursor"]

    assert shown == made[::-1]


def test_a_cursor_of_jobs_leads_nowhere_among_datasets(api: Api):
    for _ in range(2):
        api.submit()
        registered(api)
        api.clock.forward(1)
    of_jobs = api.get("/jobs?limit=1").get_json()["nextCursor"]
    of_datasets = api.get("/datasets?limit=1").get_json()["nextCursor"]

    assert problem_of(api.get(f"/datasets?limit=1&cursor={of_jobs}")) == (400, "bad_cursor")
    assert problem_of(api.get(f"/jobs?limit=1&cursor={of_datasets}")) == (400, "bad_cursor")


def test_a_dataset_that_cannot_be_read_hides_no_other(api: Api):
    good, bad = registered(api), registered(api)
    api.dynamodb.items(api.settings.datasets_table)[bad["datasetId"]]["schemaVersion"] = 3

    shown = api.get("/datasets").get_json()["items"]

    assert [item["datasetId"] for item in shown] == [good["datasetId"]]
    assert problem_of(api.get(bad["links"]["self"])) == (500, "internal_error")


@pytest.mark.parametrize("path", ["", "/complete", "/abandon", "/parts"])
@pytest.mark.parametrize("dataset_id", [job_id(9), "nonsense"])
def test_a_dataset_that_was_never_registered_is_not_found(api: Api, path: str, dataset_id: str):
    body = {"parts": [{"number": 1, "sha256": PART_DIGESTS[0]}]} if path == "/parts" else None

    response = api.call("POST" if path else "GET", f"/datasets/{dataset_id}{path}", json=body)

    assert problem_of(response) == (404, "dataset_not_found")


def of(owner: str, *scopes: str) -> dict[str, str]:
    """The header of a caller with these scopes."""
    return bearer(token(sub=owner, scope=" ".join(scopes)))


def test_datasets_of_others_read_as_if_they_did_not_exist_but_to_operators():
    api = Api(callers())
    record = register(api, headers=of("ann", DATASETS_WRITE)).get_json()
    path = record["links"]["self"]

    of_bob = api.get(path, headers=of("bob", JOBS_READ, DATASETS_WRITE))
    of_operator = api.get(path, headers=of("olga", OPS))

    assert problem_of(of_bob) == (404, "dataset_not_found")
    assert problem_of(api.post(f"{path}/abandon", headers=of("bob", DATASETS_WRITE))) == (404, "dataset_not_found")
    assert of_operator.get_json()["owner"] == "ann"
    assert api.get("/datasets", headers=of("bob", JOBS_READ)).get_json()["items"] == []
    assert len(api.get("/datasets?owner=ann", headers=of("olga", OPS)).get_json()["items"]) == 1
    assert problem_of(api.get("/datasets?owner=ann", headers=of("bob", JOBS_READ))) == (403, "insufficient_scope")


def test_whoever_may_only_read_gets_no_link_to_write():
    api = Api(callers())
    record = register(api, headers=of("ann", DATASETS_WRITE)).get_json()

    shown = api.get(record["links"]["self"], headers=of("ann", JOBS_READ)).get_json()

    assert (shown["status"], shown["upload"]) == ("REGISTERED", None)


def test_a_registration_that_can_have_no_link_now_takes_no_slot():
    api = Api(links_per_owner=1)
    registered(api)

    refused = register(api)
    in_use = used(api, "openUploads")
    api.clock.forward(timedelta(minutes=15).total_seconds())

    assert (problem_of(refused), in_use) == ((429, "too_many_links"), 1)
    assert (refused.get_json()["links"], refused.headers["Retry-After"]) == ({"limit": 1, "made": 1}, "900")
    assert register(api).status_code == 201


@pytest.mark.parametrize("operation", ["transact_write_items", "get_item"])
def test_without_dynamodb_nothing_is_promised(api: Api, operation: str):
    record = registered(api)
    upload(api, record)
    api.seam.fail_before(operation, no_connection())

    assert problem_of(api.post(record["links"]["complete"])) == (503, "job_store_unavailable")
    assert api.post(record["links"]["complete"]).status_code == 200


def test_counts_that_others_change_all_the_time_are_given_up_after_some_tries(api: Api):
    registered(api)

    def begin_another_day(operation: str, arguments: dict[str, Any]) -> None:
        if operation == "transact_write_items":
            for item in api.dynamodb.items(api.settings.control_table).values():
                item["day"] = "2000-01-01"

    api.seam.before = begin_another_day

    assert problem_of(register(api)) == (503, "job_store_unavailable")


@pytest.mark.parametrize("error", [no_connection(), aws_error("any", "AccessDenied", status=403)], ids=["away", "403"])
@pytest.mark.parametrize(
    "operation", ["head_object", "create_multipart_upload", "list_parts", "complete_multipart_upload"]
)
def test_while_s3_refuses_us_nothing_is_said_of_an_upload(api: Api, operation: str, error: Exception):
    record = register(api, registration() if operation == "head_object" else in_parts()).get_json()
    path, body = record["links"]["complete"], None
    if operation == "create_multipart_upload":
        path, body = record["links"]["parts"], {"parts": [{"number": 1, "sha256": PART_DIGESTS[0]}]}
    elif operation != "head_object":
        upload_parts(api, record, 1, 2, 3)
    api.seam.fail_before(operation, error)

    refused, again = (api.post(path, json=body) for _ in range(2))

    assert problem_of(refused) == (503, "object_store_unavailable")
    assert again.status_code in (200, 409)
