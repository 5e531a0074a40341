"""The catalogue: one entry for each kind of Spark job that a user may ask for, each in a file of its own.

The schemas are JSON Schema 2020-12 and are shown to clients as they are, so their patterns must mean the same
to Python and to ECMAScript. The code of an entry lies in `spark_jobs/`, in a file of the same name.
"""

from collections.abc import Mapping

from shared.errors import FieldProblem
from shared.job_types.compact import COMPACT
from shared.job_types.csv_to_parquet import CSV_TO_PARQUET
from shared.job_types.deduplicate import DEDUPLICATE
from shared.job_types.job_type import JobType
from shared.job_types.json_to_parquet import JSON_TO_PARQUET
from shared.job_types.mask import MASK
from shared.job_types.pii_scan import PII_SCAN
from shared.job_types.profile import PROFILE
from shared.job_types.pyspark import PYSPARK
from shared.job_types.quality import QUALITY
from shared.job_types.simulated import SIMULATED, SIMULATED_RUN
from shared.job_types.spark_jar import SPARK_JAR
from shared.job_types.sql import MAX_QUERY_CHARACTERS, SQL
from shared.schema_problems import schema_problems

__all__ = [
    "CSV_TO_PARQUET",
    "JOB_TYPES",
    "MASK",
    "MAX_QUERY_CHARACTERS",
    "PYSPARK",
    "QUALITY",
    "SIMULATED",
    "SIMULATED_RUN",
    "SPARK_JAR",
    "SQL",
    "JobType",
    "parameter_problems",
]

JOB_TYPES: Mapping[str, JobType] = {
    each.name: each
    for each in (
        CSV_TO_PARQUET,
        JSON_TO_PARQUET,
        SQL,
        DEDUPLICATE,
        PROFILE,
        QUALITY,
        COMPACT,
        PII_SCAN,
        MASK,
        PYSPARK,
        SPARK_JAR,
        SIMULATED_RUN,
    )
}


def parameter_problems(job_type: JobType, parameters: object) -> list[FieldProblem]:
    """All that is wrong with a job's parameters: where, as a JSON pointer below /parameters, and what is right."""
    return schema_problems(job_type.parameters_schema, parameters)
