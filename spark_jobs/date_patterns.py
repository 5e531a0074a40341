"""Patterns of dates and times: as options of Spark, and tried before data are read by them."""

from typing import Dict, Iterable, Optional

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention


def pattern_options(date_format: Optional[str], timestamp_format: Optional[str]) -> Dict[str, str]:
    """Spark's options for reading dates and times, of those patterns that are given."""
    options = {"dateFormat": date_format, "timestampFormat": timestamp_format}
    return {name: pattern for name, pattern in options.items() if pattern is not None}


def try_patterns(spark: SparkSession, patterns: Iterable[Optional[str]]) -> None:
    """Write a date by each pattern that is given: a reader would take all rows under a broken one for malformed.

    Raises: Spark's own IllegalArgumentException for a broken pattern, which is the user's to put right.
    """
    given = [pattern for pattern in patterns if pattern is not None]
    if given:
        spark.range(1).select(*[F.date_format(F.current_timestamp(), pattern) for pattern in given]).collect()
