"""Fills an empty local AWS: our own CloudFormation template, the Spark code, the EMR application."""

import functools
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from deployment.spark_code import code_objects
from local.marked import wait_until
from local.settings import ROOT

TEMPLATE = ROOT / "cloudformation" / "data.yaml"
STACK = "cloud-data-platform-dev-data"
APPLICATION = "cloud-data-platform-dev"
# Spark 3.5.8, the version that runs here.
RELEASE_LABEL = "emr-7.14.0"
DEPLOY_SECONDS = 30


class DeployFailed(Exception):
    """The local AWS did not become what the template says; the text says why."""


def make_client(service: str, variables: Mapping[str, str], config: Config | None = None) -> Any:
    """A client of one service of the cloud that the variables describe, whatever this process's own are."""
    own_config = Config(connect_timeout=3, read_timeout=15, s3={"addressing_style": "path"})
    own_endpoint = variables.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}")
    return _session().client(
        service,  # type: ignore[call-overload]  # any service
        endpoint_url=own_endpoint or variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=own_config.merge(config) if config else own_config,
    )


@functools.cache
def _session() -> boto3.session.Session:
    """One for all clients: it remembers the services' models, which take long to read."""
    return boto3.session.Session()


def deploy_data(variables: Mapping[str, str]) -> None:
    """Tables, queues and buckets, if they are not there yet.

    Raises: DeployFailed.
    """
    client = make_client("cloudformation", variables)
    if _stack_status(client) == "CREATE_COMPLETE":
        return
    client.create_stack(StackName=STACK, TemplateBody=TEMPLATE.read_text())
    in_time = wait_until(lambda: _stack_status(client) != "CREATE_IN_PROGRESS", DEPLOY_SECONDS)
    if not in_time or _stack_status(client) != "CREATE_COMPLETE":
        events = client.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")]
        raise DeployFailed(f"{TEMPLATE.name} could not be deployed: {'; '.join(reasons) or 'no reason was given'}")


def upload_spark_code(variables: Mapping[str, str]) -> None:
    """The platform's Spark code, to where SPARK_CODE_URI says."""
    client = make_client("s3", variables)
    bucket, _, prefix = variables["SPARK_CODE_URI"].removeprefix("s3://").partition("/")
    for name, content in code_objects().items():
        client.put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=content)


def ensure_application(variables: Mapping[str, str]) -> str:
    """The id of the EMR application, made if there is none."""
    client = make_client("emr-serverless", variables)
    for application in client.list_applications()["applications"]:
        if application.get("name") == APPLICATION:
            return str(application["id"])
    created = client.create_application(
        name=APPLICATION, releaseLabel=RELEASE_LABEL, type="SPARK", clientToken=APPLICATION
    )
    return str(created["applicationId"])


def _stack_status(client: Any) -> str | None:
    try:
        stacks = client.describe_stacks(StackName=STACK)["Stacks"]
    except ClientError:
        return None
    status: str = stacks[0]["StackStatus"]
    return status
