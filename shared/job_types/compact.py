"""The entry of `compact`."""

from shared.job_types.job_type import JobType

COMPACT = JobType(
    name="compact",
    version="1.0.0",
    title="Make few large files of many small ones",
    description=(
        "Writes the rows of many small Parquet files into few files of about the size asked for, in the folders that "
        "they were in (such as year=2013/). All rows and columns stay; files with other columns than the rest get "
        "NULL for those that they lack, and a column of two types fails the job. The values in names of folders stay "
        "texts. Nothing is shuffled, so rows that lay in one file stay together. The input is left as it is: point "
        "readers to the output. Limits: Parquet only; the order of rows is not promised; files are not cut below "
        "what Spark reads in one piece (128 MB); at most 500 folders with files."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    example={
        "jobType": "compact",
        "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/by-month/"}],
        "parameters": {"targetMib": 256},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "targetMib": {
                "type": "integer",
                "description": "About how large a file becomes, in MiB; reckoned by the size of the files read.",
                "default": 256,
                "minimum": 16,
                "maximum": 4096,
                "examples": [256],
            },
        },
    },
)
