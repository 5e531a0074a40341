"""Job type `json-to-parquet`: one input of JSON lines as Parquet, and the lines that cannot be read set aside."""

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.columns import known_columns
from spark_jobs.csv_files import LINE
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.json_files import JsonColumn, read_json
from spark_jobs.result import Counts, Result


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    columns: Optional[List[Mapping[str, str]]] = None
    date_format: Optional[str] = None
    timestamp_format: Optional[str] = None
    partition_by: Sequence[str] = ()

    def formats(self) -> Dict[str, str]:
        """Spark's options for dates and times."""
        given = {"dateFormat": self.date_format, "timestampFormat": self.timestamp_format}
        return {name: pattern for name, pattern in given.items() if pattern is not None}

    def json_columns(self) -> Optional[List[JsonColumn]]:
        """The columns and types that the user asked for, or None to infer them."""
        return [JsonColumn(each["name"], each["type"]) for each in self.columns] if self.columns else None


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The good lines as data, the malformed ones as rejected; both are counted while the data is written."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    lines = read_json(spark, source, asked.json_columns(), asked.formats())
    partition_by = known_columns(lines.frame.drop(LINE), asked.partition_by, "partition by")

    counted = Observation()
    observed = lines.frame.observe(counted, F.count(F.lit(1)).alias("read"), F.count(LINE).alias("rejected"))

    def counts() -> Counts:
        return Counts({source.name: counted.get["read"]}, counted.get["rejected"])

    return Result(
        data=replace(lines, frame=observed).good(),
        counts=counts,
        partition_by=partition_by,
        rejected=lines.rejected(),
        keeps_every_row=True,
    )
