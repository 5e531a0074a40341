"""Tables, queues and buckets of these tests' own, and servers that use them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.deploy import TEMPLATE, make_client
from local.marked import wait_until
from local.variables import process_environment
from shared.job_store import JobStore
from shared.transitions import JobStatusTransitionValidator
from tests.captured_output import MASTER_KEY
from tests.integration.api.server import PATIENCE_SECONDS, Server

PROJECT = "api-tests"
NAMES = {
    "RAW_BUCKET": "raw",
    "PROCESSED_BUCKET": "processed",
    "ARTIFACTS_BUCKET": "artifacts",
    "LOGS_BUCKET": "logs",
    "JOBS_TABLE": "jobs",
    "CONTROL_TABLE": "control",
    "DATASETS_TABLE": "datasets",
    "CONTRACTS_TABLE": "contracts",
    "JOBS_QUEUE": "jobs",
    "EVENTS_QUEUE": "events",
    "DEAD_LETTER_QUEUE": "dlq",
}
Start = Callable[..., Server]


def names_of(project: str) -> dict[str, str]:
    """The variables that name a project's resources."""
    return {variable: f"{project}-dev-{name}" for variable, name in NAMES.items()}


OWN = names_of(PROJECT)


@pytest.fixture(scope="session")
def aws(aws_cloud: LocalCloud) -> Callable[[str], Any]:
    """Clients of a local AWS that has our template's resources under names of their own."""

    def client(service: str) -> Any:
        return make_client(service, aws_cloud.environment)

    make_resources(client, PROJECT)
    return client


def make_resources(client: Callable[[str], Any], project: str) -> None:
    """Make the template's resources under a project's names, and one input."""
    stacks = client("cloudformation")
    parameters = [{"ParameterKey": "ProjectName", "ParameterValue": project}]
    stacks.create_stack(StackName=project, TemplateBody=TEMPLATE.read_text(), Parameters=parameters)

    def status() -> str:
        found: str = stacks.describe_stacks(StackName=project)["Stacks"][0]["StackStatus"]
        return found

    assert wait_until(lambda: status() != "CREATE_IN_PROGRESS", PATIENCE_SECONDS)
    assert status() == "CREATE_COMPLETE"
    bucket = names_of(project)["RAW_BUCKET"]
    client("s3").put_object(Bucket=bucket, Key="flights/flights.csv", Body=b"carrier\nUA\n")


@pytest.fixture(scope="session")
def start(
    aws: Callable[[str], Any], aws_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """Starts servers, which end with the tests."""
    servers: list[Server] = []
    folder = tmp_path_factory.mktemp("api")

    def start_server(log: Path | None = None, **variables: str) -> Server:
        own = {**OWN, "CALLBACK_SIGNING_KEY": MASTER_KEY, "EMR_APPLICATION_ID": "00app", "API_PROCESSES": "1"}
        environment = process_environment({**aws_cloud.environment, **own, **variables})
        servers.append(Server(environment, log or Path(folder) / f"api-{len(servers)}.log"))
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(start: Start) -> Server:
    """A server with two processes, as they are deployed."""
    return start(API_PROCESSES="2", MAX_BODY_BYTES="4096")


@pytest.fixture(scope="session")
def store(aws: Callable[[str], Any]) -> JobStore:
    """The jobs behind the servers."""
    return JobStore(aws("dynamodb"), OWN["JOBS_TABLE"], OWN["CONTROL_TABLE"], JobStatusTransitionValidator())
