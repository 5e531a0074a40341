"""Who may import whom. The rules are in docs/architecture.md; this reads the syntax trees and holds them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"api", "worker", "shared", "cli", "local", "spark_jobs", "examples", "deployment"}
# room -> the rooms of ours that it may import besides itself
MAY_IMPORT = {
    "api": {"shared"},
    "worker": {"shared"},
    "cli": {"shared"},
    "local": {"deployment.spark_code", "shared.config", "shared.settings"},
    "examples": {"local", "shared.signatures"},
    "deployment": set(),
    "shared": set(),
    "spark_jobs": set(),
}
# library -> the rooms that may know it
ROOMS_OF = {
    "flask": {"api"},
    "marshmallow": {"api"},
    "apispec": {"api"},
    "boto3": {"shared", "local", "deployment"},
    "botocore": {"shared", "local", "deployment"},
    "pyspark": {"spark_jobs"},
    "opentelemetry": {"shared", "local"},
}


def imported_by(source: str) -> set[str]:
    """The dotted names of all modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def broken_rules(room: str, source: str) -> list[str]:
    """The imports of a file in `room` that it may not have."""
    broken = []
    for name in sorted(imported_by(source)):
        top = name.partition(".")[0]
        allowed = {room, *MAY_IMPORT[room]}
        if top in OURS and not any(name == rule or name.startswith(f"{rule}.") for rule in allowed):
            broken.append(name)
        if room not in ROOMS_OF.get(top, {room}):
            broken.append(name)
    return broken


FILES = [(room, path) for room in sorted(OURS) for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize(("room", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_every_file_imports_only_what_its_room_may_know(room, path):
    assert broken_rules(room, path.read_text()) == []


@pytest.mark.parametrize(
    ("room", "source", "broken"),
    [
        ("api", "import worker.decide", ["worker.decide"]),
        ("api", "from shared.models import Job", []),
        ("worker", "def late():\n    from flask import Flask", ["flask.Flask"]),
        ("shared", "import api", ["api"]),
        ("cli", "import boto3", ["boto3"]),
        ("local", "from shared.job_store import JobStore", ["shared.job_store.JobStore"]),
        ("local", "from shared.config import read_fields\nimport boto3", []),
        ("spark_jobs", "from shared.models import Job", ["shared.models.Job"]),
        ("spark_jobs", "import pyspark.sql", []),
        ("worker", "import pyspark", ["pyspark"]),
    ],
)
def test_a_bad_import_is_found(room, source, broken):
    assert broken_rules(room, source) == broken


def test_only_the_settings_read_the_environment():
    product = [path for room, path in FILES if room in {"api", "worker", "shared", "cli"}]
    readers = [str(p.relative_to(ROOT)) for p in product if re.search(r"os\.environ|getenv", p.read_text())]

    assert readers == ["shared/config.py"]


@pytest.mark.parametrize("path", [path for room, path in FILES if room == "spark_jobs"], ids=lambda path: path.name)
def test_spark_code_parses_with_the_python_of_emr(path):
    ast.parse(path.read_text(), feature_version=(3, 9))
