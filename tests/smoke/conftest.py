"""What the smoke tests are told: an address, a file with a token, a file with the body of a job."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

ANSWER_SECONDS = 30
SIMULATED = {"jobType": "simulated", "parameters": {"seconds": 60}}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", help="the address of the API")
    parser.addoption("--token-file", type=Path, help="a file with an access token, where tokens are asked for")
    parser.addoption("--job-file", type=Path, help="a file with the body of a job that can be submitted there")


@dataclass(frozen=True)
class Deployment:
    """An API that runs somewhere, and who we are to it."""

    url: str
    token: str | None

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> requests.Response:
        """One request, with our token."""
        ours = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.call_as_nobody(method, path, headers={**ours, **(headers or {})}, **options)

    def call_as_nobody(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request without a token."""
        return requests.request(method, f"{self.url}{path}", timeout=ANSWER_SECONDS, allow_redirects=False, **options)

    def submit(self, body: dict[str, Any], key: str) -> requests.Response:
        """Submit a job under a key."""
        return self.call("POST", "/jobs", json=body, headers={"Idempotency-Key": key})


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest) -> Deployment:
    url, token_file = request.config.getoption("--url", None), request.config.getoption("--token-file", None)
    if not url:
        raise pytest.UsageError("Say which deployment: make smoke URL=http://127.0.0.1:8000")
    return Deployment(url.rstrip("/"), token_file.read_text().strip() if token_file else None)


@pytest.fixture(scope="session")
def job_body(request: pytest.FixtureRequest, deployment: Deployment) -> dict[str, Any]:
    """A job that may be submitted there: one from a file, or a simulated one where there are any."""
    file = request.config.getoption("--job-file", None)
    if file:
        body: dict[str, Any] = json.loads(file.read_text())
        return body
    types = {each["name"] for each in deployment.call("GET", "/job-types").json()["items"]}
    if SIMULATED["jobType"] not in types:
        raise pytest.UsageError(f"Give a body to submit by JOB=file; there are the types: {', '.join(sorted(types))}.")
    return SIMULATED


@pytest.fixture(scope="session")
def key() -> str:
    """The Idempotency-Key of this run's job."""
    return f"smoke-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def job(deployment: Deployment, job_body: dict[str, Any], key: str) -> requests.Response:
    """The answer to the submission of one job, which does not outlive these tests."""
    answer = deployment.submit(job_body, key)
    assert answer.status_code == 202, answer.text
    return answer
