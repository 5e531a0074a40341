"""What is wrong with a row, as a column: a list of faults, each with the column, the rule, and a sentence."""

from typing import Optional, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

FAULT = "struct<column: string, rule: string, text: string>"
# As a manifest and the rejected rows name them; the other rules have the names that a contract gives them.
TYPE, FIELDS = "type", "fields"


def fault(column: Optional[str], rule: str, text: Column) -> Column:
    """A fault of one column, or of the whole row."""
    named = F.struct(F.lit(column).cast("string").alias("column"), F.lit(rule).alias("rule"), text.alias("text"))
    return named.cast(FAULT)


def all_of(faults: Sequence[Column]) -> Column:
    """The list of those that are not NULL."""
    return F.filter(F.array(F.lit(None).cast(FAULT), *faults), lambda each: each.isNotNull())


def reason_of(faults: Column) -> Column:
    """The sentences of a list of faults in one text."""
    return F.concat_ws("; ", F.transform(faults, lambda each: each["text"]))


def violations_of(faults: Column) -> Column:
    """A list of faults without their sentences."""
    return F.transform(faults, lambda each: F.struct(each["column"].alias("column"), each["rule"].alias("rule")))
