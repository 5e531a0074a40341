"""The sentences of stateDetails."""

import re

import pytest

from local.emr import details

PYTHON = """Traceback (most recent call last):
  File "/x/main.py", line 3, in <module>
    main()
ValueError: column qty is missing
"""
PY4J = """Traceback (most recent call last):
py4j.protocol.Py4JJavaError: An error occurred while calling o45.count.
: org.apache.spark.SparkException: Job aborted due to stage failure
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
Caused by: java.lang.ArithmeticException: divide by zero
\t... 12 more
"""
LOG = """26/11/23 20:39:00 ERROR Executor: Exception in task 0.0 in stage 1.0 (TID 1)
java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)
26/11/23 20:39:01 INFO ShutdownHookManager: Deleting directory /tmp/spark
"""
QUIET = "26/11/23 20:39:01 INFO ShutdownHookManager: Deleting directory /tmp/spark\n"


@pytest.mark.parametrize(
    ("stdout", "stderr", "expected"),
    [
        (PYTHON, LOG, "ValueError: column qty is missing"),
        (PY4J, "", "Caused by: java.lang.ArithmeticException: divide by zero"),
        ("", LOG, "java.lang.OutOfMemoryError: Java heap space"),
        ("no input at all\n", QUIET, "no input at all"),
        ("", QUIET, "none were logged"),
        ("", "", "none were logged"),
        ("pyspark.errors.AnalysisException: [X] no\n", "", "pyspark.errors.AnalysisException: [X] no"),
        ("KeyboardInterrupt\n", "", "KeyboardInterrupt"),
    ],
)
def test_the_last_exception_is_the_cause_that_a_person_would_read(stdout: str, stderr: str, expected: str) -> None:
    assert details.last_exception(stdout, stderr) == expected


def test_a_failed_jobs_sentence_is_the_services_own_and_cut_where_the_service_cuts() -> None:
    text = details.job_failed(1, "x" * 300)

    assert text.startswith(
        "Job failed, please check complete logs in configured logging destination. ExitCode: 1. Last few exceptions: x"
    )
    assert len(text) == 256


@pytest.mark.parametrize(
    "text",
    [details.account_capacity(8, 12, 16), details.application_capacity("16 vCPU")],
    ids=["account", "application"],
)
def test_a_refusal_for_want_of_capacity_can_be_told_by_its_text(text: str) -> None:
    assert re.search(r"(?i)vcpu|capacity|maximum (cpu|memory|disk)|ServiceQuota", text)
    assert len(text) <= 256
