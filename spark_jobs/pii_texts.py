"""Any input as texts, column by column: nothing is guessed, converted or left out that personal data could hide in."""

from dataclasses import dataclass
from functools import reduce
from typing import Optional, Tuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import (
    BooleanType,
    ByteType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from spark_jobs.columns import is_nested, quoted
from spark_jobs.csv_files import LINE, CsvDialect, first_row
from spark_jobs.inputs import InputFiles
from spark_jobs.tables import format_of, known_format, read_table

# Dates and numbers of fewer than 12 digits hold nothing that can be told from its digits.
TOO_SMALL = (
    BooleanType, ByteType, ShortType, IntegerType, FloatType, DateType, TimestampType, TimestampNTZType, NullType,
)  # fmt: skip
LEAST_NUMBER = 10**11
# From here on doubles are 2 apart: longer numbers have lost digits before anybody looks.
GREATEST_DOUBLE = 2**53
LINES = "(lines that are not rows)"


@dataclass(frozen=True)
class TextColumn:
    """A column of the input. `is_looked_at` is False for a type whose values cannot be read as texts."""

    name: Optional[str]
    type: str
    is_looked_at: bool = True


@dataclass(frozen=True)
class Texts:
    """The rows of an input; the text of `columns[0]` is in the column `c0` of `frame`, and so on."""

    frame: DataFrame
    columns: Tuple[TextColumn, ...]


def read_texts(spark: SparkSession, source: InputFiles, wanted_format: Optional[str], dialect: CsvDialect) -> Texts:
    """The values of an input as texts; NULL for what is missing or too small to hold personal data.

    Lines that are not rows are a column of their own. Raises: InvalidInput for an empty input or unknown format.
    """
    file_format = known_format(wanted_format or format_of(source.uris[0]))
    if source.schema is not None or file_format == "parquet":
        return _as_texts(read_table(spark, source, file_format).frame)
    return _read_csv(spark, source, dialect) if file_format == "csv" else _read_json(spark, source)


def cells_of(texts: Texts) -> DataFrame:
    """Each value on a row of its own: `place`, the number of its column from 0, and `text`."""
    cells = [F.struct(F.lit(place).alias("place"), F.col(f"c{place}").alias("text")) for place in _places(texts)]
    return texts.frame.select(F.explode(F.array(*cells)).alias("cell")).select("cell.*").where("text IS NOT NULL")


def _places(texts: Texts) -> range:
    return range(len(texts.columns))


def _read_csv(spark: SparkSession, source: InputFiles, dialect: CsvDialect) -> Texts:
    """Columns by their places, so that no header can stand in the way."""
    first = first_row(spark, source, dialect)
    names = [f"f{place}" for place in range(len(first))]
    schema = reduce(lambda made, name: made.add(name, StringType()), [*names, LINE], StructType())
    options = {**dialect.options(), "mode": "PERMISSIVE", "columnNameOfCorruptRecord": LINE}
    made = _as_texts(source.reader(spark).options(**options).schema(schema).csv(source.paths))
    shown = {name: first[place] if dialect.header else None for place, name in enumerate(names)}
    columns = (TextColumn(shown.get(each.name, each.name), each.type) for each in made.columns)
    return Texts(made.frame, tuple(columns))


def _read_json(spark: SparkSession, source: InputFiles) -> Texts:
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": LINE, "primitivesAsString": True}
    frame = source.reader(spark).options(**options).json(source.paths)
    if frame.columns == [LINE]:  # which Spark refuses to read alone
        frame = source.reader(spark).text(source.paths).withColumnRenamed("value", LINE)
    return _as_texts(frame)


def _as_texts(frame: DataFrame) -> Texts:
    fields = frame.schema.fields
    texts = [_text_of(field).alias(f"c{place}") for place, field in enumerate(fields)]
    columns = (
        TextColumn(LINES if field.name == LINE else field.name, field.dataType.simpleString(), _is_readable(field))
        for field in fields
    )
    return Texts(frame.select(*texts), tuple(columns))


def _is_readable(field: StructField) -> bool:
    kind = field.dataType
    readable = (StringType, LongType, DoubleType, DecimalType, *TOO_SMALL)
    return is_nested(kind) or isinstance(kind, readable)


def _text_of(field: StructField) -> Column:
    column, kind = F.col(quoted(field.name)), field.dataType
    if isinstance(kind, StringType):
        return column
    if is_nested(kind):
        return F.when(column.isNotNull(), F.to_json(F.struct(column.alias("value"))))
    if isinstance(kind, (LongType, DecimalType)):
        return F.when(column >= LEAST_NUMBER, _as_whole_number(column))
    if isinstance(kind, DoubleType):
        return F.when((column >= LEAST_NUMBER) & (column <= GREATEST_DOUBLE), _as_whole_number(column))
    return F.lit(None).cast("string")


def _as_whole_number(column: Column) -> Column:
    """Digits alone: Spark would write a double as 4.111111111111111E15."""
    return column.cast("decimal(38,0)").cast("string")
