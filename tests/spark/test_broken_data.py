"""Broken data give right counts, with rows in = rows out + rejected, or a sentence that says what to mend."""

import gzip
import json

import pytest

from tests.spark.test_contracts import column

COLUMNS = [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}]
TYPED = {"columns": COLUMNS}
KEYS = {"keys": ["id"]}
ANY = [column("id"), column("name", "string")]
LATIN = "id,name\n1,ant\n2,Zoë\n".encode("latin-1")
SPREAD = 'id,name,n\n1,"two\nlines",3\n4,"a, ""b""",5\n'


def truncated(text):
    """A gzip file whose end is missing."""
    return gzip.compress(text.encode(), mtime=0)[:-9]


def one_in_a_hundred(good, broken):
    return "".join((broken if number % 100 == 0 else good).format(number) for number in range(1000))


def levels(number):
    return '{"a":' * number + "1" + "}" * number


# The job's type, a file's name and content, parameters; then rows read, written and rejected, and words of the reasons.
COUNTED = {
    "1 % broken rows of CSV": (
        "csv-to-parquet", "t.csv", "id,name\n" + one_in_a_hundred("{0},x\n", "{0}\n"), TYPED, (1000, 990, 10),
        "2 fields",
    ),
    "1 % broken lines of JSON": (
        "quality", "t.jsonl", one_in_a_hundred('{{"id": {0}}}\n', '{{"id": {0}\n'),
        {}, (1000, 990, 10), "one JSON object",
    ),
    "a column of mixed types": ("csv-to-parquet", "t.csv", "id,v\n1,2\n2,x\n3,1.5\n", {}, (3, 3, 0), ""),
    "a column of mixed types under one type": (
        "csv-to-parquet", "t.csv", "id,name\n1,2\nx,x\n1.5,x\n", TYPED, (3, 1, 2), "does not fit the type int",
    ),
    "another encoding": ("csv-to-parquet", "t.csv", LATIN, TYPED, (2, 1, 1), "bytes that are not UTF-8"),
    "another encoding under a contract": ("quality", "t.csv", LATIN, {}, (2, 1, 1), "bytes that are not UTF-8"),
    "another encoding that is named": (
        "csv-to-parquet", "t.csv", LATIN, {"encoding": "ISO-8859-1"}, (2, 2, 0), "",
    ),
    "quotes and line breaks in fields": ("csv-to-parquet", "t.csv", SPREAD, {"multiLine": True}, (2, 2, 0), ""),
    "quotes alone in fields": (
        "csv-to-parquet", "t.csv", 'id,name\n1,5" pipe\n2,"a ""b"""\n3\n', {}, (3, 2, 1), "2 fields",
    ),
    "only a header, deduplicated": ("deduplicate", "t.csv", "id,name\n", KEYS, (0, 0, 0), ""),
    "JSON of ten levels": ("deduplicate", "t.jsonl", f'{{"id": 1, "v": {levels(10)}}}\n', KEYS, (1, 1, 0), ""),
}  # fmt: skip


@pytest.fixture
def run(platform):
    """Runs a job of a type over one new object; under a contract that allows all values, if it needs one."""

    def start(job_type, key, content, parameters):
        contract = platform.put_contract(ANY) if job_type == "quality" else None
        kept = {"onViolation": "quarantine"} if contract else {}
        inputs = {"table": platform.put(key, content)}
        return platform.run(job_type, inputs, {**kept, **parameters}, contract=contract)

    return start


@pytest.mark.parametrize(
    ("job_type", "key", "content", "parameters", "counts", "reason"), COUNTED.values(), ids=COUNTED.keys()
)
def test_no_row_is_lost(run, job_type, key, content, parameters, counts, reason):
    attempt = run(job_type, key, content, parameters)

    assert attempt.failure is None
    read, written, rejected = counts
    assert attempt.counts == {"rowsRead": read, "rowsWritten": written, "rowsRejected": rejected}
    assert len(attempt.rejected_rows) == rejected
    assert all(reason in row["reason"] for row in attempt.rejected_rows)


TORN = "look like parts of quoted fields that go over several lines: say `multiLine: true`"
REFUSED = {
    "a truncated gzip file, checked": ("quality", "t.csv.gz", truncated("id\n1\n" * 9), {}, "ends too early"),
    "a truncated gzip file, profiled": ("profile", "t.jsonl.gz", truncated('{"id": 1}\n' * 9), {}, "ends too early"),
    "a truncated gzip file, queried": ("sql", "t.csv.gz", truncated("id\n1\n" * 9), {"query": "SELECT 1"}, "too early"),
    "a header in another encoding": ("csv-to-parquet", "t.csv", "né\n1\n".encode("latin-1"), {}, "that are not UTF-8"),
    "UTF-16": ("csv-to-parquet", "t.csv", "id\n1\n".encode("utf-16"), {}, "that are not UTF-8"),
    "another encoding, profiled": ("profile", "t.csv", LATIN, {}, "has a malformed row"),
    "line breaks in fields": ("csv-to-parquet", "t.csv", SPREAD, {}, TORN),
    "line breaks in the last field": ("csv-to-parquet", "t.csv", 'id,name\n1,"two\nlines"\n', TYPED, TORN),
    "line breaks in the first field": ("csv-to-parquet", "t.csv", 'name,id\n"two\nlines",1\n', {}, TORN),
    "line breaks in the only field": ("csv-to-parquet", "t.csv", 'name\n"two\nlines"\n', {}, TORN),
    "line breaks in fields, checked": ("quality", "t.csv", 'id,name\n1,"two\nlines"\n', {}, TORN),
    "more broken rows than may be": (
        "csv-to-parquet", "t.csv", "id,name\n" + one_in_a_hundred("{0},x\n", "{0}\n"),
        {**TYPED, "maxRejectedFraction": 0.009},
        "10 of 1,000 rows (1 %) would be set aside, and at most 0.9 % may be. Most often broken: fields of the whole",
    ),
    "more broken lines than may be": (
        "json-to-parquet", "t.jsonl", '{"id": 1}\n{"id": "x"}\n', {"columns": COLUMNS[:1], "maxRejectedRows": 0},
        "Most often broken: type of id (1 row). The rows are in s3://",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("job_type", "key", "content", "parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_said_in_a_sentence(run, job_type, key, content, parameters, words):
    attempt = run(job_type, key, content, parameters)

    assert attempt.manifest is None
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]
    assert "\tat " not in json.dumps(attempt.failure)


SCHEMAS = {"deduplicate": KEYS, "profile": {}, "mask": {"columns": [{"name": "id", "method": "redact"}]}, "quality": {}}


@pytest.mark.parametrize("job_type", SCHEMAS)
def test_parquet_files_of_two_schemas_are_invalid_input(platform, job_type):
    for place, query in enumerate(("SELECT 1 AS id", "SELECT 'one' AS id")):
        platform.spark.sql(query).write.parquet(platform.uri(f"in/{place}"))
    contract = platform.put_contract(ANY) if job_type == "quality" else None

    attempt = platform.run(job_type, {"table": platform.uri("in")}, SCHEMAS[job_type], contract=contract)

    assert attempt.manifest is None
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
