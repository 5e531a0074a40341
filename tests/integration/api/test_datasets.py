"""Datasets over HTTP: uploaded to S3 by their links, completed, and counted exactly."""

import hashlib
import json
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cli.client import ApiClient
from cli.file_parts import read_parts
from cli.uploading import register, registration_of, send_parts
from shared.datasets.datasets import joined_digest
from shared.job_store import JobStore
from tests.integration.api.conftest import OWN, Start
from tests.integration.api.server import Server

MIB = 1024**2
PARTS = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 7]


def digest(body: bytes) -> str:
    """A SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def registration(body: bytes, **changes: Any) -> dict[str, Any]:
    """The registration of a file."""
    return {
        "fileName": "flights.csv",
        "sizeBytes": len(body),
        "sha256": digest(body),
        "contentType": "text/csv",
        **changes,
    }


def registered(server: Server, body: bytes, **changes: Any) -> dict[str, Any]:
    """The record of a dataset that was just registered."""
    response = server.post("/datasets", json=registration(body, **changes))
    assert response.status_code == 201, response.text
    record: dict[str, Any] = response.json()
    return record


def send(upload: dict[str, Any], body: bytes, **headers: str) -> requests.Response:
    """Send bytes as a link says, but for the length, which is theirs."""
    told = {**upload["headers"], **headers}
    told.pop("Content-Length")
    return requests.request(upload["method"], upload["url"], data=body, headers=told, timeout=30)


def used(server: Server, name: str) -> int:
    """How much of a quota is used."""
    (row,) = [row for row in server.get("/quota").json()["items"] if row["name"] == name]
    return int(row["used"])


def fresh_body() -> bytes:
    """Bytes that no other test uploads."""
    return f"carrier\n{uuid.uuid4()}\n".encode()


def test_a_file_is_uploaded_once_by_its_link_and_completed(server: Server):
    body = fresh_body()
    record = registered(server, body)

    too_early = server.post(record["links"]["complete"])
    first, second = (send(record["upload"], body) for _ in range(2))
    done, again = (server.post(record["links"]["complete"]) for _ in range(2))

    assert (too_early.status_code, too_early.json()["code"]) == (409, "upload_missing")
    assert (first.status_code, second.status_code) == (200, 412)
    assert (done.status_code, done.json()["status"], done.json()) == (200, "READY", again.json())
    assert done.json()["versionId"] == first.headers["x-amz-version-id"]
    assert server.get(record["links"]["self"]).json() == done.json()
    assert record["datasetId"] in [item["datasetId"] for item in server.get("/datasets").json()["items"]]


def test_s3_takes_no_other_bytes_by_a_link(server: Server):
    body = fresh_body()
    record = registered(server, body)

    refused = send(record["upload"], body[:-1] + b"x")

    assert (refused.status_code, "BadDigest" in refused.text) == (400, True)
    assert server.post(record["links"]["complete"]).json()["code"] == "upload_missing"


def key_of(record: dict[str, Any]) -> str:
    """Where a dataset lies in the raw bucket."""
    return str(record["uri"]).removeprefix(f"s3://{OWN['RAW_BUCKET']}/")


def test_a_link_is_good_for_nothing_without_its_headers(server: Server):
    body = fresh_body()
    record = registered(server, body)

    for name in ("Content-Type", "If-None-Match", "x-amz-checksum-sha256", "x-amz-tagging"):
        headers = {each: value for each, value in record["upload"]["headers"].items() if each != name}
        answer = requests.put(record["upload"]["url"], data=body, headers=headers, timeout=30)
        assert answer.status_code == 403, name
    assert server.post(record["links"]["complete"]).json()["code"] == "upload_missing"


def test_an_object_that_is_not_what_was_registered_is_not_believed(server: Server, aws: Any):
    body = fresh_body()
    record = registered(server, body)
    aws("s3").put_object(Bucket=OWN["RAW_BUCKET"], Key=key_of(record), Body=body + b"more", IfNoneMatch="*")

    response = server.post(record["links"]["complete"])

    problem = response.json()
    assert (response.status_code, problem["code"]) == (409, "upload_mismatch")
    assert (problem["expected"]["sizeBytes"], problem["found"]["sizeBytes"]) == (len(body), len(body) + 4)


def test_a_file_in_three_parts_is_uploaded_and_completed(server: Server):
    sha256 = joined_digest([hashlib.sha256(part).digest() for part in PARTS])
    record = registered(server, b"".join(PARTS), sha256=sha256, partSizeBytes=5 * MIB)
    wanted = [{"number": number, "sha256": digest(part)} for number, part in enumerate(PARTS, 1)]
    links = server.post(record["links"]["parts"], json={"parts": wanted}).json()["parts"]

    sent = [send(links[place], PARTS[place]).status_code for place in (2, 0)]
    too_early = server.post(record["links"]["complete"]).json()
    sent.append(send(links[1], PARTS[1]).status_code)
    done, again = (server.post(record["links"]["complete"]) for _ in range(2))

    assert (sent, too_early["missingParts"]) == ([200, 200, 200], [2])
    assert (done.status_code, done.json()["status"], done.json()) == (200, "READY", again.json())
    assert done.json()["etag"].endswith('-3"')


def test_the_parts_of_a_file_that_was_given_up_are_forgotten(server: Server, aws: Any):
    record = registered(server, b"".join(PARTS), partSizeBytes=5 * MIB)
    wanted = [{"number": 1, "sha256": digest(PARTS[0])}]
    (link,) = server.post(record["links"]["parts"], json={"parts": wanted}).json()["parts"]
    assert send(link, PARTS[0]).status_code == 200

    given_up = server.post(f"/datasets/{record['datasetId']}/abandon")

    open_uploads = aws("s3").list_multipart_uploads(Bucket=OWN["RAW_BUCKET"]).get("Uploads", [])
    assert given_up.status_code == 200
    assert not [upload for upload in open_uploads if record["datasetId"] in upload["Key"]]


def test_one_key_registers_one_dataset_however_many_ask_at_once(server: Server):
    body, headers = registration(fresh_body()), {"Idempotency-Key": str(uuid.uuid4())}
    before = used(server, "openUploads")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.post("/datasets", json=body, headers=headers), range(50)))

    records = [{**answer.json(), "upload": None} for answer in answers]
    assert {answer.status_code for answer in answers} == {201}
    assert all(record == records[0] for record in records)
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert used(server, "openUploads") == before + 1


@pytest.fixture
def tables(aws: Any) -> dict[str, str]:
    """Tables of one test, so that its owner has used nothing."""
    client, names = aws("dynamodb"), {}
    for variable in ("DATASETS_TABLE", "CONTROL_TABLE"):
        model = client.describe_table(TableName=OWN[variable])["Table"]
        names[variable] = f"{OWN[variable]}-{uuid.uuid4().hex[:8]}"
        indexes = [
            {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
            for index in model.get("GlobalSecondaryIndexes", [])
        ]
        client.create_table(
            TableName=names[variable],
            KeySchema=model["KeySchema"],
            AttributeDefinitions=model["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
    return names


def test_of_fifty_registrations_at_once_twenty_get_the_slots_there_are(start: Start, tables: dict[str, str]):
    server = start(API_PROCESSES="2", QUOTA_OPEN_UPLOADS="20", **tables)
    bodies = [fresh_body() for _ in range(50)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: server.post("/datasets", json=registration(body)), bodies))

    accepted = [(body, answer.json()) for body, answer in zip(bodies, answers, strict=True) if answer.ok]
    refused = {(answer.status_code, answer.json()["code"]) for answer in answers if not answer.ok}
    assert (len(accepted), refused, used(server, "openUploads")) == (20, {(429, "quota_exceeded")}, 20)
    for body, record in accepted[:10]:
        assert send(record["upload"], body).status_code == 200
        assert server.post(record["links"]["complete"]).ok
    for _, record in accepted[10:]:
        assert server.post(record["links"]["abandon"]).ok
    assert used(server, "openUploads") == 0
    assert used(server, "uploadBytesToday") == sum(len(body) for body, _ in accepted)
    assert server.post("/datasets", json=registration(fresh_body())).status_code == 201


def test_no_link_is_ever_logged(start: Start, tmp_path: Path):
    server, body = start(LOG_LEVEL="DEBUG"), fresh_body()
    record = registered(server, body)
    send(record["upload"], body)
    server.post(record["links"]["complete"])
    server.get(f"/datasets/{record['datasetId']}?url={record['upload']['url']}")
    server.post("/datasets", json={**registration(body), "url": record["upload"]["url"]})

    server.stop()

    lines = json.dumps(server.lines())
    assert record["datasetId"] in lines
    assert "X-Amz-Signature" not in lines


def test_cdp_uploads_a_file_once_and_goes_on_where_it_was_cut_short(server: Server, tmp_path: Path):
    path = tmp_path / "large.csv"
    path.write_bytes(fresh_body() + b"x" * 11 * MIB)

    def cdp(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "cli", "--url", server.url, "datasets", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        shown: dict[str, Any] = json.loads(ended.stdout)
        return shown

    file = read_parts(path, 5 * MIB)
    begun = register(ApiClient(server.url), registration_of(file, "text/csv", {}))
    send_parts(ApiClient(server.url), file, begun["datasetId"], [2], lambda text: None)
    uploaded = cdp("upload", str(path), "--part-size", "5")
    again = cdp("upload", str(path), "--part-size", "5")

    assert (uploaded["status"], uploaded["datasetId"], uploaded["partCount"]) == ("READY", begun["datasetId"], 3)
    assert uploaded == again == cdp("get", begun["datasetId"])
    assert begun["datasetId"] in [item["datasetId"] for item in cdp("list", "--limit", "5")["items"]]


def test_a_job_reads_a_dataset_by_its_name(server: Server, store: JobStore):
    body = fresh_body()
    record = registered(server, body)
    job = {"jobType": "csv-to-parquet", "inputs": [{"name": "flights", "uri": record["reference"]}]}
    too_early = server.post("/jobs", json=job)
    send(record["upload"], body)
    server.post(record["links"]["complete"])

    response = server.post("/jobs", json=job)

    assert (too_early.status_code, too_early.json()["errors"][0]["pointer"]) == (422, "/inputs/0/uri")
    assert response.status_code == 202
    (entry,) = store.get(response.json()["jobId"]).request.inputs
    assert (entry.uri, entry.dataset_id) == (record["uri"], record["datasetId"])
