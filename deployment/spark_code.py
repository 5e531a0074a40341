"""The Spark code as the platform's runs find it in S3: main.py, and the package as a zip."""

import io
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "spark_jobs"
# Zip files know no earlier date; a fixed one makes the same code the same bytes.
FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def code_objects(package: Path = PACKAGE) -> dict[str, bytes]:
    """The objects to put below SPARK_CODE_URI, by name."""
    return {"main.py": (package / "main.py").read_bytes(), "spark_jobs.zip": zip_package(package)}


def zip_package(package: Path) -> bytes:
    """The package as a zip that depends on nothing but its files' names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*.py")):
            name = f"{package.name}/{path.relative_to(package).as_posix()}"
            entry = zipfile.ZipInfo(name, FIXED_DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
