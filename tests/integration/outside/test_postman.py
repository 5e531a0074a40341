"""The Postman collection is made from the document, and passes where `make run` runs and where tokens are asked for."""

import json
import subprocess
import sys
from pathlib import Path

import requests

from local.cloud import LocalCloud
from tests.integration.outside.conftest import Closed

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = ROOT / "docs" / "api" / "postman_collection.json"


def newman(*arguments: str) -> tuple[int, str]:
    """Run the collection; how it ended and what it printed."""
    ended = subprocess.run(["scripts/newman.sh", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240)
    return ended.returncode, ended.stdout + ended.stderr


def test_the_committed_collection_is_made_from_the_document():
    command = [sys.executable, "scripts/postman_collection.py"]

    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert made == COLLECTION.read_text(), "run `make postman`"


def test_the_collection_has_every_operation_of_the_document():
    asked = {
        (item["request"]["method"].lower(), "/" + "/".join(item["request"]["url"]["path"]))
        for folder in json.loads(COLLECTION.read_text())["item"]
        for item in folder["item"]
    }
    paths = json.loads((ROOT / "docs" / "api" / "openapi.json").read_text())["paths"]

    assert asked == {
        (method, path.replace("{", ":").replace("}", "")) for path, methods in paths.items() for method in methods
    }


def test_newman_runs_it_against_a_whole_local_cloud(whole: LocalCloud):
    code, said = newman(whole.environment["CDP_API_URL"])

    print(said)
    assert code == 0, said


def test_newman_finds_an_api_that_does_not_let_it_in(closed: Closed):
    code, said = newman(closed.url)

    assert code == 1
    assert "the status is 202" in said
    assert requests.get(f"{closed.url}/health/live", timeout=30).ok
