"""Any input as a table: Parquet, CSV with a header, JSON lines, or the output of another job."""

from dataclasses import dataclass
from typing import Optional

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.columns import quoted
from spark_jobs.csv_files import LINE, CsvDialect, read_csv
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import COMPRESSED, InputFiles
from spark_jobs.json_files import read_json
from spark_jobs.object_store import ObjectStore, in_parallel

FORMATS = ("parquet", "csv", "json")
FORMATS_BY_SUFFIX = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}


@dataclass(frozen=True)
class Table:
    """All rows of an input, not computed yet, and how many they are."""

    frame: DataFrame
    rows: int


def read_table(spark: SparkSession, source: InputFiles, wanted_format: Optional[str] = None) -> Table:
    """An input under the types that its files say, or that all of its rows have.

    Raises: InvalidInput for a row that cannot be read, or an unknown format.
    """
    file_format = known_format(wanted_format or format_of(source.uris[0]))
    if source.schema is not None:
        return Table(_read_output_of_job(spark, source, file_format), source.rows)
    if file_format == "csv":
        return _without_malformed(source, read_csv(spark, source, CsvDialect()).with_lines(), "csv-to-parquet")
    if file_format == "json":
        return _without_malformed(source, read_json(spark, source).frame, "json-to-parquet")
    return _read_parquet(spark, source)


def format_of(uri: str) -> str:
    """The format that a file's name tells; `parquet` if it tells none."""
    name = uri.rsplit("/", 1)[-1].lower()
    for suffix in COMPRESSED:
        if name.endswith(suffix):
            name = name[: -len(suffix)]
    return FORMATS_BY_SUFFIX.get(name.rsplit(".", 1)[-1], "parquet")


def known_format(name: str) -> str:
    """The format, if there is such a one. Raises: InvalidInput."""
    if name not in FORMATS:
        raise InvalidInput(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    return name


def _read_output_of_job(spark: SparkSession, source: InputFiles, file_format: str) -> DataFrame:
    """The data of another job as it was: types are not guessed again from texts and names of folders."""
    options = CsvDialect(multi_line=True).options() if file_format == "csv" else {}
    frame = source.reader(spark).options(**options).schema(source.schema).load(source.paths, format=file_format)
    return frame.select(*[quoted(name) for name in source.schema.names])


def _read_parquet(spark: SparkSession, source: InputFiles) -> Table:
    """Files with other columns than the first are read with all of theirs, which Spark alone would leave out."""
    frame = source.reader(spark).option("mergeSchema", True).parquet(*source.paths)
    return Table(frame, sum(in_parallel(ObjectStore(spark).parquet_rows, source.uris)))


def _without_malformed(source: InputFiles, marked: DataFrame, converter: str) -> Table:
    """Rows that carry `LINE`, once none is malformed. This costs a pass, which also counts them."""
    # Spark looks only at the fields that are asked for, so this asks for all of them.
    count_all = [F.count(quoted(name)) for name in marked.columns if name != LINE]
    counted = marked.agg(
        F.count(F.lit(1)).alias("__rows__"), F.first(LINE, ignorenulls=True).alias(LINE), *count_all
    ).first()
    if counted[LINE] is not None:
        raise InvalidInput(
            f"Input {source.name!r} has a malformed row, {counted[LINE]!r}; "
            f"convert it with {converter}, which sets such rows aside."
        )
    return Table(marked.drop(LINE), counted["__rows__"])
