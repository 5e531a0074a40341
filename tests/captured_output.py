"""What the processes of a whole run of tests wrote holds no secret that they use.

Fixtures let processes write to files: below pytest's folder, or in that of a local cloud, which is looked at in the
moment in which it is removed. Both tiers that start processes take the fixture into their conftest.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

# What is blotted out is ***, and a place for a token is <token>.
SECRETS = re.compile(
    r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]+|Bearer [\w.~+/-]{8,}|whsec_[\w+/-]{8,}"
    r"|X-Amz-(?:Signature|Security-Token)=[\w%-]{8,}"
    r"|(?:webhook-signature|authorization)['\"]?: ?['\"]?(?!Bearer)\w{2,}",
    re.IGNORECASE,
)
# Of the servers of tests/integration/api.
MASTER_KEY = "a master key of at least 32 characters"
# Of the local clouds, which make keys of their own for links and reports.
KEYS_FILE = "keys.json"
CLOUDS = "local-cloud-"
# What plays AWS says what AWS would, to AWS's own people.
OF_OTHERS = {"aws.log", "emr.log"}


def secrets_in(text: str, keys: Sequence[str] = ()) -> list[str]:
    """The secrets of a text, and those of the known keys that it holds."""
    return [found[0] for found in SECRETS.finditer(text)] + [key for key in keys if key in text]


def lines_with_secrets(folder: Path) -> Iterator[str]:
    """For each log in a folder that has one, where it is and the first line that holds a secret."""
    keys = [MASTER_KEY]
    if (folder / KEYS_FILE).exists():
        keys += json.loads((folder / KEYS_FILE).read_text()).values()
    for path in sorted(each for each in folder.rglob("*.log") if each.name not in OF_OTHERS):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if secrets_in(line, keys):
                yield f"{path}:{number}: {line[:2000]}"
                break


@pytest.fixture(scope="session", autouse=True)
def _no_secret_was_written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The last to end of all fixtures."""
    found: list[str] = []

    def look_before_it_is_removed(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "shutil.rmtree" and Path(str(arguments[0])).name.startswith(CLOUDS):
            found.extend(lines_with_secrets(Path(arguments[0])))

    sys.addaudithook(look_before_it_is_removed)
    yield
    found.extend(lines_with_secrets(tmp_path_factory.getbasetemp()))
    assert not found, "secrets in the output of processes:\n" + "\n".join(found)
