"""One AWS of the local cloud for all integration tests that need no more of it, and DynamoDB Local if asked for."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client
from local.marked import wait_until
from local.ports import free_ports
from tests.captured_output import _no_secret_was_written  # noqa: F401  # a fixture of this tier
from tests.fakes.dynamodb import FakeDynamoDB

START_SECONDS = 60
LOCAL_OPTIONS = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}

# MiniStack looks at a whole table for each query, so it is no place for 200,000 items.
RUNS_ON = {"dynamodb": ["fake", "ministack"], "large_dynamodb": ["fake"]}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dynamodb-local", type=Path, help="folder of DynamoDB Local: its contract tests run too")


@pytest.fixture(scope="session")
def aws_cloud() -> Iterator[LocalCloud]:
    with start_cloud(("aws",)) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def dynamodb_local(
    request: pytest.FixtureRequest, aws_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A client of DynamoDB Local, with the tables that the template made in MiniStack."""
    folder, port = request.config.getoption("--dynamodb-local").resolve(), free_ports(1)[0]
    main = "software.amazon.dynamodb.services.local.main.ServerRunner"
    command = ["java", f"-Djava.library.path={folder}", "-cp", f"{folder}/*", main, "-inMemory", "-port", str(port)]
    scratch = tmp_path_factory.mktemp("dynamodb-local")  # it leaves a file where it runs
    process = subprocess.Popen(command, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}", **LOCAL_OPTIONS)
        assert wait_until(lambda: answers(client), START_SECONDS), "DynamoDB Local did not start"
        copy_tables(make_client("dynamodb", aws_cloud.environment), client)
        yield client
    finally:
        process.kill()
        process.wait()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What takes one of these runs on each DynamoDB that it names, and on DynamoDB Local where it is at hand."""
    also = ["dynamodb-local"] if metafunc.config.getoption("--dynamodb-local") else []
    for fixture, kinds in RUNS_ON.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, [*kinds, *also], indirect=True)


@pytest.fixture
def dynamodb(request: pytest.FixtureRequest) -> Any:
    """A client of one of them."""
    if request.param == "fake":
        return FakeDynamoDB()
    if request.param == "dynamodb-local":
        return request.getfixturevalue("dynamodb_local")
    return make_client("dynamodb", request.getfixturevalue("aws_cloud").environment)


large_dynamodb = dynamodb


def answers(client: Any) -> bool:
    try:
        client.list_tables()
    except BotoCoreError:
        return False
    return True


def copy_tables(source: Any, target: Any) -> None:
    """Make the tables of one DynamoDB in another, without their content."""
    for name in source.list_tables()["TableNames"]:
        copy_table(source, target, name, name)


def copy_table(source: Any, target: Any, name: str, copy: str) -> None:
    """Make a table like another, without its content."""
    table = source.describe_table(TableName=name)["Table"]
    indexes = [
        {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
        for index in table.get("GlobalSecondaryIndexes", [])
    ]
    target.create_table(
        TableName=copy,
        KeySchema=table["KeySchema"],
        AttributeDefinitions=table["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
