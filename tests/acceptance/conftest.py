"""A whole platform in real processes: AWS and EMR Serverless from the local cloud, the API, two workers."""

import gzip
import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from cli.client import ApiClient, Record
from local.cloud import LocalCloud, start_cloud
from tests.captured_output import _no_secret_was_written  # noqa: F401  # a fixture of this tier

# The protocol's waits, shortened so that what they recover can be seen in seconds; their order is kept.
QUICK = {
    "SUBMIT_GRACE_SECONDS": "3",
    "HOLD_SECONDS": "6",
    "VISIBILITY_SECONDS": "6",
    "POLL_SECONDS": "10",
    "TIMER_SECONDS": "0.5",
    "LONG_POLL_SECONDS": "1",
    "RETRY_BASE_SECONDS": "1",
    "RETRY_CAP_SECONDS": "2",
    "START_RATE": "20",
    "START_BURST": "50",
    "DATASET_SCANS": "refuse-pii",
    "LOCAL_EMR_UTILIZATION_SECONDS": "2",
    "LOCAL_EMR_START_RATE": "50",
    "LOCAL_EMR_START_BURST": "100",
    "LOCAL_EMR_GET_RATE": "100",
    "LOCAL_EMR_GET_BURST": "200",
    "LOCAL_EMR_LIST_RATE": "20",
    "LOCAL_EMR_LIST_BURST": "50",
    "LOCAL_EMR_MAX_VCPU": "1000",
    "LOCAL_EMR_MAX_CONCURRENT_RUNS": "100",
}
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Platform:
    """What a test may touch: the API as a client sees it, and AWS as an operator does."""

    cloud: LocalCloud
    api: ApiClient

    def aws(self, service: Any) -> Any:
        """A client of one of the cloud's services."""
        env = self.cloud.environment
        emr = "_EMR_SERVERLESS" if service == "emr-serverless" else ""
        return boto3.client(
            service,
            endpoint_url=env[f"AWS_ENDPOINT_URL{emr}"],
            region_name=env["AWS_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )

    def upload(self, key: str, content: bytes) -> str:
        """Put an object into the raw bucket; its URI."""
        bucket = self.cloud.environment["RAW_BUCKET"]
        self.aws("s3").put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    def submit_simulated(self, count: int, **parameters: Any) -> list[Record]:
        """Jobs that Spark has no part in: they last some seconds, and fail if they are told to."""
        job = {"jobType": "simulated", "inputs": [], "parameters": parameters}
        return [self.api.submit(job) for _ in range(count)]

    def wait(self, job: Record, on_change: Callable[[Record], None] = lambda record: None) -> Record:
        """The job's record once it has ended."""
        return self.api.wait(job["jobId"], PATIENCE_SECONDS, on_change)

    def run_names(self) -> list[str]:
        """The names of all runs that EMR Serverless ever began, by its own record."""
        url = f"{self.cloud.environment['AWS_ENDPOINT_URL_EMR_SERVERLESS']}/_local/runs"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return [run["request"]["name"] for run in json.loads(answer.read())["runs"]]

    def dead_letters(self) -> list[Record]:
        """All messages of the dead-letter queue, left where they are."""
        sqs = self.aws("sqs")
        url = sqs.get_queue_url(QueueName=self.cloud.environment["DEAD_LETTER_QUEUE"])["QueueUrl"]
        found: dict[str, Record] = {}
        while True:
            rows = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5).get("Messages", [])
            if not rows:
                break
            found |= {row["MessageId"]: json.loads(row["Body"]) for row in rows}
        return list(found.values())

    def read_gzip(self, uri: str) -> str:
        """The text of a compressed object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return gzip.decompress(self.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()).decode()


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    with start_cloud(("aws", "emr", "api", "workers"), variables=QUICK, workers=2) as cloud:
        yield Platform(cloud, ApiClient(cloud.environment["CDP_API_URL"]))
