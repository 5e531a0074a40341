"""Finding the s3:// URIs in what a run is asked, wherever they stand in a word or in JSON."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local.emr.simulation import arguments_of, option
from local.emr.sizes import words_of

SCHEME = "s3://"
BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
# A word that is a URI may hold anything in its key; within other text a URI ends at a blank or a quote.
WHOLE = re.compile(rf"s3://({BUCKET})(?:/(.*))?", re.DOTALL)
WITHIN = re.compile(rf"s3://({BUCKET})(?:/([^\s\"'`<>|]*))?")
GLOB = re.compile(r"[*?\[{]")


@dataclass(frozen=True, order=True)
class Location:
    """A bucket and a key, or the beginning of keys."""

    bucket: str
    key: str

    @property
    def fixed_prefix(self) -> str:
        """The key up to the folder before its first wildcard."""
        match = GLOB.search(self.key)
        return self.key if match is None else self.key[: self.key.rfind("/", 0, match.start()) + 1]

    @property
    def has_wildcard(self) -> bool:
        """Whether Spark would expand the key."""
        return GLOB.search(self.key) is not None


def locations_in(text: str) -> list[Location]:
    """The locations that a text names; in a JSON text, those of its strings."""
    try:
        document = json.loads(text)
    except ValueError:
        return list(_in_word(text))
    return [location for string in _strings_of(document) for location in _in_word(string)]


def locations_of(request: dict[str, Any]) -> list[Location]:
    """All locations that a run names: its code, its parameters and its arguments, each once."""
    submit = request.get("jobDriver", {}).get("sparkSubmit", {})
    texts = [submit.get("entryPoint", ""), *words_of(submit.get("sparkSubmitParameters", "")), *arguments_of(request)]
    return sorted({location for text in texts for location in locations_in(text)})


def output_of(arguments: Sequence[str]) -> Location | None:
    """Where a run writes, if it says so by `--output`."""
    found = locations_in(option(arguments, "--output") or "")
    return found[0] if found else None


def parts_of(text: str) -> list[str]:
    """The parts of a word that names several files, as in --py-files; a comma within a key parts nothing."""
    return re.split(r",(?=\w+://|/)", text)


def _in_word(text: str) -> Iterator[Location]:
    for part in parts_of(text):
        whole = WHOLE.fullmatch(part)
        for match in [whole] if whole else WITHIN.finditer(part):
            yield Location(match[1], match[2] or "")


def _strings_of(document: Any) -> Iterable[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from _strings_of(value)
    elif isinstance(document, list):
        for value in document:
            yield from _strings_of(value)
