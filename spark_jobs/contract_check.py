"""The rows of an input held to a contract, whatever the format that they were read from."""

from dataclasses import dataclass
from typing import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.columns import quoted
from spark_jobs.contract import Contract
from spark_jobs.contract_rules import faults_of, is_any_broken, rules_of, with_times
from spark_jobs.csv_files import LINE
from spark_jobs.failures import InvalidInput
from spark_jobs.set_aside import with_reasons

FILE, IS_GOOD = "__file__", "__is_good__"


@dataclass(frozen=True)
class CheckedRows:
    """The rows of an input with `FILE`, `LINE` and `IS_GOOD`, and what is wrong with those that are not good."""

    frame: DataFrame
    contract: Contract
    faults: Column
    is_torn: Column

    @property
    def is_good(self) -> Column:
        """Whether a row is as the contract says."""
        return F.col(IS_GOOD)

    def good(self) -> DataFrame:
        """The rows that are as the contract says, with what it says of their columns."""
        columns = [F.col(quoted(each.name)).alias(each.name, metadata=each.metadata) for each in self.contract.columns]
        return self.frame.where(IS_GOOD).select(*columns)

    def rejected(self) -> DataFrame:
        """The others: `file`; `line` of a malformed one, else `row`; `reason`; and `violations` for counting."""
        row = F.when(F.col(LINE).isNull(), F.struct(*[quoted(column.name) for column in self.contract.columns]))
        where_from = (F.col(FILE).alias("file"), F.col(LINE).alias("line"))
        return with_reasons(self.frame.where(~self.is_good), self.faults, *where_from, row.alias("row"))


def check_rows(rows: DataFrame, malformed: Column, contract: Contract, is_torn: Column) -> CheckedRows:
    """Rows with `LINE`, and with those of the contract's columns that the input has, each known as good or not.

    `malformed` are the faults of a row that could not be read; `is_torn` says whether it is a part of one.
    """
    # Before any shuffle, which would lose where a row came from.
    located = _with_all_columns(rows, contract).withColumn(FILE, F.input_file_name())
    frame, rules = with_times(located, contract.keys), rules_of(contract)
    is_good = F.col(LINE).isNull() & ~is_any_broken(rules)
    faults = F.when(F.col(LINE).isNotNull(), malformed).otherwise(faults_of(rules, contract))
    return CheckedRows(frame.withColumn(IS_GOOD, is_good), contract, faults, is_torn)


def refuse_columns_of_folders(frame: DataFrame, fields: Sequence[str], contract: Contract) -> None:
    """Return if a frame has `LINE` and the columns of its text, and no others. Raises: InvalidInput."""
    others = [name for name in frame.columns if name not in (*fields, LINE)]
    if others:
        raise InvalidInput(
            f"The input's folders add the column {others[0]!r}, which no rule of contract {contract.ref} is about; "
            "name one of the folders as the input."
        )


def _with_all_columns(frame: DataFrame, contract: Contract) -> DataFrame:
    """The rows with the contract's columns in its order, and `LINE`; what the files do not have is NULL."""
    columns = [
        F.col(quoted(each.name)) if each.name in frame.columns else F.lit(None).cast(each.type).alias(each.name)
        for each in contract.columns
    ]
    return frame.select(*columns, LINE)
