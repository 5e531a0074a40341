"""The entry of `sql`."""

from shared.job_types.job_type import JobType
from shared.schema_problems import END

MAX_QUERY_CHARACTERS = 8000
MAX_SQL_INPUTS = 20

SQL = JobType(
    name="sql",
    version="1.1.0",
    title="Run a SQL query",
    description=(
        "Runs one SELECT or WITH statement of Spark SQL (ANSI mode) over the inputs, each of which is a view under its "
        "name, and writes the rows. An input that is the output of another job is read by its manifest. CSV inputs "
        "have a header; the types of CSV and JSON are inferred, and a malformed row in one fails the job, so convert "
        "doubtful files with csv-to-parquet or json-to-parquet first. Parquet files with other columns than the rest "
        "have NULL for those that they lack. The query sees nothing but the inputs."
    ),
    min_inputs=1,
    max_inputs=MAX_SQL_INPUTS,
    entry_point="main.py",
    example={
        "jobType": "sql",
        "inputs": [
            {"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/flights.csv"},
            {"name": "airlines", "uri": "s3://cloud-data-platform-dev-raw/flights/airlines.csv"},
        ],
        "parameters": {
            "query": (
                "SELECT name, count(*) AS flights, avg(try_cast(arr_delay AS double)) AS mean_arr_delay "
                "FROM flights JOIN airlines USING (carrier) GROUP BY name ORDER BY mean_arr_delay DESC"
            )
        },
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["query"],
        "properties": {
            "query": {
                "type": "string",
                "description": "One SELECT or WITH statement over the inputs' names.",
                "minLength": 1,
                "maxLength": MAX_QUERY_CHARACTERS,
                "examples": ["SELECT carrier, count(*) AS flights FROM flights GROUP BY carrier"],
            },
            "formats": {
                "type": "object",
                "description": (
                    "The format of inputs whose file names do not tell it (.csv, .json, .jsonl and .ndjson do; all "
                    "else is taken for Parquet), by the input's name."
                ),
                "default": {},
                "maxProperties": MAX_SQL_INPUTS,
                "propertyNames": {
                    "type": "string",
                    "description": "The name of an input: letters, digits and _, no digit first.",
                    "maxLength": 128,
                    "pattern": rf"^[A-Za-z_][A-Za-z0-9_]*{END}",
                },
                "additionalProperties": {
                    "type": "string",
                    "description": "The format of an input.",
                    "enum": ["csv", "json", "parquet"],
                },
                "examples": [{"flights": "csv"}],
            },
            "outputFormat": {
                "type": "string",
                "description": "The format of the output; CSV has a header, and quotes are doubled.",
                "default": "parquet",
                "enum": ["parquet", "csv"],
                "examples": ["csv"],
            },
        },
    },
)
