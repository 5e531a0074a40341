"""The header of a CSV file from its first bytes."""

import gzip
import random
from typing import Any

import pytest

from shared.contracts.csv_headers import HEAD_BYTES, header_of, is_hidden, is_plain_csv

READ: dict[str, tuple[bytes, dict[str, Any], list[str]]] = {
    "plain": (b"id,name\n1,a\n", {}, ["id", "name"]),
    "of Windows": (b"id,name\r\n1,a\r\n", {}, ["id", "name"]),
    "of an old Mac": (b"id,name\r1,a\r", {}, ["id", "name"]),
    "alone": (b"id,name\n", {}, ["id", "name"]),
    "behind blank lines": (b"\n  \nid,name\n", {}, ["id", "name"]),
    "behind a byte order mark": ("\ufeffid,name\n".encode(), {}, ["id", "name"]),
    "in quotes": (b'"a,b","c ""d"""\n', {}, ["a,b", 'c "d"']),
    "with a backslash before quotes": (b'"c \\"d\\"",e\n', {"escape": "\\"}, ['c "d"', "e"]),
    "without quotes": (b'"a",b\n', {"quote": "", "escape": ""}, ['"a"', "b"]),
    "of another delimiter": (b"a;b\n", {"delimiter": ";"}, ["a", "b"]),
    "in Latin letters": ("id,größe\n".encode("latin-1"), {"encoding": "ISO-8859-1"}, ["id", "größe"]),
    "of several lines": (b'"a\nb",c\n1,2\n', {"multiLine": True}, ["a\nb", "c"]),
    "with an empty name": (b"a,,b\n", {}, ["a", "", "b"]),
}


@pytest.mark.parametrize(("head", "parameters", "names"), READ.values(), ids=READ.keys())
def test_a_header_is_read_as_the_job_says(head, parameters, names):
    assert header_of(head, "table.csv", parameters) == names


def test_a_compressed_file_is_read_from_its_beginning():
    numbers = random.Random(1)
    rows = "".join(f"{numbers.random()}\n" for _ in range(100_000))
    head = gzip.compress(f"id\n{rows}".encode())[:HEAD_BYTES]

    assert header_of(head, "table.csv.gz", {}) == ["id"]


def test_what_a_few_bytes_become_is_bounded():
    bomb = gzip.compress(b"\n" * 10_000_000 + b"id\n")

    assert header_of(bomb[:HEAD_BYTES], "table.csv.gz", {}) is None


NOT_READ: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "nothing": (b"", "table.csv", {}),
    "only blank lines": (b"\n\n", "table.csv", {}),
    "a line that may be cut": (b"id,name", "table.csv", {}),
    "a row that may be cut": (b'"a\nb",c\n', "table.csv", {"multiLine": True}),
    "no gzip file": (b"id,name\n", "table.csv.gz", {}),
    "a field without end": (b"x" * 200_000 + b"\n", "table.csv", {}),
}


@pytest.mark.parametrize(("head", "key", "parameters"), NOT_READ.values(), ids=NOT_READ.keys())
def test_what_only_spark_can_tell_is_left_to_it(head, key, parameters):
    assert header_of(head, key, parameters) is None


@pytest.mark.parametrize(
    ("key", "is_csv"),
    [("a.csv", True), ("a", True), ("a.CSV.GZ", True), ("a.csv.bz2", False), ("a.parquet", False), ("a.zip", False)],
)
def test_files_that_cannot_be_read_here_are_known_by_their_names(key, is_csv):
    assert is_plain_csv(key) is is_csv


@pytest.mark.parametrize(
    ("path", "hidden"), [("a.csv", False), ("_SUCCESS", True), (".a", True), ("b/_c/a.csv", True), ("_y=1/a", False)]
)
def test_what_spark_passes_over_is_passed_over(path, hidden):
    assert is_hidden(path) is hidden
