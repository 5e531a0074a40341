"""Job type `profile`: what each column of a table holds, as rows, as JSON, and as a page for people."""

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pyspark.sql import Column, DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    NumericType,
    StructField,
    TimestampType,
)

from spark_jobs.column_profile import ColumnProfile, Quantile, TopValue
from spark_jobs.columns import is_nested, known_columns, quoted
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.profile_page import page_of
from spark_jobs.result import Result
from spark_jobs.tables import read_table

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
# All columns are looked at in one pass, so their figures stand in one row.
MAX_COLUMNS = 300
SHOWN_CHARACTERS = 100
# Quantiles are within a 10,000th of their share.
ACCURACY = 10_000
ROWS_SCHEMA = (
    "name string, type string, rows bigint, nulls bigint, nans bigint, distinctEstimate bigint, min string, "
    "max string, mean double, standardDeviation double, quantiles array<struct<share: double, value: string>>, "
    "topValues array<struct<value: string, rows: bigint>>"
)


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    columns: Sequence[str] = ()
    top_values: int = 10
    format: Optional[str] = None


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """One row for each column as data, and the reports `profile.json` and `profile.html`."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    table = read_table(spark, source, asked.format)
    frame = _columns_of_interest(table.frame, asked.columns)
    profiles = profile_columns(frame, asked.top_values)

    rows = [each.to_json() for each in profiles]
    document = {"input": {"name": source.name, "uri": source.uri}, "rows": table.rows, "columns": rows}
    return Result(
        data=spark.createDataFrame(rows, ROWS_SCHEMA).coalesce(1),
        rows_read=lambda: {source.name: table.rows},
        reports={
            "profile.json": json.dumps(document, ensure_ascii=False, indent=1),
            "profile.html": page_of(source.uri, table.rows, profiles),
        },
    )


def profile_columns(frame: DataFrame, top_values: int) -> List[ColumnProfile]:
    """A profile of each column. The table is read twice: for the figures, and for the top values."""
    fields = frame.schema.fields
    figures = frame.agg(*[_figures(field).alias(f"c{place}") for place, field in enumerate(fields)]).first()
    tops = _top_values(frame, top_values) if top_values else {}
    return [_profile(field, figures[f"c{place}"], tops.get(place, ())) for place, field in enumerate(fields)]


def _columns_of_interest(frame: DataFrame, wanted: Sequence[str]) -> DataFrame:
    names = known_columns(frame, wanted, "profile") or frame.columns
    if len(names) > MAX_COLUMNS:
        raise InvalidInput(f"There are {len(names)} columns; name {MAX_COLUMNS} or fewer by `columns`.")
    return frame.select(*[quoted(name) for name in names])


def _figures(field: StructField) -> Column:
    """All that one pass tells of a column."""
    column, kind = F.col(quoted(field.name)), field.dataType
    values = F.when(~F.isnan(column), column) if _is_float(kind) else column  # to Spark NaN is greater than all
    figures = [
        F.count(F.lit(1)).alias("rows"),
        F.count(F.when(column.isNull(), 1)).alias("nulls"),
        F.approx_count_distinct(_as_text(field)).alias("distinct"),
    ]
    if _is_float(kind):
        figures.append(F.count(F.when(F.isnan(column), 1)).alias("nans"))
    if _has_order(kind):
        figures += [F.min(values).cast("string").alias("min"), F.max(values).cast("string").alias("max")]
    if isinstance(kind, NumericType):
        numbers = values.cast("double")  # a sum of decimals could grow beyond their type
        figures += [F.avg(numbers).alias("mean"), F.stddev_samp(numbers).alias("deviation")]
    if isinstance(kind, (NumericType, DateType, TimestampType)):
        quantiles = F.percentile_approx(values, list(SHARES), ACCURACY)
        figures.append(quantiles.cast("array<string>").alias("quantiles"))
    return F.struct(*figures)


def _top_values(frame: DataFrame, most: int) -> Dict[int, Tuple[TopValue, ...]]:
    """The commonest values by the column's place; of equally common ones those that come first as texts."""
    pairs = [
        F.struct(F.lit(place).alias("place"), _as_text(field).alias("value"))
        for place, field in enumerate(frame.schema.fields)
    ]
    counted = frame.select(F.explode(F.array(*pairs)).alias("pair")).select("pair.*").groupBy("place", "value").count()
    by_rows = Window.partitionBy("place").orderBy(F.col("count").desc(), "value")
    ranked = counted.where("value IS NOT NULL").withColumn("rank", F.row_number().over(by_rows))
    tops: Dict[int, List[TopValue]] = {}
    for row in ranked.where(F.col("rank") <= most).orderBy("place", "rank").collect():
        tops.setdefault(row["place"], []).append(TopValue(_shown(row["value"]), row["count"]))
    return {place: tuple(values) for place, values in tops.items()}


def _as_text(field: StructField) -> Column:
    """A column's values as texts that differ where the values do; NULL stays NULL."""
    column = F.col(quoted(field.name))
    if is_nested(field.dataType):
        return F.when(column.isNotNull(), F.to_json(F.struct(column.alias("value"))))
    return F.hex(column) if isinstance(field.dataType, BinaryType) else column.cast("string")


def _profile(field: StructField, figures: Row, tops: Sequence[TopValue]) -> ColumnProfile:
    known = figures.asDict()
    return ColumnProfile(
        name=field.name,
        type=field.dataType.simpleString(),
        rows=known["rows"],
        nulls=known["nulls"],
        nans=known.get("nans"),
        distinct_estimate=known["distinct"],
        min=_shown(known.get("min")),
        max=_shown(known.get("max")),
        mean=known.get("mean"),
        standard_deviation=known.get("deviation"),
        quantiles=tuple(Quantile(SHARES[place], value) for place, value in enumerate(known.get("quantiles") or ())),
        top_values=tuple(tops),
    )


def _shown(text: Optional[str]) -> Optional[str]:
    """A value cut where it grows long."""
    return text if text is None or len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def _is_float(kind: DataType) -> bool:
    return isinstance(kind, (FloatType, DoubleType))


def _has_order(kind: DataType) -> bool:
    return not is_nested(kind) and not isinstance(kind, BinaryType)
