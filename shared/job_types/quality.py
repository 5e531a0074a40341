"""The entry of `quality`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import CSV_DIALECT, DATE_FORMATS, LIMITS, TABLE_FORMAT

QUALITY = JobType(
    name="quality",
    version="1.0.0",
    title="Hold a table to its contract",
    description=(
        "Checks all rows of an input against the job's contract: types, required values, ranges, lengths, patterns, "
        "uniqueness and keys. Writes the rows that are as the contract says as Parquet under its types, sets the "
        "others aside with the reasons, and writes two reports: `quality.json`, and `quality.html`, a page for people. "
        "They say for every rule how many rows break it, with a few samples; if the contract classifies a column as "
        "anything but public, samples show the form of values (a for letters, 9 for digits, x for both) and no value. "
        "With `onViolation` fail one broken row fails the job as INVALID_INPUT, and what was set aside and the reports "
        "stay. The input is CSV, JSON lines, Parquet, or the output of another job. Columns of CSV stand in the "
        "contract's order; a field of JSON has the very name of its column, and a line with other fields is broken; a "
        "Parquet file with other columns fails the job, and so does one with other types, but whole numbers of any "
        "size, decimals of any size, a float for a double and a time without zone are read, and a value that does not "
        "fit is broken. Limits: the contract is of flat columns; each key or unique column costs a shuffle of all rows."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    formats=("csv", "json", "parquet"),
    takes_contract=True,
    needs_contract=True,
    example={
        "jobType": "quality",
        "contract": "airports/1.0.0",
        "inputs": [{"name": "airports", "uri": "s3://cloud-data-platform-dev-raw/flights/airports.csv"}],
        "parameters": {"onViolation": "quarantine", "maxRejectedFraction": 0.01},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "onViolation": {
                "type": "string",
                "description": (
                    "fail: a broken row fails the job, whatever the limits say. quarantine: broken rows are set aside, "
                    "within the limits."
                ),
                "enum": ["fail", "quarantine"],
                "default": "fail",
                "examples": ["quarantine"],
            },
            **LIMITS,
            "samples": {
                "type": "integer",
                "description": "How many samples the reports show of each rule.",
                "default": 5,
                "minimum": 0,
                "maximum": 20,
                "examples": [3],
            },
            "format": TABLE_FORMAT,
            **CSV_DIALECT,
            **DATE_FORMATS,
        },
    },
)
