"""The Spark session, with the settings that a job's result depends on; where it runs is the submitter's affair."""

from pyspark.sql import SparkSession

SETTINGS = {
    # A value that does not fit is an error, not a silent NULL.
    "spark.sql.ansi.enabled": "true",
    # The result must not depend on where the driver stands.
    "spark.sql.session.timeZone": "UTC",
    # A pruned CSV parser neither counts a row's fields nor looks at those that nobody asked for.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    # The default, EXCEPTION, ends the run at a date that Spark 2 would have accepted; such a row is malformed.
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # The default, EXCEPTION, refuses to write days before 1582, and 0001-01-01 is a common way to say "never".
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    # INT96, the default, is deprecated and has no statistics, so readers could skip nothing by time.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # The next three keep a query to the inputs of its job. SELECT * FROM parquet.`s3://...` reads any file;
    "spark.sql.runSQLOnFiles": "false",
    # ${env:NAME} and ${spark.name} in the text of a query become the driver's variables and settings;
    "spark.sql.variable.substitute": "false",
    # and a metastore's tables are nobody's input.
    "spark.sql.catalogImplementation": "in-memory",
}


def make_session() -> SparkSession:
    """The session of this process, made on first call; master and resources come from spark-submit."""
    builder = SparkSession.builder.appName("cloud-data-platform")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
