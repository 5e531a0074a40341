"""A provider, and APIs that trust it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.variables import process_environment
from tests.integration.api.server import Server
from tests.integration.oidc.provider import AUDIENCE, Provider, signing_keys

Start = Callable[..., Server]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes write."""
    return Path(tmp_path_factory.mktemp("oidc"))


@pytest.fixture(scope="session")
def provider(folder: Path) -> Iterator[Provider]:
    """A provider that is always there."""
    found = Provider(folder, *signing_keys("first"))
    yield found
    found.stop()


@pytest.fixture
def own_provider(folder: Path) -> Iterator[Provider]:
    """A provider for one test, not started, to be changed and taken away."""
    found = Provider(folder)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def start(aws_cloud: LocalCloud, folder: Path) -> Iterator[Start]:
    """Starts APIs that trust a provider, which end with the tests."""
    servers: list[Server] = []

    def start_server(issuer: str = "", **variables: str) -> Server:
        oidc = {"AUTH_MODE": "oidc", "OIDC_ISSUER": issuer, "OIDC_AUDIENCE": AUDIENCE} if issuer else {}
        quick = {"API_PROCESSES": "1", "OIDC_KEYS_SECONDS": "1", "EMR_APPLICATION_ID": "00app"}
        environment = process_environment({**aws_cloud.environment, **quick, **oidc, **variables})
        servers.append(Server(environment, folder / f"api-{len(servers)}.log"))
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(start: Start, provider: Provider) -> Server:
    """An API with two processes, as it is deployed."""
    return start(provider.issuer, API_PROCESSES="2", OIDC_SKEW_SECONDS="0")
