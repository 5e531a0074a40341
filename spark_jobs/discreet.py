"""Failing without quoting: what Spark and Hadoop say of an error may hold a value of the data."""

from contextlib import contextmanager
from typing import Iterator

from pyspark.sql import SparkSession

from spark_jobs.failures import INVALID_INPUT, AttemptAlreadyWritten, Failure, InvalidInput, failure_of

# By these the platform knows a failure that may pass, and a lack of memory (FAILURE_TEXTS in shared/retry.py).
SIGNS = (
    *("OutOfMemoryError", "Java heap space", "GC overhead limit exceeded", "exit code 137", "memory limit"),
    *("ExecutorLostFailure", "FetchFailed", "SlowDown", "Connection reset", "SocketTimeoutException"),
)
NOT_SHOWN = "what Spark says of it is not shown, because it may quote the data"


class FailedDiscreetly(Exception):
    """The run failed for an error whose class alone is told."""


@contextmanager
def without_quotes(spark: SparkSession) -> Iterator[None]:
    """Let no message of Spark's pass: neither into the driver's log nor into the error that is raised instead.

    Our own errors pass as they are. Raises: InvalidInput, FailedDiscreetly.
    """
    spark.sparkContext.setLogLevel("OFF")
    try:
        yield
    except (InvalidInput, AttemptAlreadyWritten) as error:
        raise error from None  # what caused it may quote the data
    except Exception as error:
        failure = failure_of(error)
        if failure.reason == INVALID_INPUT:
            raise InvalidInput(f"An input cannot be read ({failure.exception}); {NOT_SHOWN}.") from None
        raise FailedDiscreetly(f"{failure.exception}{known_signs(failure)}; {NOT_SHOWN}.") from None


def known_signs(failure: Failure) -> str:
    """Which words of Spark's own are in a failure's errors: they tell what kind it was, and quote nothing."""
    found = {sign for sign in SIGNS for cause in failure.causes if sign in cause}
    return f" ({', '.join(sorted(found))})" if found else ""


@contextmanager
def reading(input_name: str) -> Iterator[None]:
    """Let no line and no header be quoted when a table cannot be read. Raises: InvalidInput."""
    try:
        yield
    except InvalidInput:
        raise InvalidInput(
            f"Input {input_name!r} has a header or a row that cannot be read, which is not shown; "
            "csv-to-parquet and json-to-parquet say which and why."
        ) from None
