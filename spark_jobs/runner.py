"""The story of an attempt: find the inputs, run the job type, write its data, what it set aside, and the manifest."""

import hashlib
from contextlib import nullcontext
from datetime import datetime
from typing import Callable, List, Optional, Sequence, Tuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs import (
    compact,
    csv_to_parquet,
    csv_under_contract,
    deduplicate,
    json_to_parquet,
    json_under_contract,
    mask,
    pii_scan,
    profile,
    quality,
    sql,
)
from spark_jobs.attempt_log import INFO, say
from spark_jobs.contract import read_contract
from spark_jobs.csv_files import CsvDialect
from spark_jobs.deployed_code import code_sha256
from spark_jobs.discreet import without_quotes
from spark_jobs.failures import AttemptAlreadyWritten, InvalidInput
from spark_jobs.input_changes import held_to
from spark_jobs.inputs import InputFiles, find_input, is_hidden
from spark_jobs.job import Job
from spark_jobs.limits import SetAside, Violations
from spark_jobs.manifest import MANIFEST, Code, InputRead, Manifest, Output, OutputFile, ReportFile, Written
from spark_jobs.object_store import ObjectStore, in_parallel
from spark_jobs.result import Result
from spark_jobs.spark_work import work_since, work_so_far
from spark_jobs.writing import write_and_count, writer

# A job type is a function (session, inputs, parameters) -> Result, in a module of its own.
JOB_TYPES = {
    "compact": compact.run,
    "csv-to-parquet": csv_to_parquet.run,
    "deduplicate": deduplicate.run,
    "json-to-parquet": json_to_parquet.run,
    "mask": mask.run,
    "pii-scan": pii_scan.run,
    "profile": profile.run,
    "quality": quality.run_without_contract,
    "sql": sql.run,
}
# Those that can hold their input to a contract: (session, inputs, parameters, contract) -> Result.
UNDER_CONTRACT = {
    "csv-to-parquet": csv_under_contract.run,
    "json-to-parquet": json_under_contract.run,
    "quality": quality.run,
}
# Those of which no error may quote a value of the data.
DISCREET = {"mask", "pii-scan"}
VIOLATIONS = "violations array<struct<column: string, rule: string>>"

Clock = Callable[[], datetime]
# From the URIs of files to the number of rows in each.
RowCounter = Callable[[Sequence[str]], List[int]]


class RowsLost(Exception):
    """The counts of rows disagree: a defect of this code, not of the data."""


def run_attempt(spark: SparkSession, job: Job, attempt: int, prefix: str, clock: Clock) -> str:
    """Run one attempt of a job and write all of it under `prefix`, the manifest last; the manifest's SHA-256 in hex.

    Raises: InvalidInput, AttemptAlreadyWritten, RowsLost, and whatever Spark raises.
    """
    with without_quotes(spark) if job.job_type in DISCREET else nullcontext():
        return _run_attempt(spark, job, attempt, prefix, clock)


def _run_attempt(spark: SparkSession, job: Job, attempt: int, prefix: str, clock: Clock) -> str:
    started_at, store = clock(), ObjectStore(spark)
    if store.exists(prefix + MANIFEST):
        raise AttemptAlreadyWritten(f"Attempt {attempt} of job {job.job_id} was written before: {prefix}{MANIFEST}.")
    if job.job_type not in JOB_TYPES:
        raise LookupError(f"This code has no job type {job.job_type!r}; it has {', '.join(sorted(JOB_TYPES))}.")
    worked_before = work_so_far(spark)
    inputs = [find_input(store, each) for each in job.inputs]
    with held_to(store, inputs):
        written = write_all(spark, store, job, attempt, inputs, prefix)
    work, code = work_since(spark, worked_before), Code(code_sha256(), spark.version)
    manifest = Manifest(job, attempt, started_at, clock(), written, code, work).to_json()
    store.write_text(prefix + MANIFEST, manifest)
    return hashlib.sha256(manifest.encode("utf-8")).hexdigest()


def write_all(
    spark: SparkSession, store: ObjectStore, job: Job, attempt: int, inputs: Sequence[InputFiles], prefix: str
) -> Written:
    """Run the job's type and write all but the manifest. Raises: InvalidInput, RowsLost, and whatever Spark raises."""
    result, rows_read, rows_written = write_and_count(
        spark,
        store,
        run_program(spark, store, job, inputs),
        prefix + "data",
        tell_again=lambda: say(INFO, "input_read_again", job, attempt),
    )
    data_files = describe_files(store, prefix, "data", data_counter(spark, store, result, prefix + "data"))
    is_any_left = result.rejected is not None and sum(rows_read.values()) > rows_in(data_files)
    rejected_files = write_rejected(spark, store, result, prefix) if is_any_left else ()
    check_rows(result, sum(rows_read.values()), rows_written, data_files, rejected_files)

    read = tuple(InputRead(each.name, each.uri, each.files, rows_read[each.name]) for each in inputs)
    found = what_was_set_aside(spark, job, result, read, rejected_files, prefix + "rejected/")
    output, report_files = Output(data_files, result.data.schema), write_reports(store, result, found, prefix)
    refusal = result.limits.refusal(found)
    if refusal is not None:  # only now: the rows set aside and the reports are there for whoever mends the input
        raise InvalidInput(refusal)
    return Written(read, output, rejected_files, tuple(found.violations), report_files)


def run_program(spark: SparkSession, store: ObjectStore, job: Job, inputs: Sequence[InputFiles]) -> Result:
    """What the job's type makes of the inputs, held to the job's contract if it names one."""
    if job.contract is None:
        return JOB_TYPES[job.job_type](spark, inputs, job.parameters)
    if job.job_type not in UNDER_CONTRACT:
        raise LookupError(f"Job type {job.job_type!r} takes no contract; {', '.join(sorted(UNDER_CONTRACT))} does.")
    contract = read_contract(store, job.contract)
    return UNDER_CONTRACT[job.job_type](spark, inputs, job.parameters, contract)


def what_was_set_aside(
    spark: SparkSession,
    job: Job,
    result: Result,
    inputs: Sequence[InputRead],
    rejected_files: Sequence[OutputFile],
    folder: str,
) -> SetAside:
    """The counts of the rows set aside; by rule, if anybody will ask."""
    rows_read, rows = sum(each.rows for each in inputs), rows_in(rejected_files)
    is_asked = rows > 0 and (job.contract is not None or not result.limits.allow(rows_read, rows))
    return SetAside(rows_read, rows, count_violations(spark, folder) if is_asked else (), folder)


def count_violations(spark: SparkSession, folder: str) -> Tuple[Violations, ...]:
    """How many of the rows set aside break each rule; a row can break several."""
    broken = spark.read.schema(VIOLATIONS).json(folder).select(F.explode("violations").alias("rule")).select("rule.*")
    counted = broken.groupBy("column", "rule").count().orderBy("column", "rule").collect()
    return tuple(Violations(row["column"], row["rule"], row["count"]) for row in counted)


def write_rejected(spark: SparkSession, store: ObjectStore, result: Result, prefix: str) -> Tuple[OutputFile, ...]:
    """Write the rows set aside as JSON lines, which people can read and Spark too. Raises: InvalidInput."""
    folder = prefix + "rejected"
    writer(result.rejected(), "json").save(folder)
    if result.check_rejected is not None:
        result.check_rejected()
    return describe_files(store, prefix, "rejected", counter_of(spark.read.text(folder)))


def write_reports(store: ObjectStore, result: Result, found: SetAside, prefix: str) -> Tuple[ReportFile, ...]:
    """Write what a result says in documents."""
    files, late = [], result.report_on(found) if result.report_on else {}
    for name, text in sorted({**result.reports, **late}.items()):
        path = f"reports/{name}"
        store.write_text(prefix + path, text)
        content = text.encode("utf-8")
        files.append(ReportFile(path, len(content), hashlib.sha256(content).hexdigest()))
    return tuple(files)


def data_counter(spark: SparkSession, store: ObjectStore, result: Result, folder: str) -> RowCounter:
    """How to count the rows of data files: Parquet says it, CSV must be read back."""
    if result.file_format == "csv":
        return counter_of(spark.read.options(**CsvDialect(multi_line=True).options()).csv(folder))
    return lambda uris: in_parallel(store.parquet_rows, uris)


def counter_of(frame: DataFrame) -> RowCounter:
    """Count rows by reading the files they came from."""
    rows = {
        row["name"]: row["count"] for row in frame.groupBy(F.col("_metadata.file_name").alias("name")).count().collect()
    }
    return lambda uris: [rows.get(uri.rsplit("/", 1)[-1], 0) for uri in uris]


def describe_files(store: ObjectStore, prefix: str, folder: str, count_rows: RowCounter) -> Tuple[OutputFile, ...]:
    """The files of a folder under `prefix`, as they are in the store."""
    root = store.canonical(prefix)
    files = [file for file in store.list_files(prefix + folder) if not is_hidden(file.uri[len(root) :])]
    uris = [file.uri for file in files]
    digests, rows = in_parallel(store.sha256, uris), count_rows(uris)
    return tuple(
        OutputFile(file.uri[len(root) + 1 :], file.size_bytes, rows[index], digests[index], file.etag)
        for index, file in enumerate(files)
    )


def rows_in(files: Sequence[OutputFile]) -> int:
    """The rows of files, as the files say."""
    return sum(file.rows for file in files)


def check_rows(
    result: Result,
    rows_read: int,
    rows_written: Optional[int],
    data_files: Sequence[OutputFile],
    rejected_files: Sequence[OutputFile],
) -> None:
    """Hold what was counted on the way against what is in the files. Raises: RowsLost."""
    in_data, set_aside = rows_in(data_files), rows_in(rejected_files)
    if rows_written is not None and rows_written != in_data:
        raise RowsLost(f"{rows_written} rows were written, but the files hold {in_data}.")
    if result.keeps_every_row and rows_read != in_data + set_aside:
        raise RowsLost(f"{rows_read} rows were read, but {in_data} written and {set_aside} set aside.")
