"""Job type `sql`: one query over the inputs, each of which is a view under its name."""

import re
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence, Tuple

from pyspark.errors import ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.csv_files import LINE, CsvDialect, quoted, read_csv
from spark_jobs.failures import InvalidInput, is_a
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.object_store import ObjectStore, in_parallel
from spark_jobs.result import Counts, Result

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FORMATS = ("parquet", "csv", "json")
FORMATS_BY_SUFFIX = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}
COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate")
# These call any method of any Java class, so a query could leave its inputs, and Spark.
FUNCTIONS_THAT_RUN_JAVA = ("reflect", "java_method", "try_reflect")
PLANS = "org.apache.spark.sql.catalyst.plans.logical"


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    query: str
    formats: Mapping[str, str] = field(default_factory=dict)
    output_format: str = "parquet"


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The rows of the query.

    Raises: InvalidInput, or Spark's own AnalysisException, for what is not one query over these inputs.
    """
    asked = read_parameters(Parameters, parameters)
    _check_names(inputs, asked.formats)
    check_is_query(spark, asked.query)
    _forget_functions_that_run_java(spark)
    rows_read = {}
    for source in inputs:
        frame, rows_read[source.name] = _read_input(spark, source, asked.formats.get(source.name))
        frame.createOrReplaceTempView(source.name)
    return Result(
        data=spark.sql(asked.query), counts=lambda: Counts(rows_read), file_format=_known_format(asked.output_format)
    )


def check_is_query(spark: SparkSession, text: str) -> None:
    """Refuse what is not one SELECT, going by Spark's parser and not by the look of the text.

    Raises: ParseException for a text that is not one statement; InvalidInput for another kind of statement.
    """
    parser = spark._jsparkSession.sessionState().sqlParser()
    plan = parser.parsePlan(text)
    try:
        parser.parseQuery(text)  # knows queries alone, but stops at the end of one: parsePlan looks at the rest
    except ParseException as error:
        kind = plan.getClass().getSimpleName()
        raise InvalidInput(f"The query must be one SELECT or WITH statement, but this is {kind}.") from error
    if any(is_a(node, f"{PLANS}.ScriptTransformation") for node in _nodes(plan)):
        raise InvalidInput("The query must not use TRANSFORM, MAP or REDUCE, which run programs outside of Spark.")


def format_of(uri: str) -> str:
    """The format that a file's name tells; `parquet` if it tells none."""
    name = uri.rsplit("/", 1)[-1].lower()
    for suffix in COMPRESSIONS:
        if name.endswith(suffix):
            name = name[: -len(suffix)]
    return FORMATS_BY_SUFFIX.get(name.rsplit(".", 1)[-1], "parquet")


def _nodes(plan: Any) -> Iterator[Any]:
    """A plan and all plans in it: its children, its WITH clauses and the subqueries of its expressions."""
    yield plan
    for inner in (plan.children(), plan.innerChildren(), plan.subqueries()):
        for index in range(inner.size()):
            if is_a(inner.apply(index), f"{PLANS}.LogicalPlan"):
                yield from _nodes(inner.apply(index))


def _check_names(inputs: Sequence[InputFiles], formats: Mapping[str, str]) -> None:
    names = [source.name for source in inputs]
    for place, name in enumerate(names):
        if not IDENTIFIER.fullmatch(name):
            raise InvalidInput(f"Input {name!r} cannot be a view: a name is letters, digits and _, no digit first.")
        if name.lower() in [other.lower() for other in names[:place]]:
            raise InvalidInput(f"Two inputs are named {name!r}; SQL does not tell capitals from small letters.")
    strangers = sorted(set(formats) - set(names))
    if strangers:
        raise InvalidInput(f"`formats` speaks of {strangers[0]!r}, but the inputs are {', '.join(names)}.")


def _forget_functions_that_run_java(spark: SparkSession) -> None:
    registry = spark._jsparkSession.sessionState().functionRegistry()
    for name in FUNCTIONS_THAT_RUN_JAVA:
        registry.dropFunction(spark._jvm.org.apache.spark.sql.catalyst.FunctionIdentifier(name))


def _read_input(spark: SparkSession, source: InputFiles, wanted_format: Any) -> Tuple[DataFrame, int]:
    """An input and the number of its rows."""
    file_format = _known_format(wanted_format or format_of(source.uris[0]))
    if source.schema is not None:
        return _read_output_of_job(spark, source, file_format), source.rows
    if file_format == "csv":
        return _read_csv(spark, source)
    if file_format == "json":
        return _read_json(spark, source)
    frame = source.reader(spark).parquet(*source.paths)
    return frame, sum(in_parallel(ObjectStore(spark).parquet_rows, source.uris))


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise InvalidInput(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    return name


def _read_output_of_job(spark: SparkSession, source: InputFiles, file_format: str) -> DataFrame:
    """The data of another job as it was: types are not guessed again from texts and names of folders."""
    options = CsvDialect(multi_line=True).options() if file_format == "csv" else {}
    frame = source.reader(spark).options(**options).schema(source.schema).load(source.paths, format=file_format)
    return frame.select(*[quoted(name) for name in source.schema.names])


def _read_csv(spark: SparkSession, source: InputFiles) -> Tuple[DataFrame, int]:
    """A CSV file with a header. Counting it costs a pass, which also finds malformed rows before they are NULLs."""
    rows = read_csv(spark, source, CsvDialect())
    # Spark looks only at the fields that are asked for, so this asks for all of them.
    count_all = [F.count(quoted(name)) for name in rows.frame.columns if name != LINE]
    counted = rows.frame.agg(
        F.count(F.lit(1)).alias("__rows__"), F.first(LINE, ignorenulls=True).alias(LINE), *count_all
    ).first()
    if counted[LINE] is not None:
        raise InvalidInput(
            f"Input {source.name!r} has a malformed row, {counted[LINE]!r}; "
            "convert it with csv-to-parquet, which sets such rows aside."
        )
    return rows.frame.drop(LINE), counted["__rows__"]


def _read_json(spark: SparkSession, source: InputFiles) -> Tuple[DataFrame, int]:
    """JSON with one object a line."""
    frame = source.reader(spark).options(mode="PERMISSIVE", columnNameOfCorruptRecord=LINE).json(source.paths)
    if LINE in frame.columns:  # inference adds it at the first line that needs it
        raise InvalidInput(f"Input {source.name!r} has a line that is not a JSON object: {source.uri}.")
    return frame, frame.count()
