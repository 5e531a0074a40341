"""A local cloud for the contract tests: MiniStack and EMR Serverless as real processes, once for all tests."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client
from tests.integration.emr.service import Emr

# Tests call faster than AWS allows, and want short states and minutes.
VARIABLES = {
    "LOCAL_EMR_STATE_SECONDS": "0.03",
    "LOCAL_EMR_MINUTE_SECONDS": "0.5",
    "LOCAL_EMR_BILL_SECONDS": "0.5",
    "LOCAL_EMR_MAX_VCPU": "64",
    **{
        f"LOCAL_EMR_{operation}_{limit}": "10000"
        for operation in ("START", "GET", "LIST", "CANCEL", "DASHBOARD", "OTHER")
        for limit in ("RATE", "BURST")
    },
}


# A client's own retries would hide what the service answered first.
SENT_ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """The cloud that all tests of this folder share; no test leaves faults or a dead service in it."""
    with start_cloud(("aws", "emr"), VARIABLES) as running:
        yield running


@pytest.fixture(params=["local"])
def emr(cloud: LocalCloud) -> Iterator[Emr]:
    """The service under test. Whatever else is to keep the contract becomes another parameter here."""
    service = Emr(make_client("emr-serverless", cloud.environment, SENT_ONCE))
    yield service
    service.end_all_runs()


@pytest.fixture
def s3(cloud: LocalCloud) -> Any:
    """The cloud's S3."""
    return make_client("s3", cloud.environment)


class FaultSwitch:
    """Puts faults in force; the fixture ends them."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/_local/faults"

    def put(self, document: Any) -> tuple[int, dict[str, Any]]:
        """The status and the body of the answer."""
        return self._send("PUT", json.dumps(document).encode())

    def get(self) -> dict[str, Any]:
        """The faults in force."""
        return self._send("GET", None)[1]

    def clear(self) -> None:
        """No faults any more."""
        self._send("DELETE", None)

    def _send(self, method: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(self._url, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture
def faults(cloud: LocalCloud) -> Iterator[FaultSwitch]:
    """The switch of the service's faults, off again after the test."""
    switch = FaultSwitch(cloud.environment["AWS_ENDPOINT_URL_EMR_SERVERLESS"])
    yield switch
    switch.clear()
