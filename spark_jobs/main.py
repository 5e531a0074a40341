"""What spark-submit starts: one attempt of one job, and an exit status that says how it ended.

    spark-submit --py-files spark_jobs.zip main.py --job JSON --output s3://bucket/jobs/<jobId>/ --attempt N

All that is written lies under `<output>attempt-<N>/`: `_manifest.json`, last of all, or `_failure.json`; and
`_reports.json`, if the end could not be reported.
"""

import argparse
import sys
import traceback
from pathlib import Path
from typing import Sequence

if not __package__:  # started as a program: in the checkout the package is this folder, else a zip on the path
    _folder = Path(__file__).resolve().parent
    if (_folder / "__init__.py").is_file():
        # Not beside this folder but in its place: in it, profile.py would be taken for Python's own.
        sys.path[:] = [str(_folder.parent), *(path for path in sys.path if Path(path).resolve() != _folder)]

from pyspark.sql import SparkSession

from spark_jobs.attempt_log import ERROR, INFO, say
from spark_jobs.callback import Callback
from spark_jobs.failures import FAILURE, AttemptAlreadyWritten, Failure, failure_of
from spark_jobs.job import Job
from spark_jobs.moments import utc_now
from spark_jobs.object_store import ObjectStore
from spark_jobs.reporter import UNDELIVERED, Reporter
from spark_jobs.runner import run_attempt
from spark_jobs.session import make_session
from spark_jobs.stages import Stages


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line: `job` (JSON text), `output` (the job's folder) and `attempt` (1, 2, ...)."""
    parser = argparse.ArgumentParser(description="Run one attempt of a job.")
    parser.add_argument("--job", required=True, help="the job as JSON: jobId, jobType, inputs, parameters")
    parser.add_argument("--output", required=True, help="the job's output folder, such as s3://bucket/jobs/<jobId>/")
    parser.add_argument("--attempt", required=True, type=int, help="the number of this attempt, counted from 1")
    return parser.parse_args(argv)


def main(argv: Sequence[str], spark: SparkSession) -> int:
    """Run the attempt that the command line names; 0 when its manifest was written, else 1."""
    arguments = parse_arguments(argv)
    prefix = f"{arguments.output.rstrip('/')}/attempt-{arguments.attempt}/"
    store, job, reporter = ObjectStore(spark), None, None
    try:
        job = Job.from_json(arguments.job)
        say(INFO, "program_began", job, arguments.attempt, job_type=job.job_type)
        reporter = make_reporter(spark, store, job, arguments.attempt, prefix)
        reporter.begin()
        manifest_sha256 = run_attempt(spark, job, arguments.attempt, prefix, utc_now)
    except Exception as error:
        failure = failure_of(error)
        if job is not None:
            say(ERROR, "program_failed", job, arguments.attempt, reason=failure.reason)
        report_failure(failure, error, store, prefix)
        if reporter is not None:
            tell_failure(reporter, error, failure)
        return 1
    say(INFO, "program_succeeded", job, arguments.attempt, manifest_sha256=manifest_sha256)
    reporter.succeeded(manifest_sha256)
    return 0


def make_reporter(spark: SparkSession, store: ObjectStore, job: Job, attempt: int, prefix: str) -> Reporter:
    """Who tells the platform how the attempt goes; whoever cannot read whom to tell tells nobody."""
    callback = None
    if job.callbacks is not None:
        try:
            callback = Callback.from_json(store.read_text(f"{job.callbacks}attempt-{attempt}.json"))
        except Exception as error:  # the text of the error is kept back: it may quote what was read
            sys.stderr.write(f"No reports are sent: whom to report to cannot be read ({type(error).__name__}).\n")
    stages = Stages(spark.sparkContext.statusTracker())
    return Reporter(callback, stages.progress, lambda text: store.write_text(prefix + UNDELIVERED, text), utc_now)


def tell_failure(reporter: Reporter, error: Exception, failure: Failure) -> None:
    """Report the failure, unless another run of this attempt has succeeded: then there is none."""
    if isinstance(error, AttemptAlreadyWritten):
        reporter.stop()
    else:
        reporter.failed(failure.reason, failure.message, failure.causes)


def report_failure(failure: Failure, error: Exception, store: ObjectStore, prefix: str) -> None:
    """Leave the reason where the platform looks for it, and as the last line on stderr for whoever reads the logs.

    spark-submit joins a Python program's stderr to its stdout, so on EMR the line ends the driver's stdout.
    """
    traceback.print_exception(type(error), error, error.__traceback__)
    try:
        if not isinstance(error, AttemptAlreadyWritten):  # that folder is another run's success: leave it alone
            store.write_text(prefix + FAILURE, failure.to_json())
    except Exception:  # a store that cannot be written must not hide why the run failed
        traceback.print_exc()
    sys.stderr.write(failure.message + "\n")


if __name__ == "__main__":
    session = make_session()
    try:
        status = main(sys.argv[1:], session)
    finally:
        session.stop()
    sys.exit(status)
