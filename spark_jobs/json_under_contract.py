"""Job type `json-to-parquet` with a contract: lines that break one of its rules are set aside like malformed ones."""

from typing import Any, Mapping, Sequence

from pyspark.sql import SparkSession

from spark_jobs.columns import known_columns
from spark_jobs.contract import Contract
from spark_jobs.contract_check import CheckedRows, check_rows, refuse_columns_of_folders
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.json_files import JsonColumn, read_only
from spark_jobs.json_to_parquet import Parameters
from spark_jobs.result import Result
from spark_jobs.set_aside import kept_and_set_aside


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any], contract: Contract) -> Result:
    """The lines that the contract allows as data, all others as rejected."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    if asked.columns:
        raise InvalidInput(f"Contract {contract.ref} says the columns and their types: leave `columns` out.")
    checked = read_json_under(spark, source, asked.formats(), contract)
    partition_by = known_columns(checked.good(), asked.partition_by, "partition by")
    return kept_and_set_aside(checked, source, partition_by, asked.limits())


def read_json_under(
    spark: SparkSession, source: InputFiles, formats: Mapping[str, str], contract: Contract
) -> CheckedRows:
    """The lines under the contract's types, held to its rules.

    A field has the very name of its column. A line with other fields is malformed: nothing is left out in silence.
    """
    columns = [JsonColumn(column.name, column.type) for column in contract.columns]
    lines = read_only(spark, source, columns, formats)
    refuse_columns_of_folders(lines.frame, lines.schema.names, contract)
    return check_rows(lines.frame, lines.faults(), contract, lines.is_torn)
