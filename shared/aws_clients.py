"""The only maker of boto3 clients: retries, timeouts and connections are decided here, once for each purpose.

Endpoints, credentials and regions of the SDK's own variables apply, so that any AWS tool and this code can be
pointed at the same place.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from shared.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_emr_serverless import EMRServerlessClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10
# A long poll answers after 20 s at the latest.
RECEIVE_TIMEOUT_SECONDS = 25
# The loop around a receive tries again by itself, and asks first whether it must end: a drain waits for one at most.
RECEIVE_ATTEMPTS = 1
START_TIMEOUT_SECONDS = 20
ATTEMPTS = 3
# botocore must not resend a start: after a resend, a throttle or a refusal says nothing about the first send.
START_ATTEMPTS = 1


@dataclass(frozen=True)
class Clients:
    """One client for each service and purpose; all are safe to share between threads."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    sqs_receive: "SQSClient"
    emr: "EMRServerlessClient"
    emr_start: "EMRServerlessClient"
    s3: "S3Client"


def make_clients(settings: Settings, threads: int) -> Clients:
    """All clients of a process whose `threads` threads may each have a call under way."""
    session = boto3.session.Session(region_name=settings.aws_region)

    def client(service: Any, read_seconds: int = READ_TIMEOUT_SECONDS, attempts: int = ATTEMPTS) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_seconds,
            max_pool_connections=threads,
            tcp_keepalive=True,
            signature_version="s3v4" if service == "s3" else None,
        )
        return session.client(service, config=config)

    return Clients(
        dynamodb=client("dynamodb"),
        sqs=client("sqs"),
        sqs_receive=client("sqs", read_seconds=RECEIVE_TIMEOUT_SECONDS, attempts=RECEIVE_ATTEMPTS),
        emr=client("emr-serverless"),
        emr_start=client("emr-serverless", read_seconds=START_TIMEOUT_SECONDS, attempts=START_ATTEMPTS),
        s3=client("s3"),
    )
