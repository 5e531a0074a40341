"""What is wrong with a row, as a column: a list of faults, each with the column, the rule, and a sentence."""

import json
from dataclasses import asdict, dataclass
from typing import Callable, Optional, Sequence, Tuple

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import StructField

FAULT = "struct<column: string, rule: string, text: string>"
SENTENCES = "array<struct<column: string, rule: string, before: string, places: array<int>, after: string>>"
# As a manifest and the rejected rows name them; the other rules have the names that a contract gives them.
TYPE, FIELDS, WHOLE, ENCODING = "type", "fields", "object", "encoding"
SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Sentence:
    """What is said of a fault: `places` are those of the texts that stand between `before` and `after`."""

    column: str
    rule: str
    before: str
    places: Tuple[int, ...] = ()
    after: str = ""


def fault(column: Optional[str], rule: str, text: Column) -> Column:
    """A fault of one column, or of the whole row."""
    named = F.struct(F.lit(column).cast("string").alias("column"), F.lit(rule).alias("rule"), text.alias("text"))
    return named.cast(FAULT)


def faults_among(is_fault: Sequence[Column], sentences: Sequence[Sentence], texts: Sequence[Column]) -> Column:
    """The faults of a row that has those for which `is_fault` holds, each told by the sentence in the same place.

    It is one expression over lists, however many sentences there are: one expression for each would cost Spark more
    time to plan than most inputs take to read.
    """
    if not sentences:
        return F.array().cast(f"array<{FAULT}>")
    known = F.from_json(F.lit(json.dumps([asdict(each) for each in sentences])), SENTENCES)
    row = F.struct(F.array(*is_fault).alias("isFault"), F.array(*texts).alias("texts"))

    def told(row: Column) -> Column:
        found = F.transform(row["isFault"], lambda holds, place: F.when(holds, known[place]))
        return F.transform(F.filter(found, lambda each: each.isNotNull()), lambda each: _told(each, row["texts"]))

    return named(row, told)


def named(value: Column, use: Callable[[Column], Column]) -> Column:
    """The list that `use` makes of a value, which is computed once, however often `use` speaks of it."""
    return F.flatten(F.transform(F.array(value), use))


def at_least(faults: Column, one: Column) -> Column:
    """The faults, or that one if there is none."""
    return named(faults, lambda found: F.when(F.size(found) == 0, F.array(one)).otherwise(found))


def _told(sentence: Column, texts: Column) -> Column:
    values = F.concat_ws(", ", F.transform(sentence["places"], lambda place: shown(texts[place])))
    text = F.concat(sentence["before"], values, sentence["after"])
    return F.struct(sentence["column"].alias("column"), sentence["rule"].alias("rule"), text.alias("text"))


def shown(text: Column) -> Column:
    """A text in quotes, cut where it grows long."""
    return F.concat(F.lit("'"), F.substring(text, 1, SHOWN_CHARACTERS), F.lit("'"))


def misfit(column: StructField, place: int) -> Sentence:
    """What is said of a text that is no value of its column's type."""
    after = f" does not fit the type {column.dataType.simpleString()}"
    return Sentence(column.name, TYPE, f"{column.name}: ", (place,), after)


def reason_of(faults: Column) -> Column:
    """The sentences of a list of faults in one text."""
    return F.concat_ws("; ", F.transform(faults, lambda each: each["text"]))


def violations_of(faults: Column) -> Column:
    """A list of faults without their sentences."""
    return F.transform(faults, lambda each: F.struct(each["column"].alias("column"), each["rule"].alias("rule")))
