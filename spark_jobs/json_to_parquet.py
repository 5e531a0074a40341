"""Job type `json-to-parquet`: one input of JSON lines as Parquet, and the lines that cannot be read set aside."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pyspark.sql import SparkSession

from spark_jobs.columns import known_columns
from spark_jobs.csv_files import LINE
from spark_jobs.date_patterns import pattern_options
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.json_files import JsonColumn, read_json
from spark_jobs.limits import Limits
from spark_jobs.result import Result
from spark_jobs.set_aside import kept_and_set_aside


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    columns: Optional[List[Mapping[str, str]]] = None
    date_format: Optional[str] = None
    timestamp_format: Optional[str] = None
    partition_by: Sequence[str] = ()
    max_rejected_rows: Optional[int] = None
    max_rejected_fraction: Optional[float] = None

    def formats(self) -> Dict[str, str]:
        """Spark's options for dates and times."""
        return pattern_options(self.date_format, self.timestamp_format)

    def limits(self) -> Limits:
        """How many lines may be set aside."""
        return Limits(self.max_rejected_rows, self.max_rejected_fraction)

    def json_columns(self) -> Optional[List[JsonColumn]]:
        """The columns and types that the user asked for, or None to infer them."""
        return [JsonColumn(each["name"], each["type"]) for each in self.columns] if self.columns else None


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The good lines as data, the malformed ones as rejected."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    lines = read_json(spark, source, asked.json_columns(), asked.formats())
    partition_by = known_columns(lines.frame.drop(LINE), asked.partition_by, "partition by")
    return kept_and_set_aside(lines, source, partition_by, asked.limits())
