"""Reading Parquet under a contract: other types are refused, values that do not fit are set aside with their rows."""

from typing import List, Sequence, Tuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import StringType, StructField, StructType

from spark_jobs.columns import names_twice, quoted
from spark_jobs.contract import Contract, ContractColumn
from spark_jobs.contract_check import CheckedRows, check_rows
from spark_jobs.csv_files import LINE
from spark_jobs.failures import InvalidInput
from spark_jobs.faults import TYPE, at_least, fault, faults_among, misfit, named
from spark_jobs.inputs import InputFiles
from spark_jobs.tables import read_table

# From these types to those a value is the same, is rounded as a text would be, or does not fit and is known not to.
WHOLE = ("tinyint", "smallint", "int", "bigint")
READABLE_AS = {
    **dict.fromkeys(WHOLE, (*WHOLE, "decimal", "float", "double")),
    "decimal": ("decimal",),
    "float": ("float", "double"),
    # A time that names no zone is read as UTC.
    "timestamp_ntz": ("timestamp",),
}


def read_parquet_under(spark: SparkSession, source: InputFiles, contract: Contract) -> CheckedRows:
    """The rows of Parquet files under the contract's types, held to its rules.

    Raises: InvalidInput for files that have other columns, or columns of types that are not read as the contract's.
    """
    frame = read_table(spark, source, "parquet").frame
    where = f"Input {source.name!r}: {source.uri}"
    if names_twice(frame.columns):
        raise InvalidInput(f"{where} has two columns {names_twice(frame.columns)[0]!r}, capitals aside.")
    present = contract.columns_named(frame.columns, where)
    _refuse_other_types(frame, present, contract, where)
    rows = _as_stated(frame, present)
    return check_rows(rows, _misfits(rows.drop(LINE).schema), contract, is_torn=F.lit(False))


def _refuse_other_types(frame: DataFrame, present: Sequence[ContractColumn], contract: Contract, where: str) -> None:
    others = [
        f"{column.name} is {kind}, not {column.type}"
        for column, kind in _with_types(frame, present)
        if not _is_readable(kind, column.type)
    ]
    if others:
        raise InvalidInput(f"{where} does not have the types of contract {contract.ref}: {'; '.join(others)}.")


def _with_types(frame: DataFrame, present: Sequence[ContractColumn]) -> List[Tuple[ContractColumn, str]]:
    """The columns, each with Spark's name for the type that it has in the files."""
    types = {field.name.lower(): field.dataType.simpleString() for field in frame.schema.fields}
    return [(column, types[column.name.lower()]) for column in present]


def _is_readable(found: str, wanted: str) -> bool:
    return found == wanted or wanted.split("(")[0] in READABLE_AS.get(found.split("(")[0], ())


def _as_stated(frame: DataFrame, present: Sequence[ContractColumn]) -> DataFrame:
    """The columns under the contract's types, and `LINE`: the row as JSON if one of its values does not fit."""
    doubtful = [column for column, found in _with_types(frame, present) if found != column.type]
    is_misfit = [F.col(quoted(each.name)).isNotNull() & _cast(each).isNull() for each in doubtful]
    row = F.to_json(F.struct(*[F.col(quoted(each.name)).alias(each.name) for each in present]))
    line = F.when(F.array_contains(F.array(*is_misfit), True), row) if doubtful else F.lit(None).cast("string")
    return frame.select(*[_cast(each).alias(each.name) for each in present], line.alias(LINE))


def _cast(column: ContractColumn) -> Column:
    """The value under the contract's type; NULL where it does not fit."""
    return F.expr(f"try_cast({quoted(column.name)} AS {column.type})")


def _misfits(stated: StructType) -> Column:
    """What is wrong with a row that has a `LINE`: which of its values do not fit."""
    texts = StructType([StructField(name, StringType()) for name in stated.names])

    def faults(row: Column) -> Column:
        shown = [row[name] for name in stated.names]
        is_misfit = [shown[place].isNotNull() & F.col(quoted(name)).isNull() for place, name in enumerate(stated.names)]
        found = faults_among(is_misfit, [misfit(field, place) for place, field in enumerate(stated.fields)], shown)
        return at_least(found, fault(None, TYPE, F.lit("A value does not fit its type")))

    return named(F.from_json(F.col(LINE), texts), faults)
