"""Job type `csv-to-parquet`: one CSV input as Parquet, and the rows that cannot be read set aside."""

from dataclasses import dataclass, replace
from typing import Any, List, Mapping, Optional, Sequence

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.columns import known_columns
from spark_jobs.csv_files import LINE, CsvColumn, CsvDialect, read_csv
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.result import Counts, Result


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

    def dialect(self) -> CsvDialect:
        """How the files are to be read."""
        return CsvDialect(
            header=self.header,
            delimiter=self.delimiter,
            quote=self.quote,
            escape=self.escape,
            null_value=self.null_value,
            encoding=self.encoding,
            multi_line=self.multi_line,
            date_format=self.date_format,
            timestamp_format=self.timestamp_format,
        )

    def csv_columns(self) -> Optional[List[CsvColumn]]:
        """The columns and types that the user asked for, or None to infer them."""
        return [CsvColumn(each["name"], each["type"]) for each in self.columns] if self.columns else None


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The good rows as data, the malformed ones as rejected.

    The count of both is taken while the data is written. Only if it finds malformed rows is the input read again
    for them: a cache that saved this would have to hold the whole input.
    """
    asked = read_parameters(Parameters, parameters)
    source = one_input(inputs)
    rows = read_csv(spark, source, asked.dialect(), asked.csv_columns())
    partition_by = known_columns(rows.frame.drop(LINE), asked.partition_by, "partition by")

    counted = Observation()
    observed = rows.frame.observe(counted, F.count(F.lit(1)).alias("read"), F.count(LINE).alias("rejected"))

    def counts() -> Counts:
        return Counts({source.name: counted.get["read"]}, counted.get["rejected"])

    return Result(
        data=replace(rows, frame=observed).good(),
        counts=counts,
        partition_by=partition_by,
        rejected=rows.rejected(asked.dialect()),
        keeps_every_row=True,
    )


def one_input(inputs: Sequence[InputFiles]) -> InputFiles:
    """The only input. Raises: InvalidInput."""
    if len(inputs) != 1:
        raise InvalidInput(f"csv-to-parquet takes one input, not {len(inputs)}.")
    return inputs[0]
