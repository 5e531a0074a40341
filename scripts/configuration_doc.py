"""Print docs/configuration.md, made from the settings classes. Run by `make docs`; a test compares the two."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from local.settings import LocalSettings
from shared.settings import REDACTED, Settings

OF_THE_PRODUCT: Mapping[str, Callable[[Any], str]] = {
    "required": lambda meta: "yes" if meta["production"] else "",
    "read by": lambda meta: ", ".join(meta["read_by"]),
}
HEAD = """# Configuration

Made from `shared/settings.py` and `local/settings.py` by `make docs`; do not edit by hand.

Every variable has a default that suits `ENVIRONMENT=local` and `ci`. In every other environment a process refuses to
start until all that it reads and that is *required* is set, and names all that is missing at once. The *operator* is
who runs `cdp dlq` and `cdp jobs`, which work on queues and tables. Endpoints and credentials are the AWS SDK's own
variables (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...).
"""


def table_of(settings_class: type, about: Mapping[str, Callable[[Any], str]]) -> str:
    """A Markdown table of a settings class; `about` has further columns, each made of a field's metadata."""
    rows = [("variable", "default", *about, "meaning"), ("---",) * (3 + len(about))]
    for field in dataclasses.fields(settings_class):
        meta = field.metadata
        shown = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
        default = REDACTED if meta["secret"] and shown else f"`{shown}`" if shown else ""
        meaning = meta["meaning"].replace("|", "&#124;")
        rows.append((f"`{meta['variable']}`", default, *(tell(meta) for tell in about.values()), meaning))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def document() -> str:
    """The whole page."""
    product = f"## The product\n\n{table_of(Settings, OF_THE_PRODUCT)}\n"
    local = (
        f"## The local cloud\n\nRead by `make run`, `make demo` and the tests only.\n\n{table_of(LocalSettings, {})}\n"
    )
    return "\n".join([HEAD, product, local])


if __name__ == "__main__":
    sys.stdout.write(document())
