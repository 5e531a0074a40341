"""The API and a worker run against what the stacks made, told by their task definitions alone, and finish a job.

Nothing but these is added to what ECS would tell them: where AWS is, since it is not AWS, and whom to trust for https.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.client import ApiClient
from deployment.release import spark_code_uri
from deployment.spark_code import code_objects
from local.cloud import LocalCloud, start_cloud
from local.ports import HOST, free_ports
from local.processes import Child, ProcessPlan
from local.variables import process_environment
from tests.infra.templates import resolve_environment
from tests.integration.images.tls_provider import TlsProvider
from tests.integration.stacks.account import BUCKET_SUFFIX, LocalAccount

# As all but production is, and nobody's defaults: it has its own names, and refuses what is only for development.
ENVIRONMENT = "staging"
ACCOUNT_ID = "222222222222"
AUDIENCE = "cloud-data-platform-staging"
NAME = f"cloud-data-platform-{ENVIRONMENT}"
# The service that plays EMR Serverless must tell its events to the queue that the stacks made.
EMR_VARIABLES = {"AWS_ACCESS_KEY_ID": ACCOUNT_ID, "EVENTS_QUEUE": f"{NAME}-events"}
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with start_cloud(("aws", "emr"), EMR_VARIABLES) as running:
        yield running


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsProvider]:
    made = TlsProvider(tmp_path_factory.mktemp("provider"))
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def account(cloud: LocalCloud, provider: TlsProvider) -> LocalAccount:
    """An account that the environment was deployed into."""
    made = LocalAccount(cloud, ACCOUNT_ID, {"a": cloud.environment["EMR_APPLICATION_ID"]})
    made.create(ENVIRONMENT, OidcIssuer=provider.issuer)
    return made


def told_to(account: LocalAccount, service: str) -> dict[str, str]:
    """The variables that ECS would give a task, by the task definition that its service runs."""
    ecs, secrets = account.client("ecs"), account.client("secretsmanager")
    (running,) = ecs.describe_services(cluster=NAME, services=[service])["services"]
    task = ecs.describe_task_definition(taskDefinition=running["taskDefinition"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    plain = {each["name"]: each["value"] for each in container["environment"]}
    # The local cloud loses the names of secrets, so they are read from the template, with what the stack made for them.
    wanted = resolve_environment(ENVIRONMENT)["app"].resources[f"{service.capitalize()}Task"]
    listed = wanted["Properties"]["ContainerDefinitions"][0]["Secrets"]
    names = {each["Name"]: re.search(r":secret:(.+)-", each["ValueFrom"]) for each in listed}
    secret = {
        name: secrets.get_secret_value(SecretId=found[1])["SecretString"] for name, found in names.items() if found
    }
    return plain | secret


@pytest.fixture
def start(account: LocalAccount, provider: TlsProvider, tmp_path: Path) -> Iterator[Any]:
    """Starts a process of a service, with what ECS would tell it and where the local cloud is."""
    children: list[Child] = []
    places = {name: value for name, value in account.variables.items() if name.startswith("AWS_")}

    def start_process(service: str, command: tuple[str, ...], ready_url: str, **own: str) -> None:
        told = told_to(account, service)
        plan = ProcessPlan(service, command, ready_url=ready_url)
        variables = told | places | {"SSL_CERT_FILE": str(provider.certificate)} | own
        children.append(Child(plan, bare_environment(variables), tmp_path / f"{service}.log"))
        children[-1].start()
        children[-1].wait_until_ready()

    yield start_process
    for child in children:
        child.kill()


def bare_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a process needs of this machine, and these variables, but nothing that was meant for a laptop."""
    kept = {name: value for name, value in process_environment({}).items() if name in ("PATH", "HOME", "LANG")}
    return kept | variables


def test_a_job_is_done_by_what_the_task_definitions_describe(account: LocalAccount, provider: TlsProvider, start):
    api_port, health_port = free_ports(2)
    url = f"http://{HOST}:{api_port}"
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", "api/gunicorn.conf.py")
    start("api", gunicorn, f"{url}/health/live", API_PORT=str(api_port), API_HOST=HOST)
    start(
        "worker", (sys.executable, "-m", "worker"), f"http://{HOST}:{health_port}/healthz", HEALTH_PORT=str(health_port)
    )
    raw = f"{NAME}-raw{BUCKET_SUFFIX}"
    account.client("s3").put_object(Bucket=raw, Key="in.csv", Body=b"carrier,flight\nUA,1545\nAA,1141\n")
    api = ApiClient(url, provider.log_in(AUDIENCE))

    job = api.submit(
        {
            "jobType": "csv-to-parquet",
            "inputs": [{"name": "flights", "uri": f"s3://{raw}/in.csv"}],
            "parameters": {
                "header": True,
                "columns": [{"name": "carrier", "type": "string"}, {"name": "flight", "type": "int"}],
            },
        }
    )
    ended = api.wait(job["jobId"], PATIENCE_SECONDS, lambda _: None)

    assert ended["status"] == "SUCCEEDED", ended
    listed = account.client("s3").list_objects_v2(Bucket=f"{NAME}-processed{BUCKET_SUFFIX}")["Contents"]
    assert f"jobs/{job['jobId']}/attempt-1/_manifest.json" in [each["Key"] for each in listed]
    run = account.client("emr-serverless").get_job_run(
        applicationId=account.variables["EMR_APPLICATION_ID"], jobRunId=ended["runId"]
    )["jobRun"]
    code = spark_code_uri(f"{NAME}-artifacts{BUCKET_SUFFIX}", code_objects())
    assert run["jobDriver"]["sparkSubmit"]["entryPoint"] == f"{code}main.py"
    assert run["executionRole"] == told_to(account, "api")["EMR_JOB_ROLE_ARN"]
