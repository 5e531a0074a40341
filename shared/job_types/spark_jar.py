"""The entry of `spark-jar`."""

from shared.job_types.job_type import JobType
from shared.job_types.parts import ARGUMENTS, HOW_PROGRAMS_RUN, program_file
from shared.schema_problems import END

MOST_INPUTS = 20

SPARK_JAR = JobType(
    name="spark-jar",
    version="1.0.0",
    title="Run a jar of your own",
    description=(
        "Runs a class of a jar that lies in S3, on Spark 3.5 (Scala 2.12, Java 17). " + HOW_PROGRAMS_RUN + " The jar "
        "must hold what it needs beside Spark itself."
    ),
    min_inputs=0,
    max_inputs=MOST_INPUTS,
    entry_point="",
    program_parameter="jar",
    example={
        "jobType": "spark-jar",
        "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/flights/flights.csv"}],
        "parameters": {"mainClass": "com.example.CountByCarrier", "arguments": ["{output}data"]},
    },
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["mainClass"],
        "properties": {
            "jar": program_file(
                "Where the jar lies: the s3:// URI of a .jar file in a bucket that jobs may read; without it the "
                "platform's own choice (SPARK_JAR_PATH).",
                "jar",
                "s3://cloud-data-platform-dev-raw/jars/count-by-carrier-1.0.0.jar",
            ),
            "mainClass": {
                "type": "string",
                "description": "The class that is started, with its package: letters, digits, _, $ and dots.",
                "maxLength": 200,
                "pattern": rf"^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*{END}",
                "examples": ["com.example.CountByCarrier"],
            },
            "arguments": ARGUMENTS,
        },
    },
)
