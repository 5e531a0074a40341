"""The tour of the README works as pasted."""

import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.conftest import Platform

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def tour() -> str:
    """The shell blocks between the two comments, one after the other."""
    section = README.partition("<!-- tour")[2].partition("<!-- end of the tour")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def test_every_block_of_the_tour_does_what_is_said(platform: Platform):
    env_file = platform.cloud.directory / "env"
    script = (
        tour().replace(". .local/env", f". {env_file}").replace(".venv/product/bin", str(Path(sys.executable).parent))
    )

    result = subprocess.run(["sh", "-eu", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=200)

    assert result.returncode == 0, result.stderr
    answers = result.stdout
    assert '"SUCCEEDED"' in answers
    assert re.search(r'"rowsRejected": ?1', answers)
    assert "/parameters/delimiter" in answers
    assert "/parameters/heeder" in answers
    assert "exit status 1" in answers
    assert "UNRESOLVED_COLUMN" in answers
    assert "driverLogUri" in answers
