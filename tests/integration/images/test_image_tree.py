"""The script that follows the Dockerfile: what it understands, and what it refuses instead of leaving it out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.api.server import ROOT

IGNORED = "# Only what is copied.\n*\n!code\n**/__pycache__\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the script, some code, and nothing that was ever installed."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "image_tree.py", tmp_path / "scripts")
    (tmp_path / ".dockerignore").write_text(IGNORED)
    for name in ("code/main.py", "code/__pycache__/main.pyc", "secret/key.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def build(checkout: Path, dockerfile: str) -> "subprocess.CompletedProcess[str]":
    """What the script says to a Dockerfile whose stage `made` is wanted."""
    (checkout / "Dockerfile").write_text(dockerfile)
    command = [sys.executable, str(checkout / "scripts" / "image_tree.py"), "made", str(checkout / "images")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_an_image_is_what_the_lines_of_its_stages_make(checkout: Path):
    dockerfile = """
FROM python AS tools
RUN mkdir -p /opt/tools/bin \\
    && echo '#!' /opt/tools/python > /opt/tools/bin/run
FROM python AS base
RUN useradd --uid 10001 nobody
COPY --from=tools /opt/tools /opt/tools
ENV PATH=/opt/tools/bin:$PATH MODE=slim
WORKDIR /app
USER 10001
FROM base AS made
COPY code /app/code
EXPOSE 8000
CMD ["run", "it"]
"""

    said = build(checkout, dockerfile)

    root = checkout / "images" / "made"
    assert json.loads(said.stdout) == {
        "made": {
            "command": ["run", "it"],
            "directory": str(root / "app"),
            "environment": {"PATH": f"{root}/opt/tools/bin:/usr/bin:/bin", "MODE": "slim"},
        }
    }
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == {"app/code/main.py", "opt/tools/bin/run"}
    assert (root / "opt/tools/bin/run").read_text() == f"#! {root}/opt/tools/python\n"


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("VOLUME /data", "VOLUME is not known here."),
        ("COPY secret /app/secret", ".dockerignore keeps secret out."),
        ("RUN echo no network >&2; exit 3", "no network"),
    ],
)
def test_a_line_that_cannot_be_followed_is_refused(checkout: Path, line: str, refused: str):
    said = build(checkout, f"FROM python AS made\n{line}\n")

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("image_tree: ")
    assert refused in said.stderr


def test_nothing_is_copied_if_dockerignore_does_not_begin_by_keeping_all_out(checkout: Path):
    (checkout / ".dockerignore").write_text("!code\nsecret\n")

    said = build(checkout, "FROM python AS made\nCOPY code /app/code\n")

    assert (said.returncode, said.stderr) == (1, "image_tree: .dockerignore keeps code out.\n")
