"""What is written in two places says the same thing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("page", "script"),
    [("configuration.md", "configuration_doc.py"), ("job-types.md", "job_types_doc.py")],
)
def test_a_page_made_from_code_is_what_the_code_says(page, script):
    made = subprocess.run([sys.executable, f"scripts/{script}"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (ROOT / "docs" / page).read_text() == made.stdout, "run `make docs`"


def test_every_link_between_documents_leads_somewhere():
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"`make ([a-z0-9-]+)", page.read_text())
    }

    assert named - targets == set()


def test_make_alone_prints_every_target_with_its_phrase():
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    documented = re.findall(r"^([a-z0-9-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {"setup", "demo", "test", "run", "lint", "format", "lock", "bench", "clean"} <= set(documented)
    assert all(target in printed for target in documented)


def test_lock_files_hold_hashes_and_no_addresses():
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text()
        requirements = re.findall(r"^[a-z0-9._-]+==\S+", text, re.MULTILINE | re.IGNORECASE)
        assert requirements, lock.name
        assert "://" not in text, lock.name
        assert len(re.findall(r"==\S+.*\\\n +--hash=sha256:", text)) == len(requirements), lock.name
