"""A local cloud as `make run` starts it, and one whose API asks for tokens, with somebody who grants them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.cloud import PARTS, LocalCloud, start_cloud
from local.deploy import make_client
from shared.job_types import JOB_TYPES
from shared.programs import program_uri
from shared.settings import Settings
from tests.integration.oidc.provider import AUDIENCE, Provider, signing_keys

DEFAULT_SEED = 20261123
DEFAULT_EXAMPLES = 30

# A search sends as much as it can; what it would be refused for that, other tests look at.
UNLIMITED = {
    f"RATE_{kind}_{what}": "100000"
    for kind in ("READS", "WRITES", "UPLOADS", "LOGS", "DASHBOARDS")
    for what in ("PER_SECOND", "BURST")
} | {"QUOTA_ACTIVE_JOBS": "1000000", "QUOTA_OPEN_UPLOADS": "1000000"}
# Its calls of AWS are made up too, and are not kept as those that the product makes (docs/iam.md).
UNRECORDED = {"RECORD_AWS_CALLS": ""}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--search-seed", type=int, default=DEFAULT_SEED, help="which requests schemathesis makes up")
    parser.addoption("--search-examples", type=int, default=DEFAULT_EXAMPLES, help="how many for each operation")
    parser.addoption("--search-seconds", type=int, default=None, help="go on until then")


@dataclass(frozen=True)
class Closed:
    """An API that asks for tokens, without workers: what is submitted stays as it is."""

    cloud: LocalCloud
    provider: Provider

    @property
    def url(self) -> str:
        """Where it is."""
        return self.cloud.environment["CDP_API_URL"]


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    provider = Provider(Path(tmp_path_factory.mktemp("provider")), *signing_keys("first"))
    try:
        oidc = {"AUTH_MODE": "oidc", "OIDC_ISSUER": provider.issuer, "OIDC_AUDIENCE": AUDIENCE}
        kinds = ("READS", "WRITES", "UPLOADS", "LOGS", "DASHBOARDS")
        unlimited = {f"RATE_{kind}_BURST": "1000000" for kind in kinds}
        with start_cloud(("aws", "api"), {**oidc, **unlimited, **UNRECORDED, "EMR_APPLICATION_ID": "00app"}) as cloud:
            put_inputs_of_examples(cloud)
            yield Closed(cloud, provider)
    finally:
        provider.stop()


@pytest.fixture(scope="session")
def whole() -> Iterator[LocalCloud]:
    """All that `make run` starts, on free ports, with room for the runs of several tests at once."""
    room = {"LOCAL_EMR_MAX_VCPU": "1000", "LOCAL_EMR_DASHBOARD_BURST": "1000", "RATE_DASHBOARDS_BURST": "1000"}
    with start_cloud(PARTS, room) as cloud:
        put_inputs_of_examples(cloud)
        yield cloud


def put_inputs_of_examples(cloud: LocalCloud) -> None:
    """Put an object wherever an example of the document reads one, or runs one."""
    s3 = make_client("s3", cloud.environment)
    for job_type in JOB_TYPES.values():
        uris = [entry["uri"] for entry in job_type.example.get("inputs", [])]
        if job_type.program_parameter:
            uris.append(program_uri(job_type, job_type.example["parameters"], Settings()))
        for uri in uris:
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            s3.put_object(Bucket=bucket, Key=f"{key}part.csv" if key.endswith("/") else key, Body=b"carrier\nUA\n")
