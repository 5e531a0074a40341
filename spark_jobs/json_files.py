"""Reading JSON lines without losing a row: a line that is not one object of the schema is kept, with the reason."""

from dataclasses import dataclass, replace
from typing import Mapping, Optional, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import DataType, StringType, StructField, StructType

from spark_jobs.columns import is_nested, names_twice, quoted
from spark_jobs.csv_files import LINE, OTHER_SUFFIXES
from spark_jobs.date_patterns import try_patterns
from spark_jobs.failures import InvalidInput
from spark_jobs.faults import (
    ENCODING,
    FIELDS,
    SHOWN_CHARACTERS,
    TYPE,
    WHOLE,
    at_least,
    fault,
    faults_among,
    misfit,
    named,
)
from spark_jobs.inputs import InputFiles
from spark_jobs.set_aside import with_reasons

# From some hundreds of levels on Spark's own serializer overflows its stack, and the run hangs.
MAX_LEVELS = 100
TEXT, PARSED = "value", "__parsed__"
OBJECT, END, CORRUPT = "object", "__end_of_line__", "corrupt"
# What RFC 8259 does not know, Jackson must not either.
STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false", "maxNestingDepth": str(MAX_LEVELS + 1)}
NOT_UTF8 = "The line is not UTF-8"
NO_OBJECT = f"The line is not one JSON object of at most {MAX_LEVELS} levels"


@dataclass(frozen=True)
class JsonColumn:
    """A column as the user wants it: the name that objects write, and a type of Spark SQL, which may be nested."""

    name: str
    type: str


@dataclass(frozen=True)
class MarkedLines:
    """The rows of a JSON input, good and malformed, with `LINE` as their last column.

    `schema` is that of the columns that come from the text; partition directories may add more. `options` are
    those that the text was read by. With `is_closed` a line is malformed if it has other fields.
    """

    frame: DataFrame
    schema: StructType
    options: Mapping[str, str]
    is_closed: bool

    @property
    def is_torn(self) -> Column:
        """A line is an object of its own, or malformed."""
        return F.lit(False)

    @property
    def is_good(self) -> Column:
        """Whether a row is as the schema says."""
        return F.col(LINE).isNull()

    def good(self) -> DataFrame:
        """The rows that are as the schema says."""
        return self.frame.where(self.is_good).drop(LINE)

    def rejected(self) -> DataFrame:
        """The other rows: `file`, `line`, `reason` and `violations`."""
        where_from = (F.input_file_name().alias("file"), F.col(LINE).alias("line"))
        return with_reasons(self.frame.where(~self.is_good), self.faults(), *where_from)

    def faults(self) -> Column:
        """What is wrong with a malformed line, at least one fault.

        Spark only says that a line is malformed; reading it once more with every value as a text shows why.
        """
        line = F.col(LINE)
        texts = StructType([StructField(name, StringType()) for name in self.schema.names])
        return (
            F.when(~is_utf8(line), F.array(fault(None, ENCODING, F.lit(NOT_UTF8))))
            .when(
                ~is_one_object(line, parsed(line, texts, self.options)), F.array(fault(None, WHOLE, F.lit(NO_OBJECT)))
            )
            .otherwise(named(parsed(line, texts, self.options), self._faults_by_texts))
        )

    def _faults_by_texts(self, read: Column) -> Column:
        columns = self.schema.fields
        texts = [read[OBJECT][column.name] for column in columns]
        is_misfit = [self._is_misfit(column, texts[place]) for place, column in enumerate(columns)]
        sentences = [misfit(column, place) for place, column in enumerate(columns)]
        unknown = fault(None, TYPE, F.lit("A value does not fit the schema"))
        found = faults_among(is_misfit, sentences, texts)
        if self.is_closed:
            others = F.array_join(other_fields(F.col(LINE), self.schema), ", ")
            told = F.concat(F.lit("There are other fields: "), F.substring(others, 1, SHOWN_CHARACTERS))
            found = F.when(others != "", F.concat(F.array(fault(None, FIELDS, told)), found)).otherwise(found)
        return at_least(found, unknown)

    def _is_misfit(self, field: StructField, text: Column) -> Column:
        """Whether a value of a malformed line, as a text, does not fit its type."""
        if is_nested(field.dataType):  # Spark keeps what does fit of it, so NULL is not the sign
            alone = parsed(text, field.dataType, self.options)
            return text.isNotNull() & alone[CORRUPT].isNotNull()
        return text.isNotNull() & F.col(quoted(field.name)).isNull()


def read_json(
    spark: SparkSession,
    source: InputFiles,
    columns: Optional[Sequence[JsonColumn]] = None,
    formats: Optional[Mapping[str, str]] = None,
) -> MarkedLines:
    """The rows of an input of JSON lines under the types of `columns`, or under types inferred from all lines.

    `formats` are Spark's options `dateFormat` and `timestampFormat`. Raises: InvalidInput for an input with no
    line that is an object, and for one document spread over lines.
    """
    options = {**STRICT, **(formats or {})}
    lines = _lines(spark, source, options)
    schema = _schema_of(columns, spark) if columns else _inferred_schema(spark, source, lines, options)
    read = F.col(PARSED)
    return _marked(
        source, lines, MarkedLines(lines, schema, options, is_closed=False), is_one_object(F.col(TEXT), read)
    )


def read_only(
    spark: SparkSession, source: InputFiles, columns: Sequence[JsonColumn], formats: Mapping[str, str]
) -> MarkedLines:
    """As `read_json`, but a line with a field that is no column's is malformed too."""
    options = {**STRICT, **formats}
    lines = _lines(spark, source, options)
    schema = _schema_of(columns, spark)
    is_only = F.coalesce(F.size(other_fields(F.col(TEXT), schema)) == 0, F.lit(False))
    is_good = is_one_object(F.col(TEXT), F.col(PARSED)) & is_only
    return _marked(source, lines, MarkedLines(lines, schema, options, is_closed=True), is_good)


def _lines(spark: SparkSession, source: InputFiles, options: Mapping[str, str]) -> DataFrame:
    """The lines as they are; blank ones are no rows, as in every tool that reads JSON lines."""
    _refuse_other_formats(source)
    try_patterns(spark, (options.get("dateFormat"), options.get("timestampFormat")))
    _refuse_one_document(spark, source)
    return source.reader(spark).text(source.paths).where(F.col(TEXT).rlike(r"\S"))


def _marked(source: InputFiles, lines: DataFrame, unread: MarkedLines, is_good: Column) -> MarkedLines:
    """The lines read; `is_good` says of `TEXT`, and `PARSED` of it, whether they are as they should be."""
    schema, folders = unread.schema, [name for name in lines.columns if name != TEXT]
    _refuse_names_twice(source, [*schema.names, *folders])
    rows = lines.withColumn(PARSED, parsed(F.col(TEXT), schema, unread.options))
    values = [F.col(PARSED)[OBJECT][name].alias(name) for name in schema.names]
    line = F.when(~(is_utf8(F.col(TEXT)) & is_good), F.col(TEXT)).alias(LINE)
    return replace(unread, frame=rows.select(*values, *map(quoted, folders), line))


def other_fields(text: Column, schema: StructType) -> Column:
    """The names of an object's fields that are not in a schema; NULL for a text that is no object."""
    return F.array_except(F.json_object_keys(text), F.array(*map(F.lit, schema.names)))


def parsed(text: Column, schema: DataType, options: Mapping[str, str]) -> Column:
    """A text read as a value of a type: `OBJECT`, and `CORRUPT`, which is NULL if all of it fits."""
    around = StructType([StructField(OBJECT, schema), StructField(CORRUPT, StringType())])
    return F.from_json(wrapped(text), around, {**options, "mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})


def is_one_object(text: Column, read: Column) -> Column:
    """Whether a text, of which `parsed` made `read`, is one object as its schema says, and nothing else."""
    # Most lines hold no object in the object: nothing stands behind the only brace there is, and no second look is due.
    ends_with_first_brace = F.instr(text, "}") == F.length(text)
    is_alone = F.json_object_keys(wrapped(text)) == F.array(F.lit(OBJECT), F.lit(END))
    is_nothing_else = ends_with_first_brace | F.coalesce(is_alone, F.lit(False))
    return read[CORRUPT].isNull() & read[OBJECT].isNotNull() & is_nothing_else


def wrapped(text: Column) -> Column:
    """The text with something before and behind it that must be found there.

    Spark's parsers stop at the end of the first value, and would not see what is lost behind it.
    """
    return F.concat(F.lit(f'{{"{OBJECT}":'), text, F.lit(f',"{END}":0}}'))


def is_utf8(text: Column) -> Column:
    """Whether the bytes of a text are UTF-8: Spark keeps any bytes until a function makes characters of them.

    A replacement of nothing is such a function; it writes broken bytes as U+FFFD.
    """
    return F.regexp_replace(text, r"\A(?!)", "") == text


def _refuse_other_formats(source: InputFiles) -> None:
    others = [file.uri for file in source.files if file.uri.lower().endswith((*OTHER_SUFFIXES, ".csv", ".csv.gz"))]
    if others:
        raise InvalidInput(f"Going by its name {others[0]} is not JSON; an archive must be unpacked, but .gz is read.")


def _refuse_one_document(spark: SparkSession, source: InputFiles) -> None:
    """A document that is indented, or one list of all objects, would be nothing but malformed lines."""
    alone = replace(source, folder=None)
    first = alone.reader(spark).text(source.paths[0]).where(F.col(TEXT).rlike(r"\S")).first()
    if first is not None and first[TEXT].strip() in ("{", "[", "[{"):
        raise InvalidInput(
            f"Input {source.name!r}: {source.uris[0]} is one JSON document over several lines; "
            "write each object on a line of its own."
        )


def _refuse_names_twice(source: InputFiles, names: Sequence[str]) -> None:
    twice = names_twice(names)
    if twice:
        raise InvalidInput(
            f"Input {source.name!r}: there are two columns {twice[0]!r}; Spark does not tell capitals from small "
            "letters, and folders of an input are columns too."
        )


def _schema_of(columns: Sequence[JsonColumn], spark: SparkSession) -> StructType:
    """The columns' types as Spark's parser of types reads them, each alone, so that a comma cannot add a column."""
    values = [F.lit(None).cast(column.type).alias(column.name) for column in columns]
    return spark.range(0).select(*values).schema


def _inferred_schema(
    spark: SparkSession, source: InputFiles, lines: DataFrame, options: Mapping[str, str]
) -> StructType:
    """Types that the values of all lines have; those of another shape than an object have no say."""
    objects = lines.where(F.col(TEXT).rlike(r"\A\s*\{")).select(TEXT)
    dataset = getattr(objects._jdf, "as")(spark._jvm.org.apache.spark.sql.Encoders.STRING())
    reader = spark.read.options(**options, mode="DROPMALFORMED")
    schema = DataFrame(reader._jreader.json(dataset), spark).schema
    if not schema.fields:
        raise InvalidInput(f"Input {source.name!r}: no line of {source.uri} is a JSON object with a value.")
    return schema
