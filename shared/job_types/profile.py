"""The entry of `profile`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import HOW_TABLES_ARE_READ, TABLE_FORMAT, list_of_columns

PROFILE = JobType(
    name="profile",
    version="1.0.0",
    title="Tell what each column holds",
    description=(
        "Counts for each column its rows, missing values and distinct values (an estimate, off by about 5 %), and "
        "finds the least and greatest value, mean and standard deviation, quantiles (within a 10,000th of their "
        "share) and the commonest values (exact). Writes a Parquet table with a row for each column, and two reports: "
        "`profile.json`, and `profile.html`, a page for people. " + HOW_TABLES_ARE_READ + " Limits: the reports show "
        "values of the data, cut at 100 characters, so they need the care that the data need; NaN is counted apart "
        "and left out of the figures; of lists and objects there are no figures but counts and commonest values; the "
        "commonest values cost a shuffle of about as much as all values as texts (0 for `topValues` saves it)."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    example={
        "jobType": "profile",
        "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/flights.csv"}],
        "parameters": {"columns": ["carrier", "origin", "dest", "distance", "time_hour"], "topValues": 5},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "columns": list_of_columns(
                "The columns to profile; without it all, if they are 300 or fewer.",
                ["carrier", "distance"],
                default=[],
                maxItems=300,
            ),
            "topValues": {
                "type": "integer",
                "description": "How many of a column's commonest values are shown; of equally common ones the least.",
                "default": 10,
                "minimum": 0,
                "maximum": 100,
                "examples": [5],
            },
            "format": TABLE_FORMAT,
        },
    },
)
