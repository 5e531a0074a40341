"""The bytes on the wire: what boto3 hides, and what other clients rely on."""

import http.client
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from local.cloud import LocalCloud
from tests.integration.emr.service import Emr


class Wire:
    """One kept-alive connection to the service."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)

    def send(self, method: str, path: str, body: str | None = None, signed_at: datetime | None = None):
        """The answer's status, headers and JSON body."""
        when = (signed_at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        self._connection.request(method, path, body, {"X-Amz-Date": when, "Content-Type": "application/json"})
        answer = self._connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


@pytest.fixture
def wire(cloud: LocalCloud) -> Wire:
    """A plain connection to the shared cloud's service."""
    return Wire(cloud.environment["AWS_ENDPOINT_URL_EMR_SERVERLESS"])


@pytest.mark.parametrize(("age_seconds", "status"), [(0, 200), (290, 200), (310, 403), (-290, 200), (-310, 403)])
def test_a_signature_older_than_five_minutes_is_refused(wire: Wire, age_seconds: int, status: int) -> None:
    answered, headers, body = wire.send(
        "GET", "/applications", signed_at=datetime.now(UTC) - timedelta(seconds=age_seconds)
    )

    assert answered == status
    if status == 403:
        assert headers["x-amzn-errortype"] == "InvalidSignatureException"
        assert body["message"].startswith("Signature ")


def test_times_are_epoch_seconds_and_answers_have_a_request_id(wire: Wire, emr: Emr) -> None:
    run_id = emr.start()

    status, headers, body = wire.send("GET", f"/applications/{emr.application_id}/jobruns/{run_id}")

    assert status == 200
    assert headers["x-amzn-RequestId"]
    assert body["jobRun"]["createdAt"] == pytest.approx(datetime.now(UTC).timestamp(), abs=60)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/applications", "{", 400, "ValidationException"),
        ("POST", "/applications", "[]", 400, "ValidationException"),
        (
            "POST",
            "/applications",
            '{"releaseLabel": 7, "type": "SPARK", "clientToken": "x"}',
            400,
            "ValidationException",
        ),
        ("POST", "/applications", '{"type": "SPARK", "clientToken": "x"}', 400, "ValidationException"),
        ("GET", "/applications?maxResults=51", None, 400, "ValidationException"),
        ("GET", "/applications?maxResults=many", None, 400, "ValidationException"),
        ("GET", "/applications/00unknown", None, 404, "ResourceNotFoundException"),
        ("GET", "/applications/NOT-AN-ID", None, 400, "ValidationException"),
        ("GET", "/somewhere", None, 404, "UnknownOperationException"),
        ("PATCH", "/applications", "{}", 404, "UnknownOperationException"),
    ],
)
def test_an_error_has_its_code_in_a_header_and_its_message_in_json(
    wire: Wire, method: str, path: str, body: str | None, status: int, code: str
) -> None:
    answered, headers, answer = wire.send(method, path, body)

    assert (answered, headers["x-amzn-errortype"]) == (status, code)
    assert answer["message"]


def test_one_connection_serves_many_requests(wire: Wire) -> None:
    answers = [wire.send("GET", "/applications")[0] for _ in range(3)]
    connection = wire._connection.sock

    wire.send("GET", "/nowhere")

    assert answers == [200, 200, 200]
    assert wire._connection.sock is connection


def test_the_services_own_record_shows_each_run_and_how_often_it_was_launched(wire: Wire, emr: Emr) -> None:
    run_id = emr.start(name="job.1")
    emr.wait_for_state(run_id, "SUCCESS")

    _, _, body = wire.send("GET", "/_local/runs")

    (run,) = [each for each in body["runs"] if each["run_id"] == run_id]
    assert (run["request"]["name"], run["state"], run["launches"]) == ("job.1", "SUCCESS", 0)
    assert run["created_ms"] <= run["started_ms"] <= run["ended_ms"]
