"""Job type `quality`: a table held to a contract; good rows are kept, and a report says which rules others break."""

import json
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional, Sequence

from pyspark.sql import SparkSession

from spark_jobs.contract import Contract
from spark_jobs.contract_check import CheckedRows
from spark_jobs.csv_files import CsvDialect
from spark_jobs.csv_under_contract import read_csv_under
from spark_jobs.date_patterns import pattern_options
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.json_under_contract import read_json_under
from spark_jobs.limits import Limits, SetAside
from spark_jobs.parquet_under_contract import read_parquet_under
from spark_jobs.quality_page import page_of
from spark_jobs.quality_report import QualityReport, checks_of
from spark_jobs.result import Result
from spark_jobs.set_aside import kept_and_set_aside
from spark_jobs.tables import format_of, known_format
from spark_jobs.violation_samples import samples_of


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    on_violation: str = "fail"
    max_rejected_rows: Optional[int] = None
    max_rejected_fraction: Optional[float] = None
    samples: int = 5
    format: Optional[str] = None
    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    null_value: str = ""
    encoding: str = "UTF-8"
    multi_line: bool = False
    date_format: Optional[str] = None
    timestamp_format: Optional[str] = None

    def formats(self) -> Dict[str, str]:
        """Spark's options for dates and times in JSON."""
        return pattern_options(self.date_format, self.timestamp_format)

    def limits(self) -> Limits:
        """How many rows may break a rule before the job fails."""
        if self.on_violation == "fail":
            return Limits(max_rejected_rows=0)
        return Limits(self.max_rejected_rows, self.max_rejected_fraction)


def run_without_contract(*_: Any) -> Result:
    """Nothing can be checked. Raises: InvalidInput."""
    raise InvalidInput("A job of type quality holds its input to a contract: name one.")


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any], contract: Contract) -> Result:
    """The rows that are as the contract says as data, all others as rejected; `quality.json` and `quality.html`."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    checked = read_under(spark, source, asked, contract)

    def report_on(found: SetAside) -> Mapping[str, str]:
        samples = samples_of(spark, found.folder, contract, asked.samples) if found.rows and asked.samples else {}
        checks, is_accepted = checks_of(contract, found, samples), asked.limits().allow(found.rows_read, found.rows)
        report = QualityReport(source.name, source.uri, contract, found, is_accepted, checks)
        as_json = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
        return {"quality.json": as_json, "quality.html": page_of(report)}

    return replace(kept_and_set_aside(checked, source, limits=asked.limits()), report_on=report_on)


def read_under(spark: SparkSession, source: InputFiles, asked: Parameters, contract: Contract) -> CheckedRows:
    """The input in its format, held to the contract. Raises: InvalidInput."""
    file_format = known_format(asked.format or format_of(source.uris[0]))
    if file_format == "csv":
        return read_csv_under(spark, source, CsvDialect.of(asked), contract)
    if file_format == "json":
        return read_json_under(spark, source, asked.formats(), contract)
    return read_parquet_under(spark, source, contract)
