"""The card of a failed attempt: what it finds in the words of EMR Serverless and of Spark, and how short it stays."""

import json

import pytest

from shared.attempts import ATTEMPT_RECORDS, AttemptRecord, Outcome, attempt_to_item
from shared.failure_cards import (
    WHAT_TO_DO,
    FailureCard,
    FailureClass,
    card_from_item,
    card_to_item,
    exit_code,
    failure_card,
    first_exception,
)
from tests.fakes.clock import NOON

JOB_FAILED = (
    "Job failed, please check complete logs in configured logging destination. ExitCode: {}. Last few exceptions: "
)
TASK_FAILED = "Job aborted due to stage failure: Lost task 0.3 in stage 1.0 (TID 9) (10.0.0.7 executor 1): "

EXCEPTIONS = [
    (JOB_FAILED.format(1) + "KeyError: 'seats'", "KeyError: 'seats'"),
    (JOB_FAILED.format(137) + "none were logged", None),
    ("Caused by: java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: Java heap space"),
    ('Exception in thread "main" java.lang.IllegalStateException: no', "java.lang.IllegalStateException: no"),
    (f"org.apache.spark.SparkException: {TASK_FAILED}java.io.IOException: gone", "java.io.IOException: gone"),
    (
        "py4j.protocol.Py4JJavaError: An error\norg.apache.spark.SparkException: x\nEOFException: end",
        "EOFException: end",
    ),
    ("SparkException: nothing else is known", "SparkException: nothing else is known"),
    ("SystemExit: 3", "SystemExit: 3"),
    ("ExecutorLostFailure (executor 3 exited)", "ExecutorLostFailure (executor 3 exited)"),
    ("Worker could not be allocated as the account's limit is exceeded", None),
    ("the Exceptional, the Erroneous, and an Exception", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), EXCEPTIONS)
def test_the_first_exception_that_is_no_wrapper_is_found(text, expected):
    assert first_exception(text) == expected


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (JOB_FAILED.format(137), 137),
        (JOB_FAILED.format(1) + "x", 1),
        ("The executor with id 3 exited with exit code 52(JVM OOM).", 52),
        ("Exit status: 143", 143),
        ("ExitCode: -9", None),
        ("Job run was cancelled by user.", None),
    ],
)
def test_the_exit_code_is_the_one_that_is_named(details, code):
    assert exit_code(details) == code


def test_a_card_puts_the_programs_words_first():
    card = failure_card(
        FailureClass.USER, "No column seats.", "KeyError: 'seats'", JOB_FAILED.format(1) + "OSError: broken pipe"
    )

    assert card == FailureCard(FailureClass.USER, "No column seats.", "KeyError: 'seats'", 1)


def test_a_card_of_a_killed_driver_says_what_emr_says():
    details = JOB_FAILED.format(137)

    assert failure_card(FailureClass.MEMORY, details, "", details) == FailureCard(
        FailureClass.MEMORY, details, None, 137
    )


@pytest.mark.parametrize(
    "card", [FailureCard(FailureClass.LOST), FailureCard(FailureClass.MEMORY, "m", "e", 137, True)]
)
def test_a_card_comes_back_from_an_item_as_it_went(card):
    assert card_from_item(card_to_item(card)) == card


@pytest.mark.parametrize("letter", ["x", "\u20ac"], ids=["ascii", "three-bytes"])
def test_the_cards_of_all_records_stay_far_below_the_bound_of_an_item(letter):
    card = failure_card(
        FailureClass.TRANSIENT, letter * 5000, f"a.B{letter}Exception: {letter * 5000}", "ExitCode: 137"
    )
    record = AttemptRecord(99, Outcome.FAILED, NOON, NOON, "0" * 16, card)

    items = json.dumps([attempt_to_item(record)] * ATTEMPT_RECORDS, ensure_ascii=False).encode()

    assert len(items) < 48 * 1024


def test_every_class_says_what_to_do():
    assert {*WHAT_TO_DO} == {*FailureClass}
    assert all(advice.endswith(".") for advice in WHAT_TO_DO.values())
