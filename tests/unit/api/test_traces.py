"""Requests as spans: whose trace they are in, what they are called, and what they do not tell."""

from collections.abc import Iterator

import pytest

from tests.fakes.traces import Spans, id_of, parent_of, recorded, trace_of
from tests.unit.api.service import Api, submission

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def api() -> Api:
    return Api(traces_endpoint="http://127.0.0.1:9/v1/traces")


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recorded() as spans:
        yield spans


def test_a_submission_hands_its_trace_to_the_job_and_to_its_message(api: Api, spans: Spans):
    answer = api.post("/jobs", json=submission(), headers={"traceparent": CALLER, "X-Correlation-Id": "my-import-42"})

    span = spans.one("POST /jobs")
    assert (trace_of(span), parent_of(span)) == (TRACE, SPAN)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/jobs",
        "http.response.status_code": 202,
        "cdp.correlation_id": "my-import-42",
    }
    expected = f"00-{TRACE}-{id_of(span)}-01"
    assert api.store.get(answer.json["jobId"]).traceparent == expected
    (message,) = api.sqs.queues[api.settings.jobs_queue]
    assert message.attributes["traceparent"] == {"DataType": "String", "StringValue": expected}


def test_all_jobs_of_a_batch_are_in_the_trace_of_its_request(api: Api, spans: Spans):
    api.post("/jobs/batch", json={"jobs": [submission(), submission()]}, headers={"traceparent": CALLER})

    messages = api.sqs.queues[api.settings.jobs_queue]
    expected = f"00-{TRACE}-{id_of(spans.one('POST /jobs/batch'))}-01"
    assert [m.attributes["traceparent"]["StringValue"] for m in messages] == [expected] * 2


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", "/jobs/00000000-0000-7000-8000-000000000009", "GET /jobs/<job_id>", 404),
        ("GET", "/ann@example.com/secret", "GET unknown", 404),
        ("GET", "/jobs?owner=ann@example.com", "GET /jobs", 403),
        ("DELETE", "/jobs", "DELETE unknown", 405),
        ("ANN", "/jobs", "_OTHER unknown", 405),
    ],
)
def test_a_request_is_named_by_its_routes_template_and_nothing_of_its_address(api, spans, method, path, name, status):
    answer = api.http.open(path, method=method)

    span = spans.one(name)
    assert (span.attributes or {})["http.response.status_code"] == answer.status_code == status
    assert not any(word in span.to_json() for word in ("ann@", "secret", "00000000-0000-7000-8000-000000000009"))


def test_a_request_about_a_job_says_which(api: Api, spans: Spans):
    job_id = api.post("/jobs", json=submission()).json["jobId"]

    api.get(f"/jobs/{job_id}")

    assert (spans.one("GET /jobs/<job_id>").attributes or {})["cdp.job_id"] == job_id


def test_a_defect_is_an_error_of_its_span(api: Api, spans: Spans, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api.store, "get", lambda job_id: 1 / 0)

    api.http.get("/jobs/00000000-0000-7000-8000-000000000009")

    span = spans.one("GET /jobs/<job_id>")
    assert (span.attributes or {})["http.response.status_code"] == 500
    assert not span.status.is_unset
    assert "division" not in span.to_json()


def test_what_machines_ask_for_every_few_seconds_is_not_traced(api: Api, spans: Spans):
    for path in ("/health/live", "/health/ready", "/metrics"):
        api.http.get(path)

    assert spans.all() == []


def test_a_correlation_id_that_is_a_token_is_not_told(api: Api, spans: Spans):
    token = "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"

    answer = api.http.get("/jobs", headers={"X-Correlation-Id": token})

    told = (spans.one("GET /jobs").attributes or {})["cdp.correlation_id"]
    assert told == answer.headers["X-Correlation-Id"] != token
