"""The header of a CSV file, from the file's first bytes: as Spark would read it, or None where only Spark can tell."""

import csv
import io
import re
import zlib
from collections.abc import Mapping
from typing import Any

# What is read of a file, and what it may become when it is compressed.
HEAD_BYTES = 64 * 1024
LINE_END = re.compile(r"\r\n|\n|\r")
# Compressed in ways that are not undone here, or no CSV at all.
OTHER_SUFFIXES = (
    *(".bz2", ".zst", ".lz4", ".snappy", ".deflate", ".zip", ".tar", ".tgz", ".7z", ".rar"),
    *(".xls", ".xlsx", ".parquet", ".orc", ".avro", ".json"),
)


def is_hidden(path: str) -> bool:
    """Whether Spark, reading a folder, passes over this path in it."""
    return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in path.split("/"))


def is_plain_csv(key: str) -> bool:
    """Whether an object may be CSV that can be read here, by its name."""
    return not key.lower().endswith(OTHER_SUFFIXES)


def is_named_csv(key: str) -> bool:
    """Whether an object's name says that it is CSV, compressed or not."""
    return key.lower().removesuffix(".gz").endswith(".csv")


def header_of(head: bytes, key: str, parameters: Mapping[str, Any]) -> list[str] | None:
    """The names in the first row, by the parameters of a job of type csv-to-parquet.

    None for a file that is damaged, that ends or is cut within its first row, or has none.
    """
    text = _text_of(head, key, parameters.get("encoding", "UTF-8"))
    if text is None:
        return None
    text = text.removeprefix("\ufeff")
    dialect = _dialect_of(parameters)
    try:
        return _row_of_lines(text, dialect) if parameters.get("multiLine", False) else _row_of_line(text, dialect)
    except csv.Error:
        return None


def _row_of_line(text: str, dialect: Mapping[str, Any]) -> list[str] | None:
    """The first line that is not blank; the last one of the text may be cut, so it does not count."""
    line = next((line for line in LINE_END.split(text)[:-1] if line.strip()), None)
    return None if line is None else next(csv.reader([line], **dialect), None)


def _row_of_lines(text: str, dialect: Mapping[str, Any]) -> list[str] | None:
    """The first row, whose fields may hold line breaks; not where the text ends with it, since it may be cut."""
    lines = io.StringIO(text.lstrip("\r\n"), newline="")
    row = next(csv.reader(lines, **dialect), None)
    return row if lines.read(1) else None


def _text_of(head: bytes, key: str, encoding: str) -> str | None:
    if key.lower().endswith(".gz"):
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
        except zlib.error:
            return None
    return head.decode(encoding, errors="replace")


def _dialect_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    quote, escape = parameters.get("quote", '"'), parameters.get("escape", '"')
    return {
        "delimiter": parameters.get("delimiter", ","),
        "quotechar": quote or None,
        "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        "doublequote": escape == quote,
        "escapechar": None if escape in ("", quote) else escape,
    }
