"""The entry of `csv-to-parquet`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import COLUMN_TYPE, CSV_DIALECT, DATE_FORMATS, LIMITS, PARTITION_BY, typed_columns

CSV_TO_PARQUET = JobType(
    name="csv-to-parquet",
    version="1.1.0",
    title="Convert CSV to Parquet",
    description=(
        "Reads one CSV object, or all CSV objects of a folder, and writes its rows as Parquet. A row that does not "
        "have the right number of fields, or a value that does not fit its column's type, is set aside with the "
        "original line and the reason, and counted; no row is dropped, and no value becomes NULL unless it is the null "
        "value. Blank lines are not rows. A row with bytes that are not UTF-8, or the character U+FFFD that stands for "
        "them, is set aside too, and a line with half of a quoted field fails the job unless `multiLine` is true. "
        "Decimals with more digits after the point than their type are rounded. Under a contract the columns have its "
        "types, and rows that break one of its rules are set aside too. Files compressed as .gz or .bz2 are read as "
        "they are. A job that does not say how many rows may be set aside hopes that there is none, which is faster; "
        "if there is one, its input is read again. So state `maxRejectedRows` or `maxRejectedFraction` where "
        "malformed rows are common. Files that are compressed or `multiLine`, and those under a contract, are read "
        "for malformed rows from the start."
    ),
    min_inputs=1,
    max_inputs=1,
    entry_point="main.py",
    formats=("csv",),
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
            **CSV_DIALECT,
            "columns": typed_columns(
                (
                    "The columns in the order of the fields, with their types; must agree with the header, if there "
                    "is one. Without it types are inferred from all rows, so a code such as 007 becomes the number 7."
                ),
                COLUMN_TYPE,
                [{"name": "carrier", "type": "string"}, {"name": "arr_delay", "type": "int"}],
            ),
            **DATE_FORMATS,
            "partitionBy": PARTITION_BY,
            **LIMITS,
        },
    },
)
