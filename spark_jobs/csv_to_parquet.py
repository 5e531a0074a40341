"""Job type `csv-to-parquet`: one CSV input as Parquet, and the rows that cannot be read set aside."""

from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Sequence

from pyspark.sql import SparkSession

from spark_jobs.columns import known_columns
from spark_jobs.csv_files import LINE, CsvColumn, CsvDialect, TypedCsv, stated_csv, typed_csv
from spark_jobs.inputs import InputFiles, is_read_in_parts
from spark_jobs.job import read_parameters
from spark_jobs.limits import Limits
from spark_jobs.result import Result
from spark_jobs.set_aside import all_kept, kept_and_set_aside


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    null_value: str = ""
    encoding: str = "UTF-8"
    multi_line: bool = False
    date_format: Optional[str] = None
    timestamp_format: Optional[str] = None
    columns: Optional[List[Mapping[str, str]]] = None
    partition_by: Sequence[str] = ()
    max_rejected_rows: Optional[int] = None
    max_rejected_fraction: Optional[float] = None

    def dialect(self) -> CsvDialect:
        """How the files are to be read."""
        return CsvDialect.of(self)

    def limits(self) -> Limits:
        """How many rows may be set aside."""
        return Limits(self.max_rejected_rows, self.max_rejected_fraction)

    def csv_columns(self) -> Optional[List[CsvColumn]]:
        """The columns and types that the user asked for, or None to infer them."""
        return [CsvColumn(each["name"], each["type"]) for each in self.columns] if self.columns else None


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The good rows as data, the malformed ones as rejected."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    dialect, columns = asked.dialect(), asked.csv_columns()

    def looked_at() -> TypedCsv:
        return typed_csv(spark, source, dialect, columns)

    if asked.limits().expect_some or not is_read_in_parts(source, asked.multi_line):
        return _sorted(spark, looked_at(), asked)
    if columns:
        return _unsorted(spark, stated_csv(spark, source, dialect, columns), asked, looked_at)
    table = looked_at()
    return _unsorted(spark, table, asked, lambda: table)


def _sorted(spark: SparkSession, table: TypedCsv, asked: Parameters) -> Result:
    rows = table.marked(spark)
    partition_by = known_columns(rows.frame.drop(LINE), asked.partition_by, "partition by")
    return kept_and_set_aside(rows, table.source, partition_by, asked.limits())


def _unsorted(spark: SparkSession, table: TypedCsv, asked: Parameters, looked_at: Callable[[], TypedCsv]) -> Result:
    """All rows, as fast as Spark reads them; if one is malformed after all, those of `looked_at` are sorted instead."""
    frame, is_misread = table.strict(spark)
    partition_by = known_columns(frame, asked.partition_by, "partition by")
    return all_kept(frame, is_misread, table.source, partition_by, otherwise=lambda: _sorted(spark, looked_at(), asked))
