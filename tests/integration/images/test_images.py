"""What the images would hold, started by their own commands, with the settings that the template gives the tasks."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import requests

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client
from local.marked import wait_until
from shared.settings import Settings
from tests.infra.rules.services import containers_of
from tests.infra.rules.settings import variables_of
from tests.infra.templates import resolve_environment
from tests.integration.api.server import ROOT, free_port
from tests.integration.images.tls_provider import TlsProvider

PATIENCE_SECONDS = 60
IMAGES = ("api", "worker")
# A run stays at its beginning, so that no Spark is started: what is tried here ends where EMR Serverless begins.
NO_SPARK = {"LOCAL_EMR_STATE_SECONDS": "600"}


@dataclass(frozen=True)
class Image:
    """How what was made of the Dockerfile is started."""

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]

    @property
    def root(self) -> Path:
        """Where its files lie."""
        return self.directory.parent

    def start(self, told: Mapping[str, str], *command: str, **options: Any) -> "subprocess.Popen[str]":
        """A process of it in an environment with nothing else, by its own command if none is given."""
        search = self.environment["PATH"]
        program = subprocess.check_output(["which", (command or self.command)[0]], env={"PATH": search}, text=True)
        return subprocess.Popen(
            [program.strip(), *(command or self.command)[1:]],
            cwd=self.directory,
            env={**self.environment, **told},
            text=True,
            **options,
        )


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    """Both, made by the Dockerfile's lines."""
    command = [sys.executable, str(ROOT / "scripts" / "image_tree.py"), *IMAGES, str(tmp_path_factory.mktemp("images"))]
    made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {
        name: Image(name, tuple(each["command"]), Path(each["directory"]), each["environment"])
        for name, each in made.items()
    }


def files_of(image: Image) -> set[Path]:
    """All files of an image."""
    return {path.relative_to(image.root) for path in image.root.rglob("*")}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_holds_its_process_what_both_share_and_no_spark(images: dict[str, Image], name: str):
    files = files_of(images[name])

    assert {path.parts[1] for path in files if path.parts[0] == "app" and len(path.parts) == 2} == {name, "shared"}
    assert [
        path for path in files if {"pyspark", "py4j", "spark_jobs"} & set(path.parts) or path.suffix == ".jar"
    ] == []


@pytest.mark.parametrize("name", IMAGES)
def test_without_its_settings_a_process_does_not_start_and_names_each(images: dict[str, Image], name: str):
    process = images[name].start({"ENVIRONMENT": "production"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = process.communicate(timeout=PATIENCE_SECONDS)[1]

    required = [
        field.metadata["variable"]
        for field in fields(Settings)
        if field.metadata["production"] and name in field.metadata["read_by"]
    ]
    assert process.returncode == 2
    assert said.startswith(f"{name}: ENVIRONMENT=production needs: ")
    assert re.findall(r"([A-Z_]+) \(", said) == required


# One that runs


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """AWS and EMR Serverless."""
    with start_cloud(variables=NO_SPARK) as started:
        yield started


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsProvider]:
    """Who knows the callers."""
    found = TlsProvider(tmp_path_factory.mktemp("provider"))
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def told(cloud: LocalCloud, provider: TlsProvider) -> dict[str, dict[str, str]]:
    """What the tasks of production are told, with the names, the keys and the provider that there are here."""
    containers = {name: container for name, _, container in containers_of(resolve_environment("production"))}
    here = {name: value for name, value in cloud.environment.items() if name != "ENVIRONMENT"}
    here |= {"OIDC_ISSUER": provider.issuer}
    of_the_sdk = {name: value for name, value in here.items() if name.startswith("AWS_")}
    found = {}
    for name, container in containers.items():
        variables = variables_of(container)
        known = {variable: here.get(variable, value) for variable, value in variables.items()}
        found[name] = {**known, **of_the_sdk, "SSL_CERT_FILE": str(provider.certificate)}
    found["api"]["API_PORT"], found["worker"]["HEALTH_PORT"] = str(free_port()), str(free_port())
    return found


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(images: dict[str, Image], told: dict[str, dict[str, str]], tmp_path: Path) -> Iterator[Start]:
    """Starts what an image starts; its log is in `tmp_path`."""
    processes = []

    def start_image(name: str) -> "subprocess.Popen[str]":
        log = (tmp_path / f"{name}.log").open("w")
        processes.append(images[name].start(told[name], stdout=log, stderr=log))
        return processes[-1]

    yield start_image
    for process in processes:
        process.kill()
        process.wait()


def is_well(image: Image, told: Mapping[str, str]) -> bool:
    """What the health check of its container says."""
    return image.start(told, "python", "-m", f"{image.name}.probe", stderr=subprocess.DEVNULL).wait() == 0


def test_told_as_in_production_both_run_and_a_job_that_is_submitted_is_started(
    images: dict[str, Image],
    told: dict[str, dict[str, str]],
    start: Start,
    cloud: LocalCloud,
    provider: TlsProvider,
    tmp_path: Path,
):
    before = {name: files_of(image) for name, image in images.items()}
    bucket, url = told["api"]["RAW_BUCKET"], f"http://127.0.0.1:{told['api']['API_PORT']}"
    make_client("s3", cloud.environment).put_object(Bucket=bucket, Key="flights/1.csv", Body=b"carrier\nUA\n")
    caller = {"Authorization": f"Bearer {provider.log_in(told['api']['OIDC_AUDIENCE'])}"}
    body = {"jobType": "csv-to-parquet", "inputs": [{"name": "flights", "uri": f"s3://{bucket}/flights/1.csv"}]}

    processes = {name: start(name) for name in IMAGES}
    for name in IMAGES:
        assert wait_until(lambda name=name: is_well(images[name], told[name]), PATIENCE_SECONDS), logs(tmp_path, name)
    assert requests.post(f"{url}/jobs", json=body, timeout=PATIENCE_SECONDS).status_code == 401
    submitted = requests.post(f"{url}/jobs", json=body, headers=caller, timeout=PATIENCE_SECONDS)
    assert submitted.status_code == 202, submitted.text

    def is_running() -> bool:
        job = requests.get(f"{url}/jobs/{submitted.json()['jobId']}", headers=caller, timeout=PATIENCE_SECONDS).json()
        return bool(job["status"] == "RUNNING" and job["runId"])

    assert wait_until(is_running, PATIENCE_SECONDS), logs(tmp_path, "worker")
    for process in processes.values():
        process.terminate()
    assert {name: process.wait(PATIENCE_SECONDS) for name, process in processes.items()} == {"api": 0, "worker": 0}
    assert "worker_beat" in {line["event"] for line in logs(tmp_path, "worker")}
    assert logs(tmp_path, "api")
    # Their root can be read only, so nothing may have been written there.
    assert {name: files_of(image) for name, image in images.items()} == before


def logs(folder: Path, name: str) -> list[dict[str, Any]]:
    """The lines of a log, each of which is JSON."""
    return [json.loads(line) for line in (folder / f"{name}.log").read_text().splitlines()]
