"""The only maker of boto3 clients: retries, timeouts and connections are decided here, once for each purpose.

Endpoints, credentials and regions of the SDK's own variables apply, so that any AWS tool and this code can be
pointed at the same place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from shared.aws_metrics import count_calls
from shared.settings import Settings
from shared.tracing import trace_calls

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
# What is put before a start must leave it most of the 30 s in which it has to be signed, also when S3 hangs.
PUT_CONNECT_SECONDS, PUT_READ_SECONDS, PUT_ATTEMPTS = 1, 3, 1
ATTEMPTS = 3
# botocore must not resend a start: after a resend, a throttle or a refusal says nothing about the first send.
START_ATTEMPTS = 1
# AWS gives one dashboard a second to all users together: botocore's own tries would take those of others.
DASHBOARD_ATTEMPTS = 1


@dataclass(frozen=True)
class Clients:
    """One client for each service and purpose; all are safe to share between threads.

    `access_key` names the credentials of the moment: links that others signed end with those.
    """

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    sqs_receive: "SQSClient"
    emr: "EMRServerlessClient"
    emr_start: "EMRServerlessClient"
    emr_dashboard: "EMRServerlessClient"
    s3: "S3Client"
    s3_before_start: "S3Client"
    access_key: Callable[[], str]


def make_clients(settings: Settings, threads: int) -> Clients:
    """All clients of a process whose `threads` threads may each have a call under way."""
    session = boto3.session.Session(region_name=settings.aws_region)
    count_calls(session)
    trace_calls(session)

    def client(
        service: Any,
        read_seconds: int = READ_TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        connect_seconds: int = CONNECT_TIMEOUT_SECONDS,
    ) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            max_pool_connections=threads,
            tcp_keepalive=True,
            signature_version="s3v4" if service == "s3" else None,
            # Else links lead to S3's global endpoint, which redirects, and a signed upload cannot follow.
            s3={"addressing_style": "virtual"} if service == "s3" else None,
        )
        return session.client(service, config=config)

    return Clients(
        dynamodb=client("dynamodb"),
        sqs=client("sqs"),
        sqs_receive=client("sqs", read_seconds=RECEIVE_TIMEOUT_SECONDS, attempts=RECEIVE_ATTEMPTS),
        emr=client("emr-serverless"),
        emr_start=client("emr-serverless", read_seconds=START_TIMEOUT_SECONDS, attempts=START_ATTEMPTS),
        emr_dashboard=client("emr-serverless", attempts=DASHBOARD_ATTEMPTS),
        s3=client("s3"),
        s3_before_start=client("s3", PUT_READ_SECONDS, PUT_ATTEMPTS, PUT_CONNECT_SECONDS),
        access_key=lambda: access_key_of(session),
    )


def access_key_of(session: boto3.session.Session) -> str:
    """The id of the credentials that a session signs with now; empty without any."""
    credentials = session.get_credentials()
    return "" if credentials is None else credentials.get_frozen_credentials().access_key or ""
