"""A document that names a test names one that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PAGES = [page for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if NAMED.search(page.read_text())]
PAINS = ROOT / "docs" / "what-breaks-elsewhere.md"


def functions_of(path: Path) -> set[str]:
    """The names of a file's test functions."""
    if not path.exists():
        return set()
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_document_names_exists(page: Path):
    named = NAMED.findall(page.read_text())

    assert [f"{path}::{name}" for path, name in named if name not in functions_of(ROOT / path)] == []


def test_every_pain_of_the_table_names_what_answers_it_and_a_test():
    rows = [line.split(" | ") for line in PAINS.read_text().splitlines() if re.match(r"\| \d+ \|", line)]

    assert len(rows) == 15
    assert [row[0] for row in rows if len(row) != 4 or "#" not in row[1] or not NAMED.search(row[3])] == []
