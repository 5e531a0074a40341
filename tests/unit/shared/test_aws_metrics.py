"""What is counted of calls, with botocore's own clients and answers that no network gave."""

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from shared.aws_metrics import OUTCOMES, count_calls, outcome_of
from tests.fakes.counted import Counted

CALLS, RETRIES, THROTTLES = "cdp_aws_calls_total", "cdp_aws_retries_total", "cdp_aws_throttles_total"


class Body(io.BytesIO):
    """The body of an answer, as urllib3 gives it."""

    def stream(self) -> Iterator[bytes]:
        """All of it at once."""
        yield self.read()


def answer(status: int, code: str = "") -> AWSResponse:
    """An answer of DynamoDB."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"} if code else {})
    return AWSResponse("http://dynamodb", status, {"Content-Type": "application/x-amz-json-1.0"}, Body(body.encode()))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes one call of DynamoDB whose tries find these answers."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    count_calls(session)
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    client = session.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=config)

    def call(*answers: AWSResponse | Exception) -> None:
        rest = iter(answers)

        def send(**_: Any) -> AWSResponse:
            found = next(rest)
            if isinstance(found, Exception):
                raise found
            return found

        client.meta.events.register_first("before-send.dynamodb", send, unique_id="answers")
        try:
            client.get_item(TableName="jobs", Key={"jobId": {"S": "1"}})
        except (ClientError, BotoCoreError):
            pass
        finally:
            client.meta.events.unregister("before-send.dynamodb", unique_id="answers")

    return call


GONE = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
THROTTLED = (400, "ProvisionedThroughputExceededException")


@pytest.mark.parametrize(
    ("answers", "outcome", "retries", "throttles"),
    [
        ([answer(200)], "ok", 0, 0),
        ([answer(*THROTTLED), answer(200)], "ok", 1, 1),
        ([answer(500, "InternalServerError"), answer(*THROTTLED), answer(200)], "ok", 2, 1),
        ([answer(*THROTTLED), answer(*THROTTLED), answer(*THROTTLED)], "throttled", 2, 3),
        ([answer(400, "ConditionalCheckFailedException")], "condition", 0, 0),
        ([answer(400, "ResourceNotFoundException")], "client_error", 0, 0),
        ([GONE, answer(200)], "ok", 1, 0),
        ([GONE, GONE, GONE], "no_answer", 2, 0),
    ],
)
def test_a_call_is_counted_once_with_its_end_and_each_more_try(ask, answers, outcome, retries, throttles):
    counted = Counted()

    ask(*answers)

    assert counted.all_of(CALLS) == {("GetItem", outcome, "dynamodb"): 1}
    assert counted(RETRIES, service="dynamodb", operation="GetItem") == retries
    assert counted(THROTTLES, service="dynamodb", operation="GetItem") == throttles


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (200, "", "ok"),
        (404, "404", "client_error"),
        (403, "AccessDenied", "client_error"),
        (429, "Whatever", "throttled"),
        (503, "SlowDown", "throttled"),
        (500, "", "server_error"),
        (503, "ServiceUnavailable", "server_error"),
        (400, "TransactionCanceledException", "condition"),
    ],
)
def test_every_answer_has_one_of_few_outcomes(status, code, outcome):
    assert outcome_of(status, code) == outcome
    assert outcome in OUTCOMES
