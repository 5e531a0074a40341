"""The catalogue: one entry for each kind of Spark job that a user may ask for, and what its parameters may be.

The schemas are JSON Schema 2020-12 and are shown to clients as they are, so their patterns must mean the same
to Python and to ECMAScript. The code of an entry lies in `spark_jobs/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import FieldProblem
from shared.schema_problems import END, schema_problems

MAX_COLUMNS = 200
MAX_QUERY_CHARACTERS = 8000
MAX_SQL_INPUTS = 20
SIMULATED = "simulated"


@dataclass(frozen=True)
class JobType:
    """A kind of job. `example` is the whole body of a request; `entry_point` lies in the folder of the Spark code."""

    name: str
    version: str
    title: str
    description: str
    parameters_schema: Mapping[str, Any]
    min_inputs: int
    max_inputs: int
    example: Mapping[str, Any]
    entry_point: str
    local_only: bool = False
    takes_contract: bool = False


COLUMN_NAME: dict[str, Any] = {
    "type": "string",
    "description": "The name of a column, as the header writes it; no line breaks.",
    "minLength": 1,
    "maxLength": 128,
    "pattern": rf"^[^\r\n]+{END}",
    "examples": ["arr_delay"],
}

COLUMN_TYPE: dict[str, Any] = {
    "type": "string",
    "description": (
        "One of string, boolean, tinyint, smallint, int, bigint, float, double, date, timestamp and decimal(p,s), "
        "with p digits in all (1 to 38) of which s (0 to p) follow the point."
    ),
    "maxLength": 16,
    "pattern": (
        r"^(string|boolean|tinyint|smallint|int|bigint|float|double|date|timestamp"
        rf"|decimal\(([1-9]|[12][0-9]|3[0-8]), ?([0-9]|[12][0-9]|3[0-8])\)){END}"
    ),
    "examples": ["int", "decimal(10,2)"],
}


def one_character(description: str, default: str) -> dict[str, Any]:
    """The schema of a character that shapes CSV, or of none."""
    return {
        "type": "string",
        "description": description,
        "default": default,
        "maxLength": 1,
        "pattern": rf"^[^\r\n]*{END}",
        "examples": [default],
    }


def date_pattern(description: str, example: str) -> dict[str, Any]:
    """The schema of one of Spark's patterns for dates and times."""
    return {
        "type": "string",
        "description": description,
        "minLength": 1,
        "maxLength": 60,
        "pattern": rf"^[^\r\n]+{END}",
        "examples": [example],
    }


CSV_TO_PARQUET = JobType(
    name="csv-to-parquet",
    version="1.0.0",
    title="Convert CSV to Parquet",
    description=(
        "Reads one CSV object, or all CSV objects of a folder, and writes its rows as Parquet. A row that does not "
        "have the right number of fields, or a value that does not fit its column's type, is set aside with the "
        "original line and the reason, and counted; no row is dropped, and no value becomes NULL unless it is the "
        "null value. Blank lines are not rows. Decimals with more digits after the point than their type are rounded. "
        "Under a contract the columns have its types, and rows that break one of its rules are set aside too. "
        "Files compressed as .gz or .bz2 are read as they are."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    takes_contract=True,
    example={
        "jobType": "csv-to-parquet",
        "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/flights.csv"}],
        "parameters": {"header": True, "nullValue": "NA"},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "header": {
                "type": "boolean",
                "description": "Whether the first row of each file names its columns.",
                "default": True,
                "examples": [True],
            },
            "delimiter": {
                "type": "string",
                "description": "The one character between two fields; no quote, backslash or line break.",
                "default": ",",
                "minLength": 1,
                "maxLength": 1,
                "pattern": rf'^[^"\\\r\n]*{END}',
                "examples": [",", ";", "\t"],
            },
            "quote": one_character("The one character around a field that holds delimiters; empty for none.", '"'),
            "escape": one_character("The one character before a quote inside a quoted field; empty for none.", '"'),
            "nullValue": {
                "type": "string",
                "description": "A field equal to this is NULL, and so is an empty one.",
                "default": "",
                "maxLength": 100,
                "examples": ["NA"],
            },
            "encoding": {
                "type": "string",
                "description": "How the files write characters.",
                "default": "UTF-8",
                "enum": ["UTF-8", "ISO-8859-1"],
                "examples": ["ISO-8859-1"],
            },
            "multiLine": {
                "type": "boolean",
                "description": (
                    "Whether quoted fields may hold line breaks, which are read as \\n. A file is then read by one "
                    "task, however large it is."
                ),
                "default": False,
                "examples": [True],
            },
            "columns": {
                "type": "array",
                "description": (
                    "The columns in the order of the fields, with their types; must agree with the header, if there "
                    "is one. Without it types are inferred from all rows, so a code such as 007 becomes the number 7."
                ),
                "minItems": 1,
                "maxItems": MAX_COLUMNS,
                "items": {
                    "type": "object",
                    "description": "A column.",
                    "additionalProperties": False,
                    "required": ["name", "type"],
                    "properties": {"name": COLUMN_NAME, "type": COLUMN_TYPE},
                },
                "examples": [[{"name": "carrier", "type": "string"}, {"name": "arr_delay", "type": "int"}]],
            },
            "dateFormat": date_pattern("Spark's pattern of dates; without it ISO 8601.", "dd/MM/yyyy"),
            "timestampFormat": date_pattern("Spark's pattern of timestamps; without it ISO 8601.", "dd/MM/yyyy HH:mm"),
            "partitionBy": {
                "type": "array",
                "description": "Columns whose values become folders of the output, outermost first.",
                "default": [],
                "maxItems": 10,
                "uniqueItems": True,
                "items": COLUMN_NAME,
                "examples": [["year", "month"]],
            },
        },
    },
)

SQL = JobType(
    name="sql",
    version="1.0.0",
    title="Run a SQL query",
    description=(
        "Runs one SELECT or WITH statement of Spark SQL (ANSI mode) over the inputs, each of which is a view under its "
        "name, and writes the rows. An input that is the output of another job is read by its manifest. CSV inputs "
        "have a header, and their types are inferred; a malformed row in one fails the job, so convert doubtful files "
        "with csv-to-parquet first. The query sees nothing but the inputs."
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

SIMULATED_RUN = JobType(
    name=SIMULATED,
    version="1.0.0",
    title="Simulate a run",
    description="Takes some time, then succeeds or fails as told, without running Spark; for trials of the platform.",
    min_inputs=0,
    max_inputs=MAX_SQL_INPUTS,
    entry_point=SIMULATED,
    local_only=True,
    example={"jobType": SIMULATED, "inputs": [], "parameters": {"seconds": 2}},
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "seconds": {
                "type": "number",
                "description": "How long the run takes.",
                "default": 1,
                "minimum": 0,
                "maximum": 3600,
                "examples": [2.5],
            },
            "fail": {
                "type": "string",
                "description": "The sentence the run fails with; without it the run succeeds.",
                "minLength": 1,
                "maxLength": 500,
                "examples": ["Connection reset by peer"],
            },
            "failAttempts": {
                "type": "integer",
                "description": "Only this many attempts fail, the first ones; without it all do.",
                "minimum": 1,
                "maximum": 100,
                "examples": [2],
            },
        },
    },
)

JOB_TYPES: Mapping[str, JobType] = {each.name: each for each in (CSV_TO_PARQUET, SQL, SIMULATED_RUN)}


def parameter_problems(job_type: JobType, parameters: object) -> list[FieldProblem]:
    """All that is wrong with a job's parameters: where, as a JSON pointer below /parameters, and what is right."""
    return schema_problems(job_type.parameters_schema, parameters)
