"""The entry of `pii-scan`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import TABLE_FORMAT
from shared.schema_problems import END

PII_SCAN = JobType(
    name="pii-scan",
    version="1.0.0",
    title="Find personal data",
    description=(
        "Looks at every value of every column for e-mail addresses, IBANs, card numbers, US Social Security numbers, "
        "telephone numbers with country code and IP addresses, by their forms and check digits. Writes a Parquet table "
        "with a row for each column and kind, and the report `pii.json`: for each column the kinds, how many values, "
        "how sure that is, and a decision (found, none or unknown), and one for the whole. No value of the data is in "
        "any of it, nor in logs and errors: samples show which marks stand between letters and digits, a@a.a. Values "
        "are read as texts, nested ones as JSON, and lines that are not rows are looked at too. Limits: names of "
        "persons, places and dates of birth have no form and are not found, nor are telephone numbers without country "
        "code and Social Security numbers without dashes or spaces; a version of four small numbers is taken for an IP "
        "address; binary values are not looked at, and of a text only the first 100,000 characters. Names of columns "
        "and files are shown. See docs/pii.md."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    example={
        "jobType": "pii-scan",
        "inputs": [{"name": "planes", "uri": "s3://cloud-data-platform-dev-raw/flights/planes.csv"}],
        "parameters": {"sampleFraction": 0.5, "seed": 7},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "format": TABLE_FORMAT,
            "header": {
                "type": "boolean",
                "description": "Of CSV: whether the first row of each file names its columns.",
                "default": True,
                "examples": [False],
            },
            "delimiter": {
                "type": "string",
                "description": "Of CSV: the one character between two fields; no quote, backslash or line break.",
                "default": ",",
                "minLength": 1,
                "maxLength": 1,
                "pattern": rf'^[^"\\\r\n]*{END}',
                "examples": [";"],
            },
            "sampleFraction": {
                "type": "number",
                "description": (
                    "The share of rows that are looked at. Of a sample the decision is found or unknown, never none."
                ),
                "default": 1.0,
                "minimum": 0.000001,
                "maximum": 1,
                "examples": [0.1],
            },
            "seed": {
                "type": "integer",
                "description": "Which sample: the same seed takes the same rows, however they lie in files.",
                "default": 0,
                "minimum": 0,
                "maximum": 2147483647,
                "examples": [7],
            },
        },
    },
)
