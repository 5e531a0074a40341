"""Job type `csv-to-parquet` with a contract: rows that break one of its rules are set aside like malformed ones."""

from dataclasses import dataclass, replace
from typing import Any, List, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.columns import known_columns, quoted
from spark_jobs.contract import Contract
from spark_jobs.contract_rules import faults_of, is_any_broken, rules_of, with_times
from spark_jobs.csv_files import LINE, CsvColumn, MarkedRows, first_row, read_csv
from spark_jobs.csv_to_parquet import Parameters, one_input
from spark_jobs.failures import InvalidInput
from spark_jobs.faults import reason_of, violations_of
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.result import Counts, Result

FILE, IS_GOOD = "__file__", "__is_good__"


@dataclass(frozen=True)
class CheckedRows:
    """The rows of an input with `FILE`, `LINE` and `IS_GOOD`, and what is wrong with those that are not good."""

    frame: DataFrame
    contract: Contract
    faults: Column

    def good(self) -> DataFrame:
        """The rows that are as the contract says, with what it says of their columns."""
        columns = [F.col(quoted(each.name)).alias(each.name, metadata=each.metadata) for each in self.contract.columns]
        return self.frame.where(IS_GOOD).select(*columns)

    def rejected(self) -> DataFrame:
        """The others: `file`; `line` of a malformed one, else `row`; `reason`; and `violations` for counting."""
        row = F.when(F.col(LINE).isNull(), F.struct(*[quoted(column.name) for column in self.contract.columns]))
        others = self.frame.where(~F.col(IS_GOOD)).select(FILE, LINE, row.alias("row"), self.faults.alias("faults"))
        return others.select(
            F.col(FILE).alias("file"),
            F.col(LINE).alias("line"),
            "row",
            reason_of(F.col("faults")).alias("reason"),
            violations_of(F.col("faults")).alias("violations"),
        )


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any], contract: Contract) -> Result:
    """The rows that the contract allows as data, all others as rejected.

    Without keys the input is read as without a contract: once, and again for rejected rows if there are any.
    """
    asked = read_parameters(Parameters, parameters)
    source = one_input(inputs)
    present = contract.columns_named(_names(spark, source, asked, contract), f"Input {source.name!r}: {source.uri}")
    columns = [CsvColumn(column.name, column.type) for column in present]
    marked = read_csv(spark, source, asked.dialect(), columns)
    _refuse_columns_of_folders(marked, contract)
    checked = check_rows(marked, asked, contract)
    partition_by = known_columns(checked.good(), asked.partition_by, "partition by")

    counted = Observation()
    rejected = F.count(F.when(~F.col(IS_GOOD), 1))
    observed = checked.frame.observe(counted, F.count(F.lit(1)).alias("read"), rejected.alias("rejected"))

    def counts() -> Counts:
        return Counts({source.name: counted.get["read"]}, counted.get["rejected"])

    return Result(
        data=replace(checked, frame=observed).good(),
        counts=counts,
        partition_by=partition_by,
        rejected=checked.rejected(),
        keeps_every_row=True,
    )


def check_rows(marked: MarkedRows, asked: Parameters, contract: Contract) -> CheckedRows:
    """The rows, each known as good or not."""
    # Before any shuffle, which would lose where a row came from.
    located = with_all_columns(marked.frame, contract).withColumn(FILE, F.input_file_name())
    frame, rules = with_times(located, contract.keys), rules_of(contract)
    is_good = F.col(LINE).isNull() & ~is_any_broken(rules)
    faults = F.when(F.col(LINE).isNotNull(), marked.faults(asked.dialect())).otherwise(faults_of(rules))
    return CheckedRows(frame.withColumn(IS_GOOD, is_good), contract, faults)


def with_all_columns(frame: DataFrame, contract: Contract) -> DataFrame:
    """The rows with the contract's columns in its order, and `LINE`; what the files do not have is NULL."""
    columns = [
        F.col(quoted(each.name)) if each.name in frame.columns else F.lit(None).cast(each.type).alias(each.name)
        for each in contract.columns
    ]
    return frame.select(*columns, LINE)


def _names(spark: SparkSession, source: InputFiles, asked: Parameters, contract: Contract) -> List[str]:
    """What the columns of the files are called; where nothing says it, they are all of the contract's."""
    if asked.columns:
        return [each["name"] for each in asked.columns]
    if asked.header:
        return [name or "" for name in first_row(spark, source, asked.dialect())]
    return [column.name for column in contract.columns]


def _refuse_columns_of_folders(marked: MarkedRows, contract: Contract) -> None:
    others = [name for name in marked.frame.columns if name != LINE and name not in marked.fields]
    if others:
        raise InvalidInput(
            f"The input's folders add the column {others[0]!r}, which no rule of contract {contract.ref} is about; "
            "name one of the folders as the input."
        )
