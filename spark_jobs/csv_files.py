"""Reading CSV without losing a row: what Spark cannot read as its schema says is kept, with the original line."""

import re
from dataclasses import dataclass, fields, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import StringType, StructField, StructType

from spark_jobs.columns import any_of, quoted
from spark_jobs.date_patterns import pattern_options, try_patterns
from spark_jobs.failures import InvalidInput
from spark_jobs.faults import ENCODING, FIELDS, TYPE, at_least, fault, faults_among, misfit, named
from spark_jobs.inputs import InputFiles
from spark_jobs.set_aside import with_reasons

# The column that holds the original line of a malformed row, and NULL for a good one.
LINE = "__original_line__"
# What a decoder writes in place of bytes that it cannot read.
REPLACEMENT = "\ufffd"
# Read as text these would become rows of nonsense.
OTHER_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".xls", ".xlsx", ".parquet", ".orc", ".avro")


@dataclass(frozen=True)
class CsvColumn:
    """A column as the user wants it: its name and a simple type of Spark SQL, such as `decimal(10,2)`."""

    name: str
    type: str


@dataclass(frozen=True)
class CsvDialect:
    """How the text is to be read. The defaults are those of RFC 4180, the names those of parameters."""

    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    # Spark's default is a backslash, which reads "a ""b""" wrongly.
    escape: str = '"'
    null_value: str = ""
    encoding: str = "UTF-8"
    multi_line: bool = False
    date_format: Optional[str] = None
    timestamp_format: Optional[str] = None

    @classmethod
    def of(cls, parameters: Any) -> "CsvDialect":
        """What the parameters of a job type say, which have all of these fields."""
        return cls(**{field.name: getattr(parameters, field.name) for field in fields(cls)})

    def tokens(self) -> Dict[str, str]:
        """Spark's options for cutting a line into fields."""
        return {"delimiter": self.delimiter, "quote": self.quote, "escape": self.escape, "nullValue": self.null_value}

    def options(self) -> Dict[str, Any]:
        """Spark's options for reading files."""
        return {
            **self.tokens(),
            **pattern_options(self.date_format, self.timestamp_format),
            "header": self.header,
            "encoding": self.encoding,
            "multiLine": self.multi_line,
        }


@dataclass(frozen=True)
class MarkedRows:
    """The rows of a CSV input, good and malformed, as Spark reads them.

    Their column `LINE` is NULL also for a malformed row that Spark reads as if nothing were wrong. `fields` names the
    columns that come from the text; partition directories may add more.
    """

    frame: DataFrame
    fields: Tuple[str, ...]
    dialect: CsvDialect

    @property
    def is_torn(self) -> Column:
        """Whether a row is a part of one whose quoted field goes over several lines, or looks like it."""
        return is_torn_text(F.col(LINE), self.dialect) | is_torn_alone(self.frame.schema, self.fields, self.dialect)

    @property
    def is_good(self) -> Column:
        """Whether a row is as the schema says."""
        return F.col(LINE).isNull() & ~self._is_misread

    def good(self) -> DataFrame:
        """The rows that are as the schema says."""
        return self.frame.where(self.is_good).drop(LINE)

    def with_lines(self) -> DataFrame:
        """All rows, with `LINE` for every malformed one. It costs much more than `is_good`, which says the same."""
        names = [quoted(name) for name in self.fields]
        alone = F.col(names[0]).cast("string")
        written = alone if len(names) == 1 else F.to_csv(F.struct(*names), {"sep": self.dialect.delimiter})
        return self.frame.withColumn(LINE, F.coalesce(F.col(LINE), F.when(self._is_misread, written)))

    def rejected(self) -> DataFrame:
        """The other rows: `file`, `line`, `reason` and `violations`."""
        where_from = (F.input_file_name().alias("file"), F.col(LINE).alias("line"))
        return with_reasons(self.with_lines().where(F.col(LINE).isNotNull()), self.faults(), *where_from)

    @property
    def _is_misread(self) -> Column:
        return is_misread(self.frame.schema, self.fields, self.dialect)

    def faults(self) -> Column:
        """What is wrong with a malformed row of `with_lines`, at least one fault.

        Spark only says that a row is malformed; cutting its line into texts once more shows why.
        """
        texts = ", ".join(f"_{place} STRING" for place in range(len(self.fields)))
        options = {**self.dialect.tokens(), "mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_line"}
        return named(F.from_csv(F.col(LINE), f"{texts}, _line STRING", options), self._faults_by_texts)

    def _faults_by_texts(self, cut: Column) -> Column:
        wrong_length = F.lit(f"The row does not have the {len(self.fields)} fields of the schema")
        unknown = F.lit("The row cannot be read as the schema says")
        texts = [cut.getField(f"_{place}") for place in range(len(self.fields))]
        is_misfit, sentences = [], []
        for place, name in enumerate(self.fields):
            is_misfit.append(texts[place].isNotNull() & F.col(quoted(name)).isNull())
            sentences.append(misfit(self.frame.schema[name], place))
        undecoded = F.lit(f"The row holds bytes that are not {self.dialect.encoding}")
        faults = F.when(F.col(LINE).contains(REPLACEMENT), F.array(fault(None, ENCODING, undecoded)))
        return faults.when(cut.getField("_line").isNotNull(), F.array(fault(None, FIELDS, wrong_length))).otherwise(
            at_least(faults_among(is_misfit, sentences, texts), fault(None, TYPE, unknown))
        )


def is_torn_text(line: Column, dialect: CsvDialect) -> Column:
    """Whether a line opens a quote that it does not close, or closes one that it did not open; never, if it is NULL."""
    if dialect.multi_line or not dialect.quote:
        return F.lit(False)
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    escape = re.escape(dialect.escape or dialect.quote)
    plain = F.regexp_replace(line, escape + quote, "")
    left = F.regexp_replace(plain, f"(^|{delimiter}){quote}[^{quote}]*{quote}(?={delimiter}|$)", "$1")
    is_torn = left.rlike(f"(^|{delimiter}){quote}[^{quote}]*$") | left.rlike(f"^[^{quote}]*{quote}({delimiter}|$)")
    return F.coalesce(is_torn, F.lit(False))


def is_torn_alone(schema: StructType, fields: Sequence[str], dialect: CsvDialect) -> Column:
    """Whether the only field of a row is torn; never, if rows have more: of the parts of one too few fields tell."""
    if len(fields) > 1 or not _is_text(schema, fields[0]):
        return F.lit(False)
    return is_torn_text(F.col(quoted(fields[0])), dialect)


def is_misread(schema: StructType, fields: Sequence[str], dialect: CsvDialect) -> Column:
    """Whether a row is malformed, though Spark reads it as if nothing were wrong.

    These are rows with a text that was not in the encoding, and parts of rows with a single field. Each row is asked,
    so only what Spark compiles may stand here.
    """
    texts = [F.col(quoted(name)) for name in fields if _is_text(schema, name)]
    if not texts or dialect.encoding != "UTF-8":
        return is_torn_alone(schema, fields, dialect)
    is_undecoded = F.coalesce(any_of([text.contains(REPLACEMENT) for text in texts]), F.lit(False))
    return is_torn_alone(schema, fields, dialect) | is_undecoded


def _is_text(schema: StructType, name: str) -> bool:
    return isinstance(schema[name].dataType, StringType)


@dataclass(frozen=True)
class TypedCsv:
    """A CSV input of which is known what Spark is to read: its `schema`, and `fields`, which come from the text."""

    source: InputFiles
    dialect: CsvDialect
    schema: StructType
    fields: Tuple[str, ...]

    def marked(self, spark: SparkSession) -> MarkedRows:
        """Its rows, malformed ones too, with their lines."""
        reader = self._reader(spark).options(mode="PERMISSIVE", columnNameOfCorruptRecord=LINE)
        schema = StructType([*self.schema.fields, StructField(LINE, StringType())])
        return MarkedRows(reader.schema(schema).csv(self.source.paths), self.fields, self.dialect)

    def strict(self, spark: SparkSession) -> Tuple[DataFrame, Column]:
        """The same rows without `LINE`, and whether a row `is_misread`: Spark fails at the first malformed row.

        Keeping malformed lines costs Spark a copy of every row, column by column; this does not.
        """
        frame = self._reader(spark).options(mode="FAILFAST").schema(self.schema).csv(self.source.paths)
        return frame, is_misread(self.schema, self.fields, self.dialect)

    def _reader(self, spark: SparkSession) -> DataFrameReader:
        # enforceSchema would take a file's header as read and ignore it, also where its columns are in another order.
        return self.source.reader(spark).options(**self.dialect.options(), enforceSchema=False)


def read_csv(
    spark: SparkSession, source: InputFiles, dialect: CsvDialect, columns: Optional[Sequence[CsvColumn]] = None
) -> MarkedRows:
    """The rows of a CSV input under the types that `typed_csv` finds. Raises: InvalidInput."""
    return typed_csv(spark, source, dialect, columns).marked(spark)


def typed_csv(
    spark: SparkSession, source: InputFiles, dialect: CsvDialect, columns: Optional[Sequence[CsvColumn]] = None
) -> TypedCsv:
    """A CSV input with the types of `columns`, or with types inferred from all of its rows.

    Raises: InvalidInput for an input without rows and header, or with another header than `columns` say.
    """
    _refuse_unreadable(spark, source, dialect)
    first = first_row(spark, source, dialect, len(columns or ()))
    if dialect.header:
        _check_header(source, dialect, first, columns)
    schema = _schema_of(columns, spark) if columns else _inferred_schema(spark, source, dialect)
    return TypedCsv(source, dialect, schema, tuple(schema.names[: len(columns or first)]))


def stated_csv(spark: SparkSession, source: InputFiles, dialect: CsvDialect, columns: Sequence[CsvColumn]) -> TypedCsv:
    """A CSV input with the types of `columns`, of which nothing was read: whether it has a row or header is not known.

    Reading it, Spark fails at a header that is not as `columns` say, in other words than those of `typed_csv`.
    Raises: InvalidInput.
    """
    _refuse_unreadable(spark, source, dialect)
    schema = _schema_of(columns, spark)
    return TypedCsv(source, dialect, schema, tuple(schema.names))


def _refuse_unreadable(spark: SparkSession, source: InputFiles, dialect: CsvDialect) -> None:
    _refuse_other_formats(source)
    _refuse_backslash(dialect)
    try_patterns(spark, (dialect.date_format, dialect.timestamp_format))


def _refuse_other_formats(source: InputFiles) -> None:
    others = [file.uri for file in source.files if file.uri.lower().endswith(OTHER_SUFFIXES)]
    if others:
        raise InvalidInput(f"Going by its name {others[0]} is not CSV; an archive must be unpacked, but .gz is read.")


def _refuse_backslash(dialect: CsvDialect) -> None:
    """So does Spark, but from Spark 4 on with words that tell nobody what is wrong."""
    if dialect.delimiter == "\\":
        raise InvalidInput("The delimiter must not be a backslash.")


def first_row(spark: SparkSession, source: InputFiles, dialect: CsvDialect, width: int = 0) -> List[Optional[str]]:
    """The fields of the first row there is, which is the header if there is one.

    `width` is how many they should be, if somebody knows: where they are so many Spark need not count them in a job of
    its own first. Raises: InvalidInput for an input without any row.
    """
    if width:
        texts = ", ".join(f"_{place} STRING" for place in range(width + 1))
        row = _raw_reader(spark, source, dialect).schema(texts).csv(source.paths[0]).first()
        if row is not None and [place for place, text in enumerate(row) if text is None] == [width]:
            return list(row[:width])
    rows = (_raw_reader(spark, source, dialect).csv(path).first() for path in source.paths)
    row = next((row for row in rows if row is not None), None)
    if row is None:
        raise InvalidInput(f"Input {source.name!r}: {source.uri} is empty: it has neither a header nor a row.")
    return list(row)


def _raw_reader(spark: SparkSession, source: InputFiles, dialect: CsvDialect) -> DataFrameReader:
    """Reads a header as any other row, names like the null value too, and adds no columns of partition folders."""
    options = {**dialect.options(), "header": False, "nullValue": ""}
    return replace(source, folder=None).reader(spark).options(**options)


def _check_header(
    source: InputFiles, dialect: CsvDialect, header: List[Optional[str]], columns: Optional[Sequence[CsvColumn]]
) -> None:
    """Refuse what Spark would rename or overlook. Of several files Spark itself checks the others' headers."""
    # Where Spark itself names the columns, it takes the null value for no name.
    no_names = ("", None) if columns else ("", None, dialect.null_value)
    nameless = [place for place, name in enumerate(header, 1) if name in no_names]
    if nameless:
        raise InvalidInput(f"Input {source.name!r}: the header of {source.uri} has no name for column {nameless[0]}.")
    if REPLACEMENT in "".join(map(str, header)):
        raise InvalidInput(f"Input {source.name!r}: the header of {source.uri} holds bytes that are not UTF-8.")
    lower = [name.lower() for name in header]
    twice = [name for place, name in enumerate(header) if lower.index(name.lower()) < place]
    if twice:
        raise InvalidInput(f"Input {source.name!r}: the header of {source.uri} names {twice[0]!r} twice.")
    if columns and lower != [column.name.lower() for column in columns]:
        wanted = ", ".join(column.name for column in columns)
        raise InvalidInput(
            f"Input {source.name!r}: the header of {source.uri} is {', '.join(header)}, but `columns` says {wanted}."
        )


def _schema_of(columns: Sequence[CsvColumn], spark: SparkSession) -> StructType:
    return spark.createDataFrame([], ", ".join(f"{quoted(column.name)} {column.type}" for column in columns)).schema


def _inferred_schema(spark: SparkSession, source: InputFiles, dialect: CsvDialect) -> StructType:
    """Types that all rows have; a sample would make malformed rows of those it did not see."""
    return source.reader(spark).options(**dialect.options()).option("inferSchema", True).csv(source.paths).schema
