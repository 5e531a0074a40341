"""The entry of `pyspark`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import ARGUMENTS, HOW_PROGRAMS_RUN, program_file

MOST_INPUTS = 20

PYSPARK = JobType(
    name="pyspark",
    version="1.0.0",
    title="Run a PySpark script of your own",
    description=(
        "Runs a script of yours that lies in S3, on Spark 3.5 and Python 3.9. "
        + HOW_PROGRAMS_RUN
        + " The script is one "
        "file, and can import what EMR Serverless has."
    ),
    min_inputs=0,
    max_inputs=MOST_INPUTS,
    entry_point="",
    program_parameter="script",
    example={
        "jobType": "pyspark",
        "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/flights.csv"}],
        "parameters": {"script": "s3://cloud-data-platform-dev-raw/scripts/count_by_carrier.py"},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["script"],
        "properties": {
            "script": program_file(
                "Where the script lies: the s3:// URI of a .py file in a bucket that jobs may read.",
                "py",
                "s3://cloud-data-platform-dev-raw/scripts/count_by_carrier.py",
            ),
            "arguments": ARGUMENTS,
        },
    },
)
