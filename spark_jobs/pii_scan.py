"""Job type `pii-scan`: which columns hold personal data, of which kinds, and how sure that is. Never a value."""

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.csv_files import CsvDialect
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.pii_patterns import KINDS, MAX_CHARACTERS, RECOGNISERS, sightings_in
from spark_jobs.pii_report import Finding, ScannedColumn, Shape, overall
from spark_jobs.pii_texts import LINES, TextColumn, Texts, cells_of, read_texts
from spark_jobs.result import Result

MAX_SAMPLES = 3
# Rows fall into so many parts by a hash of what they hold.
PARTS = 1_000_000
# Where nothing is found, this rule forgets the plan that counted, and the counts with it.
KEEP_COUNTING = (
    "spark.sql.adaptive.optimizer.excludedRules",
    "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
)
CHANCES = {recogniser.kind: recogniser.chance for recogniser in RECOGNISERS}
ROWS_SCHEMA = (
    "position int, name string, type string, pii string, kind string, values bigint, matches bigint, "
    "candidates bigint, confidence double"
)


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    format: Optional[str] = None
    header: bool = True
    delimiter: str = ","
    sample_fraction: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Figures:
    """What one pass counted: rows, rows looked at, and of each column its values and its longest text."""

    rows: int
    rows_scanned: int
    values: Tuple[int, ...]
    longest: Tuple[int, ...]


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """A row for each column and kind as data, one row for a column without any, and the report `pii.json`."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    spark.conf.set(*KEEP_COUNTING)
    texts = read_texts(spark, source, asked.format, CsvDialect(header=asked.header, delimiter=asked.delimiter))
    found, figures = scan(texts, asked)
    names_hold_pii = hold_pii(spark, texts.columns)
    columns = scanned_columns(texts.columns, found, figures, asked, names_hold_pii)
    report = {
        "reportVersion": 1,
        "pii": overall(columns, names_hold_pii),
        "input": {"name": source.name, "uri": source.uri},
        "rows": figures.rows,
        "rowsScanned": figures.rows_scanned,
        "sampleFraction": asked.sample_fraction,
        "seed": asked.seed,
        "kindsLookedFor": list(KINDS),
        "namesHoldPii": names_hold_pii,
        "columns": [column.to_json() for column in columns],
    }
    return Result(
        data=spark.createDataFrame(rows_of(columns), ROWS_SCHEMA).coalesce(1),
        rows_read=lambda: {source.name: figures.rows},
        reports={"pii.json": json.dumps(report, ensure_ascii=False, indent=1)},
    )


def scan(texts: Texts, asked: Parameters) -> Tuple[List[Row], Figures]:
    """What was found, by place, kind and shape, and the figures: one pass over the data."""
    all_rows, looked_at = Observation(), Observation()
    count = F.count(F.lit(1)).alias("rows")
    frame = sample_of(texts.frame.observe(all_rows, count), asked)
    of_columns = [
        figure
        for name in frame.columns
        for figure in (F.count(name).alias(f"{name}_values"), F.max(F.length(name)).alias(f"{name}_longest"))
    ]
    observed = Texts(frame.observe(looked_at, count, *of_columns), texts.columns)
    found = (
        sightings_in(cells_of(observed))
        .groupBy("place", "kind", "shape")
        .agg(
            F.count(F.when(F.col("passed") > 0, 1)).alias("values"),
            F.sum("passed").alias("matches"),
            F.sum("candidates").alias("candidates"),
        )
        .collect()
    )
    seen = looked_at.get
    return found, Figures(
        all_rows.get["rows"],
        seen["rows"],
        tuple(seen[f"{name}_values"] for name in frame.columns),
        tuple(seen[f"{name}_longest"] or 0 for name in frame.columns),
    )


def sample_of(frame: DataFrame, asked: Parameters) -> DataFrame:
    """The share of rows that was asked for; which ones hangs on the seed and on what they hold, not on files."""
    if asked.sample_fraction >= 1:
        return frame
    part = F.pmod(F.xxhash64(F.lit(asked.seed), *frame.columns), F.lit(PARTS))
    return frame.where(part < int(asked.sample_fraction * PARTS))


def hold_pii(spark: SparkSession, columns: Sequence[TextColumn]) -> bool:
    """Whether a column's name is personal data, as in a file whose first row is no header."""
    names = [(each.name,) for each in columns if each.name is not None]
    return bool(names) and sightings_in(spark.createDataFrame(names, "text string")).where("passed > 0").count() > 0


def scanned_columns(
    columns: Sequence[TextColumn], found: Sequence[Row], figures: Figures, asked: Parameters, names_hold_pii: bool
) -> List[ScannedColumn]:
    """The columns with what was found in each; if one name is personal data, none is told."""
    by_place: Dict[int, List[Row]] = defaultdict(list)
    for row in found:
        by_place[row["place"]].append(row)
    return [
        ScannedColumn(
            position=place + 1,
            name=None if names_hold_pii else column.name,
            type=column.type,
            values=figures.values[place],
            is_looked_at=column.is_looked_at,
            is_cut=figures.longest[place] > MAX_CHARACTERS,
            is_sample=asked.sample_fraction < 1,
            findings=findings_of(by_place[place]),
        )
        for place, column in enumerate(columns)
        if column.name != LINES or figures.values[place]
    ]


def findings_of(rows: Sequence[Row]) -> Tuple[Finding, ...]:
    """The rows of one column by kind, in the order of the recognisers."""
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    return tuple(_finding(kind, [row for row in rows if row["kind"] == kind]) for kind in kinds)


def _finding(kind: str, rows: Sequence[Row]) -> Finding:
    shapes = sorted((-row["values"], row["shape"]) for row in rows if row["shape"] is not None)
    return Finding(
        kind=kind,
        values=sum(row["values"] for row in rows),
        matches=sum(row["matches"] for row in rows),
        candidates=sum(row["candidates"] for row in rows),
        chance=CHANCES[kind],
        samples=tuple(Shape(shape, -values) for values, shape in shapes[:MAX_SAMPLES]),
    )


def rows_of(columns: Sequence[ScannedColumn]) -> List[Tuple[Any, ...]]:
    """The report as rows of `ROWS_SCHEMA`."""
    return [
        (column.position, column.name, column.type, column.pii, *figures)
        for column in columns
        for figures in (
            [(each.kind, each.values, each.matches, each.candidates, each.confidence) for each in column.findings]
            or [(None, 0, 0, 0, None)]
        )
    ]
