"""The entry of `json-to-parquet`."""

from typing import Any

from shared.job_types.job_type import JobType
from shared.job_types.parts import DATE_FORMATS, LIMITS, PARTITION_BY, typed_columns
from shared.schema_problems import END

NESTED_TYPE: dict[str, Any] = {
    "type": "string",
    "description": (
        "A type of Spark SQL: string, boolean, tinyint, smallint, int, bigint, float, double, date, timestamp, "
        "decimal(p,s), array<...>, map<string,...> or struct<name:type,...>."
    ),
    "minLength": 1,
    "maxLength": 1000,
    "pattern": rf"^[A-Za-z0-9_<>(),:` ]+{END}",
    "examples": ["int", "struct<lat:double,lon:double>", "array<string>"],
}

JSON_TO_PARQUET = JobType(
    name="json-to-parquet",
    version="1.0.0",
    title="Convert JSON lines to Parquet",
    description=(
        "Reads one object of JSON lines, or all of a folder, and writes its rows as Parquet; nested objects and lists "
        "stay nested. A line that is not exactly one JSON object of at most 100 levels in UTF-8, or that has a value "
        "that does not fit its column's type, is set aside with the reason, and counted; no row is dropped, and no "
        "value becomes NULL. Blank lines are not rows. Under a contract the columns are the contract's, and lines that "
        "break one of its rules, or have other fields, are set aside too. Limits: one document over several lines is "
        "refused; with `columns`, fields that they do not name are left out; of a name that an object writes twice the "
        "last value counts; numbers with a point become double unless a column says decimal, and decimals are rounded "
        "to their type; dates are texts unless a column says date. Files compressed as .gz or .bz2 are read as they "
        "are."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    formats=("json",),
    takes_contract=True,
    example={
        "jobType": "json-to-parquet",
        "inputs": [{"name": "airports", "uri": "s3://cloud-data-platform-dev-raw/flights/airports.jsonl"}],
        "parameters": {
            "columns": [
                {"name": "faa", "type": "string"},
                {"name": "name", "type": "string"},
                {"name": "position", "type": "struct<lat:double,lon:double>"},
            ]
        },
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "columns": typed_columns(
                (
                    "The columns with their types; a field counts under its very name, and one that an object does "
                    "not have is NULL. Without it columns and types are inferred from all lines; a field whose values "
                    "have no type in common becomes a text."
                ),
                NESTED_TYPE,
                [{"name": "faa", "type": "string"}, {"name": "position", "type": "struct<lat:double>"}],
            ),
            **DATE_FORMATS,
            "partitionBy": PARTITION_BY,
            **LIMITS,
        },
    },
)
