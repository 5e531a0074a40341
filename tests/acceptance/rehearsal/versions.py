"""Two versions of the code: this checkout, and a copy of it that writes the next version of items and messages."""

import shutil
from pathlib import Path

from local.settings import ROOT

ROOMS = ("api", "worker", "shared")
ADDED = "addedNext"
# What the next version does otherwise: it raises what it writes, and adds what this version has never heard of.
EDITS = {
    "shared/models.py": [
        ("SCHEMA_VERSION = 1\n", "SCHEMA_VERSION = 2\n"),
        ('        "rev": job.rev,\n', f'        "rev": job.rev,\n        "{ADDED}": {{"rev": job.rev}},\n'),
    ],
    "shared/job_queue.py": [
        ("MESSAGE_SCHEMA_VERSION = 1\n", "MESSAGE_SCHEMA_VERSION = 2\n"),
        ('"kind": "job",', f'"kind": "job", "{ADDED}": True,'),
    ],
}


def copy_next_version(folder: Path) -> Path:
    """The next version of what runs, in a folder of its own."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, edits in EDITS.items():
        path = folder / name
        text = path.read_text()
        for old, new in edits:
            assert text.count(old) == 1, f"{name} does not hold {old!r} once"
            text = text.replace(old, new)
        path.write_text(text)
    return folder
