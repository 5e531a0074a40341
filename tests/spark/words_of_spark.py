"""What the tests expect Spark to say, where its two releases say the same thing in other words."""

import pyspark


def in_words_of(spark_3, spark_4):
    """The words of the Spark that runs the tests."""
    return spark_3 if pyspark.__version__.startswith("3.") else spark_4


# Of the pattern QQQQQQ.
BROKEN_PATTERN = in_words_of("Too many pattern letters: Q", "Too many letters in datetime pattern: QQQQQ")
