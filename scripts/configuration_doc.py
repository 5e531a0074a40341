"""Print docs/configuration.md, made from the settings classes. Run by `make docs`; a test compares the two."""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from local.settings import LocalSettings
from shared.settings import REDACTED, Settings

HEAD = """# Configuration

Made from `shared/settings.py` and `local/settings.py` by `make docs`; do not edit by hand.

Every variable has a default that suits `ENVIRONMENT=local` and `ci`. In every other environment the process
refuses to start until those marked *required* are set, and names all that are missing at once. Endpoints and
credentials are the AWS SDK's own variables (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...).
"""


def table_of(settings_class: type) -> str:
    """A Markdown table of a settings class: variable, default, whether required, meaning."""
    rows = ["| variable | default | required | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(settings_class):
        meta = field.metadata
        shown = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
        default = REDACTED if meta["secret"] and shown else f"`{shown}`" if shown else ""
        required = "yes" if meta["production"] else ""
        rows.append(f"| `{meta['variable']}` | {default} | {required} | {meta['meaning'].replace('|', '&#124;')} |")
    return "\n".join(rows)


def document() -> str:
    """The whole page."""
    product = f"## The product\n\n{table_of(Settings)}\n"
    local = f"## The local cloud\n\nRead by `make run`, `make demo` and the tests only.\n\n{table_of(LocalSettings)}\n"
    return "\n".join([HEAD, product, local])


if __name__ == "__main__":
    sys.stdout.write(document())
