"""The entry of `deduplicate`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import COLUMN_NAME, HOW_TABLES_ARE_READ, TABLE_FORMAT, list_of_columns

DEDUPLICATE = JobType(
    name="deduplicate",
    version="1.0.0",
    title="Keep one row for each key",
    description=(
        "Of the rows with the same keys keeps the first or the last by a column, writes it as Parquet, and sets the "
        "others aside, whole and counted. The same data give the same rows, however files are cut or ordered: rows "
        "that are alike in `orderBy` are ordered by all their columns from left to right, the least first. A missing "
        "key is a value like any other, so all rows without one are alike; a row without a value in `orderBy` is kept "
        "only if all are without. " + HOW_TABLES_ARE_READ + " Limits: keys are compared as they are, capitals and "
        "blanks included; columns that hold other values (lists, objects) are neither keys nor orders; all rows of "
        "one key are sorted by one task."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    example={
        "jobType": "deduplicate",
        "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/flights.csv"}],
        "parameters": {"keys": ["tailnum"], "orderBy": "time_hour", "keep": "last"},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["keys"],
        "properties": {
            "keys": list_of_columns(
                "The columns that make two rows alike if all their values are equal.",
                ["tailnum"],
                minItems=1,
                maxItems=20,
            ),
            "orderBy": {**COLUMN_NAME, "description": "The column that says which of the rows that are alike is kept."},
            "keep": {
                "type": "string",
                "description": "Whether the first or the last row by `orderBy` is kept; without `orderBy` it is idle.",
                "default": "first",
                "enum": ["first", "last"],
                "examples": ["last"],
            },
            "format": TABLE_FORMAT,
        },
    },
)
