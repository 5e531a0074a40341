"""Which code runs: the package as it was shipped to Spark."""

import hashlib
from pathlib import Path
from typing import Optional


def code_sha256(package: Path = Path(__file__).parent) -> Optional[str]:
    """The SHA-256 of the zip that holds this package; None where it runs from a folder, as in a checkout."""
    archive = package.parent
    return hashlib.sha256(archive.read_bytes()).hexdigest() if archive.is_file() else None
