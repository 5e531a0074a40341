"""The columns that a job's parameters name, those of a table, and conditions on them."""

from typing import Iterable, List, Sequence, Tuple

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from spark_jobs.failures import InvalidInput


def quoted(name: str) -> str:
    """A column's name for `F.col`, which takes dots and backticks in it for syntax."""
    return "`" + name.replace("`", "``") + "`"


def known_columns(frame: DataFrame, wanted: Sequence[str], purpose: str) -> Tuple[str, ...]:
    """The names that a user wants to `purpose` ("partition by"), as the table writes them.

    Raises: InvalidInput for a name that the table does not have, or has only under other capitals.
    """
    unknown = [name for name in wanted if name not in frame.columns]
    if unknown:
        known = ", ".join(frame.columns)
        raise InvalidInput(f"There is no column {unknown[0]!r} to {purpose}; the columns are {known}.")
    return tuple(wanted)


def is_nested(data_type: DataType) -> bool:
    """Whether values of the type hold other values."""
    return isinstance(data_type, (StructType, ArrayType, MapType))


def names_twice(names: Iterable[str]) -> List[str]:
    """The names that are there before, capitals aside, as Spark sees them."""
    seen, twice = set(), []
    for name in names:
        if name.lower() in seen:
            twice.append(name)
        seen.add(name.lower())
    return twice


def any_of(conditions: List[Column]) -> Column:
    """Whether one of the conditions holds, as a balanced tree: Spark walks a long chain by recursion."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return any_of(conditions[:middle]) | any_of(conditions[middle:])
