"""What runbooks tell operators to look at can be looked at: their commands, typed on a platform with a failed job."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Platform

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
# Done, or done and something is left to do (the runbooks' own tables of exit codes).
ANSWERS = (0, 1)


def commands_of(page: Path) -> list[str]:
    """The commands of a page that need nothing but the platform, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text().replace("\n   ", "\n"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return list(dict.fromkeys(line for line in lines if line.startswith(("cdp ", "curl "))))


def is_work_of_its_own(command: str) -> bool:
    """Whether it changes something: those are played by the tests of replays and of stuck jobs, one by one."""
    return any(word in command for word in ("--yes", "--fix"))


PAGES = [page for page in sorted(RUNBOOKS.glob("*.md")) if commands_of(page)]


@pytest.fixture(scope="module")
def failed_job(platform: Platform) -> str:
    """The id of a job that FAILED, and whose dead letter waits."""
    (job,) = platform.submit_simulated(1, seconds=0, fail="java.lang.IllegalStateException: told to fail")
    assert platform.wait(job)["status"] == "FAILED"
    return str(job["jobId"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_runbook_answer(platform: Platform, failed_job: str, page: Path):
    commands = [command for command in commands_of(page) if not is_work_of_its_own(command)]
    typed = "\n".join(
        f"{command.replace('JOB_ID', failed_job).replace('MESSAGE_ID', 'none')} > /dev/null; echo $?"
        for command in commands
    )
    cdp = f'cdp() {{ "{sys.executable}" -m cli "$@"; }}'

    result = subprocess.run(
        ["sh", "-c", f"{cdp}\n{typed}"],
        cwd=ROOT,
        env={**os.environ, **platform.cloud.environment},
        capture_output=True,
        text=True,
        timeout=200,
    )

    codes = dict(zip(commands, map(int, result.stdout.split()), strict=True))
    assert {command: code for command, code in codes.items() if code not in ANSWERS} == {}, result.stderr
