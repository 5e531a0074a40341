"""Patterns of dates and times, tried before data are read by them."""

from typing import Iterable, Optional

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention


def try_patterns(spark: SparkSession, patterns: Iterable[Optional[str]]) -> None:
    """Write a date by each pattern that is given: a reader would take all rows under a broken one for malformed.

    Raises: Spark's own IllegalArgumentException for a broken pattern, which is the user's to put right.
    """
    given = [pattern for pattern in patterns if pattern is not None]
    if given:
        spark.range(1).select(*[F.date_format(F.current_timestamp(), pattern) for pattern in given]).collect()
