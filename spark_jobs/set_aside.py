"""Rows sorted into good ones, which a job writes, and others, which it sets aside with the reasons."""

from dataclasses import replace
from typing import Any, Callable, Mapping, Tuple

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.failures import InvalidInput
from spark_jobs.faults import reason_of, violations_of
from spark_jobs.inputs import InputFiles
from spark_jobs.limits import NO_LIMITS, Limits, in_rows
from spark_jobs.result import Result


def kept_and_set_aside(
    rows: Any, source: InputFiles, partition_by: Tuple[str, ...] = (), limits: Limits = NO_LIMITS
) -> Result:
    """The good rows as data and all others as rejected; the rows read are counted while the data is written.

    `rows` is a `MarkedRows`, a `MarkedLines` or a `CheckedRows`: it has a `frame`, and tells the good rows from
    others. Only if there are others is the input read again for them: a cache that saved this would have to hold it
    whole. Those that look torn are counted then, since no good row is.
    """
    counted, counted_again = Observation(), Observation()
    observed = rows.frame.observe(counted, F.count(F.lit(1)).alias("read"))

    def rejected() -> DataFrame:
        torn = F.count(F.when(rows.is_torn, 1)).alias("torn")
        return replace(rows, frame=rows.frame.where(~rows.is_good).observe(counted_again, torn)).rejected()

    def refuse_torn() -> None:
        torn = counted_again.get["torn"]
        if torn:  # the other part may have been taken for a good row, with a value cut short
            raise InvalidInput(
                f"Input {source.name!r}: {in_rows(torn)} of {source.uri} look like parts of quoted "
                "fields that go over several lines: say `multiLine: true`, or put the quotes right."
            )

    return Result(
        data=replace(rows, frame=observed).good(),
        rows_read=lambda: {source.name: counted.get["read"]},
        partition_by=partition_by,
        rejected=rejected,
        check_rejected=refuse_torn,
        keeps_every_row=True,
        limits=limits,
    )


def all_kept(
    frame: DataFrame,
    is_misread: Column,
    source: InputFiles,
    partition_by: Tuple[str, ...],
    otherwise: Callable[[], Result],
) -> Result:
    """All rows as data, counted while they are written.

    `otherwise` stands in if Spark fails at a row or header, has misread a row, or has met none.
    """
    counted = Observation()
    misread = F.count(F.when(is_misread, 1)).alias("misread")

    def rows_read() -> Mapping[str, int]:
        found = counted.get
        if not found["read"]:  # whether there is a header nobody has seen then
            raise InvalidInput(f"Input {source.name!r}: {source.uri} has no row.")
        if found["misread"]:
            raise InvalidInput(f"Input {source.name!r}: {in_rows(found['misread'])} are malformed.")
        return {source.name: found["read"]}

    return Result(
        data=frame.observe(counted, F.count(F.lit(1)).alias("read"), misread),
        rows_read=rows_read,
        partition_by=partition_by,
        otherwise=otherwise,
        keeps_every_row=True,
    )


def with_reasons(others: DataFrame, faults: Column, *columns: Column) -> DataFrame:
    """Rows as they are set aside: these columns, `reason` in sentences, and `violations` for counting."""
    found = others.select(*columns, faults.alias("__faults__"))
    kept = [name for name in found.columns if name != "__faults__"]
    faults = F.col("__faults__")
    return found.select(*kept, reason_of(faults).alias("reason"), violations_of(faults).alias("violations"))
