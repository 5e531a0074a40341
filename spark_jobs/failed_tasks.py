"""Tasks of a write that may fail at a row: what they say of it is kept out of the log, and their end is waited for."""

import time
from contextlib import contextmanager
from typing import Iterator

from pyspark.sql import SparkSession

# These write the error itself, with the row; it is raised anyway.
LOGGERS = (
    "org.apache.spark.executor.Executor",
    "org.apache.spark.sql.execution.datasources.FileFormatWriter",
    "org.apache.spark.util.Utils",
)
# The scheduler's lines hold its text, and this condition of Spark is in it.
MALFORMED = "(?s).*MALFORMED_RECORD_IN_PARSING.*"
# A task looks whether it was cancelled at every row, but a row may have to wait for S3.
PATIENCE_SECONDS = 300.0
PAUSE_SECONDS = 0.05


class TasksGoOn(Exception):
    """Tasks of a write that failed do not end, and might still write. The platform tries another attempt then."""


@contextmanager
def rows_unsaid(spark: SparkSession) -> Iterator[None]:
    """Let the driver's log hold no row that a task fails at; an error that ends the work is raised as it is."""
    log4j = spark._jvm.org.apache.logging.log4j
    log, core = log4j.LogManager.getContext(False), log4j.core
    on_match, otherwise = core.Filter.Result.DENY, core.Filter.Result.NEUTRAL
    unwanted = core.filter.RegexFilter.createFilter(MALFORMED, None, False, on_match, otherwise)
    levels = {name: log4j.LogManager.getLogger(name).getLevel() for name in LOGGERS}
    try:
        log.addFilter(unwanted)
        for name in LOGGERS:
            core.config.Configurator.setLevel(name, log4j.Level.OFF)
        yield
    finally:
        log.removeFilter(unwanted)
        for name, level in levels.items():
            core.config.Configurator.setLevel(name, level)


def wait_for_tasks(spark: SparkSession, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Return once no task runs: when one fails, Spark cancels the others of its stage and does not wait for them.

    Raises: TasksGoOn.
    """
    waited_from = time.monotonic()
    while is_any_running(spark):
        if time.monotonic() - waited_from >= patience_seconds:
            raise TasksGoOn(f"Tasks of a write that failed still run after {patience_seconds:g} s.")
        time.sleep(PAUSE_SECONDS)


def is_any_running(spark: SparkSession) -> bool:
    """Whether an executor has a task, as the scheduler knows it; the status store lags behind."""
    by_executor = spark._jsc.sc().taskScheduler().runningTasksByExecutors().valuesIterator()
    while by_executor.hasNext():
        if by_executor.next():
            return True
    return False
