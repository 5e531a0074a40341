"""The entry of `mask`."""

from typing import Any

from shared.job_types.job_type import JobType
from shared.job_types.parts import COLUMN_NAME, HOW_TABLES_ARE_READ, MAX_COLUMNS, TABLE_FORMAT
from shared.schema_problems import END

HOW: dict[str, Any] = {
    "method": {
        "type": "string",
        "description": (
            "drop: no such column. hash: HMAC-SHA256 under `hashKey`, 64 hexadecimal digits. truncate: the first "
            "`keep` characters of a text. redact: `text`."
        ),
        "enum": ["drop", "hash", "truncate", "redact"],
        "examples": ["hash"],
    },
    "keep": {
        "type": "integer",
        "description": "Of truncate: how many characters are left.",
        "default": 1,
        "minimum": 1,
        "maximum": 1000,
        "examples": [3],
    },
    "text": {
        "type": "string",
        "description": "Of redact: what stands in place of each value.",
        "default": "***",
        "maxLength": 100,
        "examples": ["***"],
    },
}

MASK = JobType(
    name="mask",
    version="1.0.0",
    title="Mask columns",
    description=(
        "Writes all rows of a table as Parquet, with some columns dropped, hashed, cut or replaced. Columns are named, "
        "or chosen by the class that a contract gives them, if the input was written by a job under that contract; "
        "what is said of a column goes before what is said of its class. NULL stays NULL; other masked columns become "
        "texts. " + HOW_TABLES_ARE_READ + " Limits: equal values have equal hashes under the same key, so a hash is a "
        "pseudonym, and who has the key can try values; with `hashKey` random the key is made up for this run and kept "
        "nowhere, so hashes of two jobs cannot be compared; a number is hashed as Spark writes it under its type, so 7 "
        "and 7.0 differ; what is left of a cut text may still tell who it is; columns that are not named stay as they "
        "are, also if they hold personal data. See docs/pii.md."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    example={
        "jobType": "mask",
        "inputs": [{"name": "planes", "uri": "s3://cloud-data-platform-dev-raw/flights/planes.csv"}],
        "parameters": {
            "columns": [
                {"name": "tailnum", "method": "hash"},
                {"name": "model", "method": "truncate", "keep": 2},
                {"name": "engine", "method": "redact"},
                {"name": "speed", "method": "drop"},
            ],
            "hashKey": "random",
        },
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "columns": {
                "type": "array",
                "description": "What becomes of which column.",
                "default": [],
                "maxItems": MAX_COLUMNS,
                "items": {
                    "type": "object",
                    "description": "A column.",
                    "additionalProperties": False,
                    "required": ["name", "method"],
                    "properties": {"name": COLUMN_NAME, **HOW},
                },
                "examples": [[{"name": "tailnum", "method": "hash"}]],
            },
            "classes": {
                "type": "array",
                "description": "What becomes of the columns of a class; the later of two for one class wins.",
                "default": [],
                "maxItems": 20,
                "items": {
                    "type": "object",
                    "description": "A class.",
                    "additionalProperties": False,
                    "required": ["class", "method"],
                    "properties": {
                        "class": {
                            "type": "string",
                            "description": "A column's `classification` in the contract.",
                            "minLength": 1,
                            "maxLength": 100,
                            "pattern": rf"^[^\r\n]+{END}",
                            "examples": ["pii"],
                        },
                        **HOW,
                    },
                },
                "examples": [[{"class": "pii", "method": "redact"}]],
            },
            "hashKey": {
                "type": "string",
                "description": (
                    "platform: the key that this platform's operators keep, the same for all jobs. random: one that is "
                    "made up for this run."
                ),
                "default": "platform",
                "enum": ["platform", "random"],
                "examples": ["random"],
            },
            "format": TABLE_FORMAT,
        },
    },
)
