"""Job type `csv-to-parquet`: one CSV input as Parquet, and the rows that cannot be read set aside."""

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence

from pyspark.sql import SparkSession

from spark_jobs.columns import known_columns
from spark_jobs.csv_files import LINE, CsvColumn, CsvDialect, read_csv, read_strictly
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
    if asked.limits().allow_none and is_read_in_parts(source, asked.multi_line):
        return _all_or_none(spark, source, asked)
    return _sorted(spark, source, asked)


def _sorted(spark: SparkSession, source: InputFiles, asked: Parameters) -> Result:
    rows = read_csv(spark, source, asked.dialect(), asked.csv_columns())
    partition_by = known_columns(rows.frame.drop(LINE), asked.partition_by, "partition by")
    return kept_and_set_aside(rows, source, partition_by, asked.limits())


def _all_or_none(spark: SparkSession, source: InputFiles, asked: Parameters) -> Result:
    """All rows, as fast as Spark reads them, for who wants no data if one of them is malformed.

    If one is, the rows are sorted after all: the job fails, and they say why.
    """
    frame, is_misread = read_strictly(spark, source, asked.dialect(), asked.csv_columns())
    partition_by = known_columns(frame, asked.partition_by, "partition by")
    return all_kept(frame, is_misread, source, partition_by, otherwise=lambda: _sorted(spark, source, asked))
