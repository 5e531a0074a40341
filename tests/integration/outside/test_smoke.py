"""The smoke tests pass against what they are meant for: `make run`, and an API that asks for tokens."""

import os
import subprocess
import sys
from pathlib import Path

from local.cloud import LocalCloud
from tests.integration.outside.conftest import Closed

ROOT = Path(__file__).resolve().parents[3]


def smoke(url: str, *options: str) -> tuple[int, str]:
    """Run the smoke tests as `make smoke` does; how they ended, and what they printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/smoke", "--url", url, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    return ended.returncode, ended.stdout + ended.stderr


def test_they_pass_against_a_whole_local_cloud(whole: LocalCloud):
    code, said = smoke(whole.environment["CDP_API_URL"])

    assert code == 0, said


def test_they_pass_with_a_token_where_tokens_are_asked_for(closed: Closed, tmp_path: Path):
    (tmp_path / "token").write_text(closed.provider.log_in("ann") + "\n")

    code, said = smoke(closed.url, "--token-file", str(tmp_path / "token"))

    assert code == 0, said


def test_they_fail_without_the_token_that_is_asked_for(closed: Closed):
    code, said = smoke(closed.url)

    assert code == 1
    assert "401" in said


def test_they_say_what_they_need():
    code, said = smoke("")

    assert code != 0
    assert "make smoke URL=" in said
