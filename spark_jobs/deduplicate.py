"""Job type `deduplicate`: of the rows with the same keys one is kept, always the same one; the others are set aside."""

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import DoubleType, FloatType, StructField

from spark_jobs.columns import is_nested, known_columns, names_twice, quoted
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.result import Result
from spark_jobs.tables import read_table

PLACE = "__place__"
# All digits, so that two moments within a millisecond are two texts.
EXACT_JSON = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "ignoreNullFields": "false"}


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    keys: List[str]
    order_by: Optional[str] = None
    keep: str = "first"
    format: Optional[str] = None


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """One row for each combination of the keys' values as data, all others as rejected.

    Raises: InvalidInput for a column that there is not, or that has no order.
    """
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    table = read_table(spark, source, asked.format)
    _check_columns(table.frame, asked)
    placed = with_places(table.frame, asked)
    return Result(
        data=placed.where(F.col(PLACE) == 1).drop(PLACE),
        rows_read=lambda: {source.name: table.rows},
        rejected=lambda: set_aside(placed.where(F.col(PLACE) > 1), asked.keys),
        keeps_every_row=True,
    )


def with_places(frame: DataFrame, asked: Parameters) -> DataFrame:
    """The rows, and which one each is among those with the same keys; the first is the one to keep.

    The place hangs on the values alone, not on files or the order of reading: rows that are alike in `order_by`
    are ordered by all other columns, and rows that are alike in all of them are the same.
    """
    keys = [F.col(quoted(name)) for name in asked.keys]
    alike = Window.partitionBy(*keys).orderBy(
        *_preference(asked), *(_tie_breaker(field).asc_nulls_last() for field in frame.schema.fields)
    )
    return frame.withColumn(PLACE, F.row_number().over(alike))


def set_aside(others: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows that were not kept: `row` and `reason`."""
    columns = [quoted(name) for name in others.columns if name != PLACE]
    reason = f"Another row with the same {', '.join(keys)} was kept"
    return others.select(F.struct(*columns).alias("row"), F.lit(reason).alias("reason"))


def _preference(asked: Parameters) -> List[Column]:
    """By the column asked for; a row without a value there is kept only if all are without."""
    if asked.order_by is None:
        return []
    column = F.col(quoted(asked.order_by))
    return [column.asc_nulls_last() if asked.keep == "first" else column.desc_nulls_last()]


def _tie_breaker(field: StructField) -> Column:
    """Something to order by that differs whenever two values can be told apart.

    Spark takes 0.0 and -0.0 for equal, and maps have no order; their texts differ and have one.
    """
    column = F.col(quoted(field.name))
    if is_nested(field.dataType):
        return F.to_json(F.struct(column), EXACT_JSON)
    return column.cast("string") if isinstance(field.dataType, (FloatType, DoubleType)) else column


def _check_columns(frame: DataFrame, asked: Parameters) -> None:
    known_columns(frame, asked.keys, "deduplicate by")
    if names_twice(asked.keys):
        raise InvalidInput(f"`keys` names {names_twice(asked.keys)[0]!r} twice.")
    if asked.order_by is not None:
        known_columns(frame, [asked.order_by], "order by")
        if is_nested(frame.schema[asked.order_by].dataType):
            raise InvalidInput(f"The column {asked.order_by!r} holds other values, so it gives no order.")
    nested = [name for name in asked.keys if is_nested(frame.schema[name].dataType)]
    if nested:
        raise InvalidInput(f"The column {nested[0]!r} holds other values, so it cannot be a key.")
