"""Which failures are tried again, and when."""

from datetime import timedelta

import pytest

from shared.failure_cards import FailureClass
from shared.models import FailureReason
from shared.retry import (
    backoff,
    classify_failure,
    classify_run,
    hash01,
    may_retry,
    retry_backoff,
    stop_reason,
)
from tests.fakes.clock import NOON
from tests.fakes.jobs import tracking_job, with_bigger

BIGGER = with_bigger().spec

TEXTS = [
    # EMR Serverless' stateDetails
    (
        "Worker could not be allocated as the application has exceeded maximumCapacity settings: [cpu: 4 vCPU]",
        "capacity",
    ),
    ("Account vCPU limit reached. ServiceQuotaExceededException", "capacity"),
    ("maximum memory per application exceeded", "capacity"),
    ("Job failed, please check complete logs. ExitCode: 137. Last few exceptions: ", "memory"),
    ("Job failed, please check complete logs. ExitCode: 52. Last few exceptions: Py4JNetworkError: gone", "memory"),
    ("Job failed, please check complete logs. ExitCode: 1. Last few exceptions: MemoryError", "memory"),
    ("Job failed, please check complete logs. ExitCode: 1137. Last few exceptions: ", "unknown"),
    ("Job failed, please check complete logs. ExitCode: 143. Last few exceptions: ", "unknown"),
    ("Failed to pull image 000.dkr.ecr/x: ImagePullFailure", "transient"),
    ("Job run lost its driver: the process vanished", "transient"),
    # Spark's and Hadoop's exceptions
    ("pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table `x`", "user"),
    ("[PARSE_SYNTAX_ERROR] ParseException: Syntax error at or near 'SELEC'", "user"),
    ("[PATH_NOT_FOUND] Path does not exist: s3://raw/nothing.csv.", "user"),
    ("SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'NA' of the type STRING", "user"),
    ("SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero", "user"),
    ("java.lang.OutOfMemoryError: Java heap space", "memory"),
    ("java.lang.OutOfMemoryError: GC overhead limit exceeded", "memory"),
    ("SparkOutOfMemoryError: [UNABLE_TO_ACQUIRE_MEMORY] Unable to acquire 65536 bytes of memory, got 0.", "memory"),
    ("SparkException: Not enough memory to build and broadcast the table to all worker nodes.", "memory"),
    (
        "ExecutorLostFailure (executor 1 exited) Reason: The executor with id 1 exited with exit code 137(SIGKILL",
        "memory",
    ),
    ("ExecutorLostFailure (executor 1 exited) Reason: Command exited with code 143", "transient"),
    ("Container killed by YARN for exceeding memory limits. 5.5 GB of 5.5 GB physical memory used.", "memory"),
    ("Container is running beyond the 'PHYSICAL' memory limit. Killing container.", "memory"),
    (
        "Job aborted due to stage failure: Lost task 0.3 in stage 1.0: java.lang.OutOfMemoryError: Java heap space",
        "memory",
    ),
    ("NameError: name 'spark' is not defined", "user"),
    ("java.lang.ClassNotFoundException: com.example.Main", "user"),
    ("ExecutorLostFailure (executor 3 exited caused by one of the running tasks)", "transient"),
    ("org.apache.spark.shuffle.FetchFailedException: Connection from /10.0.0.1 closed", "transient"),
    ("TasksGoOn: Tasks of a write that failed still run after 300 s.", "transient"),
    ("MetadataFetchFailedException: Missing an output location for shuffle 0", "transient"),
    ("AmazonS3Exception: Please reduce your request rate. SlowDown (Status Code: 503)", "transient"),
    ("Job failed because of an internal error of the service", "transient"),
    ("java.net.SocketTimeoutException: Read timed out", "transient"),
    ("no words that anybody knows", "unknown"),
    ("", "unknown"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_each_known_text_has_its_class(text, expected):
    assert classify_run(text) == expected


@pytest.mark.parametrize("text", ["KeyError: 'seat_capacity'", "[UNRESOLVED_COLUMN] `capacity`", "vCPU"])
def test_a_programs_words_are_never_a_lack_of_capacity(text):
    assert classify_failure(None, text) is not FailureClass.CAPACITY
    assert classify_run(f"Job failed. ExitCode: 1. Last few exceptions: {text}") is not FailureClass.CAPACITY


def test_a_program_that_blames_its_input_is_believed():
    assert classify_failure(FailureReason.INVALID_INPUT, "ExecutorLostFailure") is FailureClass.INPUT


@pytest.mark.parametrize(
    ("tries", "bound_seconds"), [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (7, 900), (60, 900)]
)
def test_a_backoff_is_spread_below_a_doubling_bound(tries, bound_seconds):
    waits = [backoff(f"job-{n}", tries, 30, 900).total_seconds() for n in range(500)]

    assert min(waits) >= 1
    assert 0.9 * bound_seconds < max(waits) <= bound_seconds
    assert 0.4 * bound_seconds < sum(waits) / len(waits) < 0.6 * bound_seconds


def test_jitter_only_depends_on_what_it_is_made_of():
    assert hash01("job", 1) == hash01("job", 1) != hash01("job", 2)


@pytest.mark.parametrize(
    ("failure_class", "changes", "expected"),
    [
        (FailureClass.TRANSIENT, {}, True),
        (FailureClass.CAPACITY, {}, True),
        (FailureClass.USER, {}, False),
        (FailureClass.UNKNOWN, {}, False),
        (FailureClass.TRANSIENT, {"charged_failures": 1}, True),
        (FailureClass.TRANSIENT, {"charged_failures": 2}, False),
        (FailureClass.CAPACITY, {"charged_failures": 2}, True),
        (FailureClass.MEMORY, {}, False),
        (FailureClass.MEMORY, {"spec": BIGGER}, True),
        (FailureClass.MEMORY, {"spec": BIGGER, "charged_failures": 2}, True),
        (FailureClass.MEMORY, {"spec": BIGGER, "went_bigger": True}, False),
        (FailureClass.MEMORY, {"spec": BIGGER, "cancel_requested_at": NOON}, False),
        (FailureClass.MEMORY, {"spec": BIGGER, "deadline_at": NOON}, False),
        (FailureClass.USER, {"spec": BIGGER}, False),
        (FailureClass.INPUT, {"spec": BIGGER}, False),
        (FailureClass.TRANSIENT, {"cancel_requested_at": NOON}, False),
        (FailureClass.TRANSIENT, {"deadline_at": NOON}, False),
    ],
)
def test_only_what_may_pass_is_tried_again(failure_class, changes, expected):
    assert may_retry(tracking_job(**changes), failure_class, NOON) is expected


def test_no_attempt_is_planned_that_would_begin_past_the_deadline():
    wait = retry_backoff(tracking_job(), FailureClass.TRANSIENT)

    assert not may_retry(tracking_job(deadline_at=NOON + wait), FailureClass.TRANSIENT, NOON)
    assert may_retry(tracking_job(deadline_at=NOON + wait + timedelta(milliseconds=1)), FailureClass.TRANSIENT, NOON)


def test_a_cancel_comes_before_the_deadline():
    job = tracking_job(deadline_at=NOON, cancel_requested_at=NOON)

    assert stop_reason(job, NOON) is FailureReason.CANCELLED
    assert stop_reason(tracking_job(deadline_at=NOON), NOON) is FailureReason.TIMED_OUT
    assert stop_reason(tracking_job(), NOON) is None
