"""The page about logs names every event that API, workers and drivers log, with its level and its fields."""

import re
from pathlib import Path

from tests.logged_events import logged

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text()


def documented() -> dict[str, tuple[str, set[str]]]:
    """The events of the page's tables: level and fields."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| [^|]+ \| ([^|]*)\|$", PAGE, re.MULTILINE)
    return {name: (level, set(re.findall(r"`([a-z0-9_]+)`", fields))) for name, level, fields in rows}


def test_the_page_has_every_event_and_no_other():
    assert set(documented()) == {name for name, _, _ in logged()}


def test_the_page_has_the_level_and_the_fields_of_each_event():
    page = documented()
    wrong = [
        f"{name}: {level} {sorted(fields)}"
        for name, level, fields in logged()
        if page[name][0] != level or not fields <= page[name][1]
    ]

    assert wrong == []
