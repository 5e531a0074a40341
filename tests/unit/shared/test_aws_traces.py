"""Calls of AWS as spans, with botocore's own clients and answers that no network gave."""

import contextlib
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from shared import tracing
from tests.fakes.traces import Spans, id_of, parent_of, recorded
from tests.unit.shared.test_aws_metrics import answer

SECRET_KEY = "job-of-ann@example.com"
GONE = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")


def call(*answers: Any) -> None:
    """One call of DynamoDB, of a client made just now, whose tries find these answers."""
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    tracing.trace_calls(session)
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    client = session.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=config)
    rest = iter(answers)

    def send(**_: Any) -> Any:
        found = next(rest)
        if isinstance(found, Exception):
            raise found
        return found

    client.meta.events.register_first("before-send.dynamodb", send)
    with contextlib.suppress(ClientError, BotoCoreError):
        client.get_item(TableName="jobs", Key={"jobId": {"S": SECRET_KEY}})


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


def traced(*answers: Any) -> Spans:
    """What is recorded of a call inside of a request."""
    with recorded() as spans, tracing.request_span("GET", None):
        call(*answers)
    return spans


@pytest.mark.parametrize(
    ("answers", "facts", "is_error"),
    [
        ([answer(200)], {"http.response.status_code": 200}, False),
        (
            [answer(400, "ConditionalCheckFailedException")],
            {"http.response.status_code": 400, "error.type": "ConditionalCheckFailedException"},
            False,
        ),
        (
            [answer(400, "ResourceNotFoundException")],
            {"http.response.status_code": 400, "error.type": "ResourceNotFoundException"},
            True,
        ),
        (
            [answer(500, "InternalServerError"), answer(200)],
            {"http.response.status_code": 200, "http.request.resend_count": 1},
            False,
        ),
        ([GONE] * 3, {"error.type": "EndpointConnectionError", "http.request.resend_count": 2}, True),
    ],
)
def test_a_call_is_one_span_of_what_it_is_part_of_however_often_it_was_sent(answers, facts, is_error):
    spans = traced(*answers)

    span = spans.one("dynamodb.GetItem")
    told = dict(span.attributes or {})
    told.pop("aws.request_id", None)
    assert told == {"rpc.system": "aws-api", "rpc.service": "dynamodb", "rpc.method": "GetItem", **facts}
    assert parent_of(span) == id_of(spans.one("GET"))
    assert span.status.is_unset is not is_error


def test_what_was_asked_is_in_no_span():
    spans = traced(answer(200))

    assert not any(SECRET_KEY in span.to_json() for span in spans.all())


def test_a_call_that_is_part_of_nothing_begins_no_trace():
    with recorded() as spans:
        call(answer(200))

    assert spans.all() == []


def test_a_call_of_a_request_that_is_not_recorded_is_not_either():
    with recorded(traces_ratio=0.0) as spans, tracing.request_span("GET", None):
        call(answer(200))

    assert spans.all() == []
