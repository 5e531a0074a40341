"""The rules of a contract as columns: which of them a row breaks, and the sentence for each."""

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.columns import any_of, quoted
from spark_jobs.contract import RULES_OF_VALUES, Contract, ContractColumn, Key
from spark_jobs.csv_files import LINE
from spark_jobs.faults import Sentence, faults_among

# By the standard's names: whether a value breaks the rule, and how that is said before what the rule demands.
BOUNDS: Dict[str, Tuple[Callable[[Column, Column], Column], str]] = {
    "minimum": (lambda value, bound: value < bound, "is less than the minimum"),
    "exclusiveMinimum": (lambda value, bound: value <= bound, "is not greater than"),
    "maximum": (lambda value, bound: value > bound, "is more than the maximum"),
    "exclusiveMaximum": (lambda value, bound: value >= bound, "is not less than"),
}
TEXTS: Dict[str, Tuple[Callable[[Column, Any], Column], str]] = {
    "minLength": (lambda value, least: F.length(value) < least, "is shorter than the least length"),
    "maxLength": (lambda value, most: F.length(value) > most, "is longer than the greatest length"),
    "pattern": (lambda value, pattern: ~value.rlike(java_pattern(pattern)), "does not match the pattern"),
}
WHOLE = ("tinyint", "smallint", "int", "bigint")
# A $ at the end that no backslash makes a character.
LAST_END = re.compile(r"(?<!\\)((?:\\\\)*)\$\Z")
TIMES = "__times_{}__"


def with_times(frame: DataFrame, keys: List[Key]) -> DataFrame:
    """The rows, and for each key how many readable rows have the same.

    Each key costs a shuffle of all rows. Rows that lack a part of a key are spread by all that they hold, or the
    many that lack it would be one task's.
    """
    everything = [F.col(quoted(name)) for name in frame.columns]
    for number, key in enumerate(keys):
        parts = [F.col(quoted(name)) for name in key.columns]
        spread = F.when(is_any_null(parts), F.xxhash64(*everything))
        alike = Window.partitionBy(*parts, spread)
        frame = frame.withColumn(TIMES.format(number), F.count(F.when(F.col(LINE).isNull(), 1)).over(alike))
    return frame


@dataclass(frozen=True)
class Rule:
    """When a row breaks a rule (never, where this is NULL), and what is then said before and after its values."""

    columns: Tuple[str, ...]
    name: str
    is_broken: Column
    before: str
    shows_values: bool = True
    after: str = ""


def rules_of(contract: Contract) -> List[Rule]:
    """The rules for readable rows, which have all of the contract's columns and those of `with_times`."""
    found = [each for column in contract.columns for each in rules_of_column(column)]
    return found + [rule_of_key(number, key) for number, key in enumerate(contract.keys)]


def is_any_broken(rules: Sequence[Rule]) -> Column:
    """Whether a row has a fault: much cheaper than its faults, and most rows have none."""
    return F.coalesce(any_of([rule.is_broken for rule in rules] or [F.lit(False)]), F.lit(False))


def faults_of(rules: Sequence[Rule], contract: Contract) -> Column:
    """The faults of a row."""
    places = {column.name: place for place, column in enumerate(contract.columns)}
    texts = [F.col(quoted(column.name)).cast("string") for column in contract.columns]
    return faults_among([rule.is_broken for rule in rules], [_sentence(rule, places) for rule in rules], texts)


def _sentence(rule: Rule, places: Mapping[str, int]) -> Sentence:
    names = ", ".join(rule.columns)
    shown = tuple(places[name] for name in rule.columns) if rule.shows_values else ()
    return Sentence(names, rule.name, f"{names}: {rule.before}", shown, rule.after)


def rules_of_column(column: ContractColumn) -> Iterator[Rule]:
    """The rules of a column."""
    value = F.col(quoted(column.name))
    if column.is_required:
        yield Rule((column.name,), "required", value.isNull(), "a value is required", shows_values=False)
    for name, stated in column.options.items():
        if name not in RULES_OF_VALUES:
            continue
        if name in BOUNDS:
            breaks, words = BOUNDS[name]
            broken = breaks(value, literal(stated, column.type))
            if column.type in ("float", "double"):  # to Spark NaN is greater than all; to a range it is outside
                broken = F.isnan(value) | broken
        else:
            breaks, words = TEXTS[name]
            broken = breaks(value, stated)
        yield Rule((column.name,), name, broken, "", after=f" {words} {stated}")


def rule_of_key(number: int, key: Key) -> Rule:
    """That no other row has the same key. Rows that lack a part of it are like no others."""
    parts = [F.col(quoted(name)) for name in key.columns]
    is_shared = ~is_any_null(parts) & (F.col(TIMES.format(number)) > 1)
    return Rule(key.columns, key.rule, is_shared, "other rows have ", after=" too")


def is_any_null(columns: List[Column]) -> Column:
    """Whether one of the values is missing."""
    return any_of([column.isNull() for column in columns])


def literal(stated: Any, type_name: str) -> Column:
    """A bound as a value of the column's type, so that what is compared was rounded alike."""
    text = str(int(stated)) if type_name in WHOLE else str(stated)
    return F.lit(text).cast(type_name)


def java_pattern(pattern: str) -> str:
    """The pattern for Java, to which $ also stands before a line break at the end."""
    return LAST_END.sub(r"\1\\z", pattern)
