"""Writing a job's data, and writing it anew where an input that seemed good is not."""

from typing import Callable, Mapping, Optional, Tuple

from pyspark.sql import DataFrame, DataFrameWriter, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.failed_tasks import rows_unsaid, wait_for_tasks
from spark_jobs.failures import INVALID_INPUT, failure_of
from spark_jobs.object_store import ObjectStore
from spark_jobs.result import Result


def write_and_count(
    spark: SparkSession, store: ObjectStore, result: Result, folder: str, tell_again: Callable[[], None]
) -> Tuple[Result, Mapping[str, int], Optional[int]]:
    """Write a result's data, or that of the one that stands in for it; which, its rows read and its rows written.

    `tell_again` is called before the other is tried. Raises: TasksGoOn, and whatever Spark raises.
    """
    if result.otherwise is not None:
        try:
            with rows_unsaid(spark):
                return result, *_write_and_count(spark, store, result, folder)
        except Exception as error:
            if failure_of(error).reason != INVALID_INPUT:
                raise
        tell_again()
        wait_for_tasks(spark)  # one that goes on would make the folder again
        store.delete(folder)
        result = result.otherwise()
    return result, *_write_and_count(spark, store, result, folder)


def _write_and_count(
    spark: SparkSession, store: ObjectStore, result: Result, folder: str
) -> Tuple[Mapping[str, int], Optional[int]]:
    rows_written = write_data(spark, store, result, folder)
    return result.rows_read(), rows_written


def write_data(spark: SparkSession, store: ObjectStore, result: Result, folder: str) -> Optional[int]:
    """Write a result's data; its rows, counted on the way, or None where the rows read tell how many they must be."""
    counted = None if result.keeps_every_row else Observation()
    frame = result.data if counted is None else result.data.observe(counted, F.count(F.lit(1)).alias("rows"))
    writer(frame, result.file_format).partitionBy(*result.partition_by).save(folder)
    # No row, no partition, no file: but the schema must be there to read.
    if result.partition_by and not (store.exists(folder) and store.list_files(folder)):
        writer(spark.createDataFrame([], result.data.schema), "parquet").mode("append").save(folder)
    return None if counted is None else counted.get["rows"]


def writer(frame: DataFrame, file_format: str) -> DataFrameWriter:
    """A writer of frames to new folders; an attempt never writes over anything."""
    options = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": False}  # the manifest says this, and more
    if file_format == "csv":
        # Spark would trim texts, escape quotes by a backslash, and leave out a row whose only field is NULL.
        spaces = {"ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}
        options.update(spaces, header=True, escape='"', quoteAll=len(frame.columns) == 1)
    return frame.write.format(file_format).mode("errorifexists").options(**options)
