"""Parts of parameters that several job types have in common."""

from collections.abc import Mapping
from typing import Any

from shared.schema_problems import END

MAX_COLUMNS = 200

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


DATE_FORMATS: dict[str, Any] = {
    "dateFormat": date_pattern("Spark's pattern of dates; without it ISO 8601.", "dd/MM/yyyy"),
    "timestampFormat": date_pattern("Spark's pattern of timestamps; without it ISO 8601.", "dd/MM/yyyy HH:mm"),
}

# How CSV is cut into fields; the names are those of `CsvDialect` in the Spark code.
CSV_DIALECT: dict[str, Any] = {
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
}

LIMITS: dict[str, Any] = {
    "maxRejectedRows": {
        "type": "integer",
        "description": (
            "The most rows that may be set aside; if there are more, the job fails as INVALID_INPUT and names the "
            "worst rules. Without it, and without maxRejectedFraction, any number may."
        ),
        "minimum": 0,
        "maximum": 10**12,
        "examples": [0, 1000],
    },
    "maxRejectedFraction": {
        "type": "number",
        "description": "The same, as a share of the rows read; of both limits the narrower counts.",
        "minimum": 0,
        "maximum": 1,
        "examples": [0.01],
    },
}

TABLE_FORMAT: dict[str, Any] = {
    "type": "string",
    "description": (
        "The format of the input if its files' names do not tell it (.csv, .json, .jsonl and .ndjson do; all else is "
        "taken for Parquet)."
    ),
    "enum": ["csv", "json", "parquet"],
    "examples": ["csv"],
}

# What every type that reads tables says of them.
HOW_TABLES_ARE_READ = (
    "The input is Parquet, CSV with a header, JSON lines, or the output of another job, which is read by its "
    "manifest. The types of CSV and JSON are inferred, so a code such as 007 becomes the number 7, and a malformed "
    "row fails the job: convert doubtful files with csv-to-parquet or json-to-parquet first."
)


def list_of_columns(description: str, example: list[str], **bounds: Any) -> dict[str, Any]:
    """The schema of a list of columns' names, none of them twice."""
    return {
        "type": "array",
        "description": description,
        "uniqueItems": True,
        "items": COLUMN_NAME,
        "examples": [example],
        **bounds,
    }


PARTITION_BY = list_of_columns(
    "Columns whose values become folders of the output, outermost first.", ["year", "month"], default=[], maxItems=10
)


def program_file(description: str, suffix: str, example: str) -> dict[str, Any]:
    """The schema of the URI of a user's own program."""
    return {
        "type": "string",
        "description": description,
        "maxLength": 1024,
        "pattern": rf"^s3://[^\r\n]+\.{suffix}{END}",
        "examples": [example],
    }


ARGUMENTS: dict[str, Any] = {
    "type": "array",
    "description": (
        "The program's own arguments, which come before the platform's; {output} in one becomes the folder of the "
        "attempt, which ends with a slash."
    ),
    "default": [],
    "maxItems": 100,
    "items": {"type": "string", "description": "An argument.", "maxLength": 1000},
    "examples": [["--since", "2013-01-01"], ["1000", "{output}data"]],
}

# What every type that runs a user's own program says of it.
HOW_PROGRAMS_RUN = (
    "The last arguments are `--job JSON --output s3://bucket/jobs/JOB/ --attempt N`: JSON holds the inputs and "
    "parameters, and all that the program writes goes below `<output>attempt-<N>/`; it can read the inputs, and write "
    "nowhere else. It may leave `_manifest.json` there, last of all, which the job's outputs are then shown by, and "
    "`_failure.json` with INVALID_INPUT if another try would be of no use. Limits: the platform counts no rows of such "
    "a job and checks none; a program that writes no manifest has outputs in S3 alone."
)


def typed_columns(description: str, type_schema: Mapping[str, Any], example: list[dict[str, str]]) -> dict[str, Any]:
    """The schema of columns with their types."""
    return {
        "type": "array",
        "description": description,
        "minItems": 1,
        "maxItems": MAX_COLUMNS,
        "items": {
            "type": "object",
            "description": "A column.",
            "additionalProperties": False,
            "required": ["name", "type"],
            "properties": {"name": COLUMN_NAME, "type": type_schema},
        },
        "examples": [example],
    }
