"""A program of one's own for the job type `pyspark`: counts the flights of each carrier."""

import argparse
import json
import sys

from pyspark.sql import SparkSession


def main() -> int:
    """Count, and write below the attempt's folder; 1 if the input is at fault."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--column", default="carrier")  # an argument of ours; the platform's come after it
    parser.add_argument("--job", type=json.loads, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--attempt", type=int, required=True)
    told = parser.parse_args()
    folder = f"{told.output}attempt-{told.attempt}/"

    spark = SparkSession.builder.getOrCreate()
    (flights,) = told.job["inputs"]
    rows = spark.read.csv(flights["uri"], header=True)
    if told.column not in rows.columns:
        sentence = f"There is no column {told.column!r}; there are {', '.join(rows.columns)}."
        failure = {"failureReason": "INVALID_INPUT", "message": sentence}  # so that it is not tried again
        write_text(spark, f"{folder}_failure.json", json.dumps(failure))
        return 1
    rows.groupBy(told.column).count().orderBy(told.column).coalesce(1).write.csv(f"{folder}data", header=True)
    return 0


def write_text(spark: SparkSession, uri: str, text: str) -> None:
    """Write one small object by Spark's own access to S3."""
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    stream = path.getFileSystem(spark._jsc.hadoopConfiguration()).create(path)
    stream.write(bytearray(text, "utf-8"))
    stream.close()


if __name__ == "__main__":
    sys.exit(main())
