"""Reading CSV under a contract: rows that break one of its rules are set aside like malformed ones."""

from typing import Any, List, Mapping, Optional, Sequence

from pyspark.sql import SparkSession

from spark_jobs.columns import known_columns
from spark_jobs.contract import Contract
from spark_jobs.contract_check import CheckedRows, check_rows, refuse_columns_of_folders
from spark_jobs.csv_files import CsvColumn, CsvDialect, first_row, read_csv
from spark_jobs.csv_to_parquet import Parameters
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.result import Result
from spark_jobs.set_aside import kept_and_set_aside


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any], contract: Contract) -> Result:
    """The rows that the contract allows as data, all others as rejected.

    Without keys the input is read as without a contract: once, and again for rejected rows if there are any.
    """
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    names = [each["name"] for each in asked.columns] if asked.columns else None
    checked = read_csv_under(spark, source, asked.dialect(), contract, names)
    partition_by = known_columns(checked.good(), asked.partition_by, "partition by")
    return kept_and_set_aside(checked, source, partition_by, asked.limits())


def read_csv_under(
    spark: SparkSession,
    source: InputFiles,
    dialect: CsvDialect,
    contract: Contract,
    names: Optional[Sequence[str]] = None,
) -> CheckedRows:
    """The rows of a CSV input under the contract's types, held to its rules; `names` are those of the fields, if known.

    Raises: InvalidInput for a header that is not as the contract says.
    """
    names = names or _names(spark, source, dialect, contract)
    present = contract.columns_in_order(names, f"Input {source.name!r}: {source.uri}")
    marked = read_csv(spark, source, dialect, [CsvColumn(column.name, column.type) for column in present])
    refuse_columns_of_folders(marked.frame, marked.fields, contract)
    return check_rows(marked.with_lines(), marked.faults(), contract, marked.is_torn)


def _names(spark: SparkSession, source: InputFiles, dialect: CsvDialect, contract: Contract) -> List[str]:
    """What the columns of the files are called; where nothing says it, they are all of the contract's."""
    if dialect.header:
        return [name or "" for name in first_row(spark, source, dialect)]
    return [column.name for column in contract.columns]
