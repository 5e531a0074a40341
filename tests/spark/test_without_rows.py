"""Inputs and results without a row. Spark may then drop what was to be counted on the way, and a count never comes."""

import pytest

from tests.spark.test_contracts import KEY, column

COUNTED_BY = "SELECT name, count(*) AS rows FROM t GROUP BY name"
# type, the input, its parameters, how many rows are read
WITHOUT_RESULT = {
    "deduplicate, of no row": ("deduplicate", "id,name\n", {"keys": ["id"]}, 0),
    "sql, grouped, of no row": ("sql", "id,name\n", {"query": COUNTED_BY}, 0),
    "sql, of rows that the query leaves out": ("sql", "id,name\n1,a\n", {"query": f"{COUNTED_BY} HAVING rows > 1"}, 1),
    "csv-to-parquet, of no row": ("csv-to-parquet", "id,name\n", {}, 0),
    "mask, of no row": ("mask", "id,name\n", {"columns": [{"name": "id", "method": "redact"}]}, 0),
}


@pytest.mark.parametrize(("job_type", "content", "parameters", "read"), WITHOUT_RESULT.values(), ids=WITHOUT_RESULT)
def test_a_job_without_a_row_to_write_ends_with_all_counts(platform, job_type, content, parameters, read):
    attempt = platform.run(job_type, {"t": platform.put("t.csv", content)}, parameters)

    assert attempt.counts == {"rowsRead": read, "rowsWritten": 0, "rowsRejected": 0}


ID, KEPT = {"columns": [{"name": "id", "type": "int"}]}, {"onViolation": "quarantine"}
# type, lines, parameters, what a contract says of `id` if there is one, how many lines are set aside
WITHOUT_GOOD_LINE = {
    "json-to-parquet, of blank lines": ("json-to-parquet", "\n\n", ID, None, 0),
    "json-to-parquet, of malformed lines": ("json-to-parquet", "1\n", ID, None, 1),
    "json-to-parquet, of lines that share a key": ("json-to-parquet", '{"id": 1}\n{"id": 1}\n', {}, KEY, 2),
    "quality, of blank lines": ("quality", "\n\n", KEPT, KEY, 0),
    "quality, of lines that share a key": ("quality", '{"id": 1}\n{"id": 1}\n', KEPT, KEY, 2),
}


@pytest.mark.parametrize(
    ("job_type", "lines", "parameters", "key", "rejected"), WITHOUT_GOOD_LINE.values(), ids=WITHOUT_GOOD_LINE
)
def test_lines_of_which_none_is_good_end_with_all_counts(platform, job_type, lines, parameters, key, rejected):
    contract = platform.put_contract([column("id", "integer", key)]) if key else None

    attempt = platform.run(job_type, {"t": platform.put("t.jsonl", lines)}, parameters, contract=contract)

    assert attempt.counts == {"rowsRead": rejected, "rowsWritten": 0, "rowsRejected": rejected}


@pytest.mark.parametrize(("rows", "rejected"), [("", 0), ("1\n1\n", 2)], ids=["no row", "rows that share a key"])
def test_a_contract_that_leaves_no_row_ends_with_all_counts(platform, rows, rejected):
    attempt = platform.check([column("id", "integer", KEY)], f"id\n{rows}")

    assert attempt.counts == {"rowsRead": rejected, "rowsWritten": 0, "rowsRejected": rejected}
