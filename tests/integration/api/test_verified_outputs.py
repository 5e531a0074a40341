"""`cdp outputs verify` over the real API and real links: a file that is spoilt, one that is gone, another manifest."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from shared.job_store import JobStore
from shared.transitions import JobStatus
from tests.integration.api.server import ROOT, Server
from tests.integration.api.test_serving import PROCESSED, put_job

FILES = {"data/part 0+1.parquet": b"PAR1", "data/größe=7/part.parquet": b"PAR2"}


def manifest() -> dict[str, Any]:
    """The manifest of `FILES`."""
    files = [
        {"path": path, "sizeBytes": 4, "rows": 1, "sha256": hashlib.sha256(body).hexdigest()}
        for path, body in FILES.items()
    ]
    return {
        "createdAt": "2026-11-23T12:00:00.000Z",
        "files": files,
        "totals": {"files": 2, "rows": 2, "sizeBytes": 8},
        "counts": {"rowsRead": 2, "rowsWritten": 2, "rowsRejected": 0},
        "schema": None,
    }


def verify(server: Server, job_id: str) -> tuple[int, list[str]]:
    """The exit code of the command, and what it printed."""
    command = [sys.executable, "-m", "cli", "--url", server.url, "outputs", "verify", job_id]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines()


def test_what_is_spoilt_gone_or_replaced_is_found(server: Server, store: JobStore, aws: Callable[[str], Any]):
    body = json.dumps(manifest()).encode()
    job = put_job(store, JobStatus.SUCCEEDED, due_at=None, manifest_sha256=hashlib.sha256(body).hexdigest())
    s3, folder = aws("s3"), f"jobs/{job.job_id}/attempt-1/"
    for path, content in {**FILES, "_manifest.json": body}.items():
        s3.put_object(Bucket=PROCESSED, Key=folder + path, Body=content)
    first, second = FILES

    sound = verify(server, job.job_id)
    s3.put_object(Bucket=PROCESSED, Key=folder + first, Body=b"PAR0")
    s3.delete_object(Bucket=PROCESSED, Key=folder + second)
    s3.put_object(Bucket=PROCESSED, Key=f"{folder}_manifest.json", Body=body + b"\n")
    code, lines = verify(server, job.job_id)

    assert sound == (0, [])
    assert (code, len(lines)) == (1, 3)
    assert lines[0].startswith("_manifest.json: was changed: its SHA-256 is ")
    assert lines[1].startswith(f"{first}: was changed: its SHA-256 is ")
    assert lines[2] == f"{second}: is missing."
