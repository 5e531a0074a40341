"""Requests made up from the document, by schemathesis: each answer must be one that the document allows."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import requests

from tests.integration.outside.conftest import DEFAULT_EXAMPLES, DEFAULT_SEED, Closed

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Path(__file__).with_name("schemathesis.toml")
# Operations that this search cannot bring to a good answer.
NEVER_ACCEPTED = {
    "getOutputs": "no worker runs, so no job has outputs",
    "getDashboard": "no worker runs, so no job has a run",
}


def write_tokens(path: Path, closed: Closed) -> None:
    """The tokens of two owners, in the form that schemathesis reads (Web Fuzzing Commons)."""
    tokens = {name: closed.provider.log_in(name) for name in ("cleo", "dora")}
    path.write_text(
        json.dumps(
            {
                "auth": [
                    {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
                    for name, token in tokens.items()
                ]
            }
        )
    )


def search(closed: Closed, folder: Path, options: list[str]) -> tuple[int, str]:
    """Run schemathesis; how it ended and what it printed. Its hooks note each answer in `folder`."""
    write_tokens(folder / "tokens.json", closed)
    told = {"SEARCH_TOKENS": str(folder / "tokens.json"), "SEARCH_ANSWERS": str(folder / "answers")}
    program = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(SETTINGS), "run"]
    ended = subprocess.run(
        [*program, f"{closed.url}/openapi.json", "--no-color", *options],
        cwd=ROOT,
        env={**os.environ, **closed.cloud.environment, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ended.returncode, ended.stdout


def answers_of(folder: Path) -> dict[str, Counter[str]]:
    """How often each operation was answered with each status."""
    found: dict[str, Counter[str]] = {}
    for line in (folder / "answers").read_text().splitlines():
        operation_id, method, sent, status = line.split()
        if sent == method:  # others try what methods there are
            found.setdefault(operation_id, Counter())[status] += 1
    return found


def test_schemathesis_finds_nothing(closed: Closed, tmp_path: Path, request: pytest.FixtureRequest):
    seed = request.config.getoption("--search-seed", DEFAULT_SEED)
    examples = request.config.getoption("--search-examples", DEFAULT_EXAMPLES)
    seconds = request.config.getoption("--search-seconds", None)
    options = ["--seed", str(seed), "--max-examples", str(examples)]

    code, said = search(closed, tmp_path, options + (["--max-time", str(seconds)] if seconds else []))

    answers = answers_of(tmp_path)
    print(said, *(f"{name}: {dict(sorted(found.items()))}" for name, found in sorted(answers.items())), sep="\n")
    assert code == 0, f"schemathesis found something with the seed {seed}, see its output"
    assert set(answers) == operations_of(closed)
    assert not [name for name, found in answers.items() if any(status.startswith("5") for status in found)]
    accepted = {name for name, found in answers.items() if any(status.startswith("2") for status in found)}
    assert set(answers) - accepted == set(NEVER_ACCEPTED)


def operations_of(closed: Closed) -> set[str]:
    """All operations of the document."""
    paths = requests.get(f"{closed.url}/openapi.json", timeout=30).json()["paths"]
    return {operation["operationId"] for methods in paths.values() for operation in methods.values()}
