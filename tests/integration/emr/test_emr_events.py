"""The events of ended runs reach the events queue, through everything that happens to SQS."""

import json
from typing import Any

import pytest

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client
from tests.integration.emr.conftest import VARIABLES, FaultSwitch
from tests.integration.emr.service import Emr
from tests.integration.emr.waiting import wait_for


class EventsQueue:
    """The events queue as a worker reads it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._sqs = make_client("sqs", cloud.environment)
        self._url = self._sqs.get_queue_url(QueueName=cloud.environment["EVENTS_QUEUE"])["QueueUrl"]
        self._seen: list[dict[str, Any]] = []

    def of(self, run_id: str) -> list[dict[str, Any]]:
        """All events of a run that have arrived so far."""
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self._seen.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in self._seen if event["detail"]["jobRunId"] == run_id]

    def wait_for(self, run_id: str, count: int = 1) -> list[dict[str, Any]]:
        """The events of a run, once there are so many."""
        return wait_for(lambda: self.of(run_id) if len(self.of(run_id)) >= count else None, f"{count} events")


@pytest.fixture
def events(cloud: LocalCloud) -> EventsQueue:
    """The queue of the shared cloud."""
    return EventsQueue(cloud)


def test_an_ended_run_sends_the_event_that_eventbridge_sends(emr: Emr, events: EventsQueue) -> None:
    run_id = emr.start(name="job.1", tags={"jobId": "job"})

    (event,) = events.wait_for(run_id)

    assert event["source"] == "aws.emr-serverless"
    assert event["detail-type"] == "EMR Serverless Job Run State Change"
    assert (event["version"], event["account"], event["region"]) == ("0", "000000000000", "us-east-1")
    assert event["resources"] == []
    detail = event["detail"]
    assert (detail["applicationId"], detail["state"], detail["previousState"]) == (
        emr.application_id,
        "SUCCESS",
        "RUNNING",
    )
    assert {"name", "jobRunName", "tags"}.isdisjoint(detail)


@pytest.mark.parametrize(
    ("request_of", "state"),
    [({"fail": "boom"}, "FAILED"), ({"seconds": 60, "executionTimeoutMinutes": 1}, "CANCELLED")],
)
def test_every_kind_of_end_sends_its_event(emr: Emr, events: EventsQueue, request_of: dict, state: str) -> None:
    run_id = emr.start(**request_of)

    assert [event["detail"]["state"] for event in events.wait_for(run_id)] == [state]


def test_events_can_be_lost_repeated_and_late(emr: Emr, events: EventsQueue, faults: FaultSwitch) -> None:
    faults.put({"events": {"lost": {"next": 1}, "copies": 2, "lateSeconds": 0.3}})

    lost = emr.start()
    emr.wait_for_state(lost, "SUCCESS")
    twice = emr.start()
    emr.wait_for_state(twice, "SUCCESS")
    at_once = events.of(twice)
    first, second = events.wait_for(twice, 2)

    assert at_once == []
    assert first == second
    assert events.of(lost) == []


def test_events_wait_until_sqs_is_there_again() -> None:
    with start_cloud(("aws", "emr"), VARIABLES) as cloud:
        emr = Emr(make_client("emr-serverless", cloud.environment))
        cloud.kill("aws")
        run_id = emr.start()
        emr.wait_for_state(run_id, "SUCCESS")
        cloud.kill("emr")

        cloud.restart("emr")
        cloud.restart("aws")

        (event,) = EventsQueue(cloud).wait_for(run_id)
        assert event["detail"]["state"] == "SUCCESS"
