"""Examples of the rows that break a rule, a few for each, as a report may show them."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from pyspark.sql import Column, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.contract import Contract
from spark_jobs.faults import SHOWN_CHARACTERS
from spark_jobs.pii_patterns import shape_of

# As rejected rows are written; whatever their types, values are read back as the texts that JSON made of them.
REJECTED = "file string, line string, row map<string, string>, violations array<struct<column: string, rule: string>>"

Rule = Tuple[Optional[str], str]


@dataclass(frozen=True)
class Sample:
    """Where a row is that breaks a rule, and its values in the rule's columns, or its line if it could not be read."""

    file: str
    value: Optional[str]

    def to_json(self) -> Dict[str, Any]:
        """As the report shows it."""
        return {"file": self.file, "value": self.value}


def samples_of(spark: SparkSession, folder: str, contract: Contract, most: int) -> Dict[Rule, List[Sample]]:
    """Up to `most` samples for each rule that a row in a folder of rejected ones breaks, by column and rule.

    If the contract classifies a column, no value is shown, only its form: in a row that is out of place a
    value can stand in any column.
    """
    broken = spark.read.schema(REJECTED).json(folder).select("*", F.explode("violations").alias("broken"))
    text = F.coalesce(F.substring("line", 1, SHOWN_CHARACTERS), _values(contract))
    shown = shape_of(text) if contract.is_sensitive else text
    told = broken.select("broken.column", "broken.rule", "file", shown.alias("value"))
    by_place = Window.partitionBy("column", "rule").orderBy("file", "value")
    few = told.withColumn("place", F.row_number().over(by_place)).where(F.col("place") <= most)
    samples: Dict[Rule, List[Sample]] = {}
    for row in few.orderBy("column", "rule", "place").collect():
        samples.setdefault((row["column"], row["rule"]), []).append(Sample(row["file"], row["value"]))
    return samples


def _values(contract: Contract) -> Column:
    """The values of the columns that a rule is about, with commas between them; NULL if there is none."""
    names = F.array("broken.column")
    for key in contract.keys:
        label = ", ".join(key.columns)
        names = F.when(F.col("broken.column") == label, F.array(*map(F.lit, key.columns))).otherwise(names)
    values = F.transform(names, lambda name: F.substring(F.col("row")[name], 1, SHOWN_CHARACTERS))
    return F.when(F.exists(values, lambda value: value.isNotNull()), F.array_join(values, ", "))
