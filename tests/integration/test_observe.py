"""`make observe`'s command, as a person runs it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 120


def test_observe_shows_one_trace_of_the_example_from_the_request_to_the_run_and_what_was_counted():
    command = [sys.executable, "-m", "local.observe", "--once"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS)

    assert ended.returncode == 0, ended.stderr
    job_id = re.findall(r"POST /jobs -> job (\S+)", ended.stdout)[0]
    *_, shown = re.split(r"^trace ", ended.stdout, flags=re.MULTILINE)
    assert re.match(rf"[0-9a-f]{{32}}, job {job_id}\n", shown)
    for line in (r"└─ api  POST /jobs .* ms\n", r"─ worker  process \S+ .* ms\n", r"─ (worker|api)  run .* ms\n"):
        assert re.search(line, shown), ended.stdout
    assert 'to_status="SUCCEEDED"} 1 (+1)' in ended.stdout
