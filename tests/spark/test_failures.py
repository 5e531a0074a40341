"""What a program leaves of its failure: every error behind it; where it is discreet, only what quotes nothing."""

import json

import pytest

from spark_jobs.discreet import NOT_SHOWN, FailedDiscreetly, without_quotes
from spark_jobs.failures import MAX_CAUSES, InvalidInput, failure_of

VALUE = "planted.person@example.com"


class RaisedBySpark(Exception):
    """An error that PySpark made of one of Java's."""

    def __init__(self, java):
        super().__init__(str(java))
        self._origin = java


def lost_for_its_memory(spark):
    """As Spark says it of a worker that was killed; the value of the data is ours."""
    java = spark._jvm.java.lang
    text = f"Lost task 0.3: ExecutorLostFailure (executor 1 exited): exit code 137 while it read {VALUE}"
    return RaisedBySpark(java.RuntimeException("Job aborted.", java.IllegalStateException(text)))


def test_a_failure_names_every_error_behind_it_the_outermost_first(spark):
    failure = failure_of(lost_for_its_memory(spark))

    first, second = json.loads(failure.to_json())["causes"]
    assert first == "java.lang.RuntimeException: Job aborted."
    assert second.startswith("java.lang.IllegalStateException: Lost task 0.3: ExecutorLostFailure")


def test_of_pythons_own_errors_those_are_named_that_are_said_to_be_the_cause():
    error = MemoryError()
    error.__cause__ = ValueError("a cause")
    error.__cause__.__context__ = KeyError("hidden")

    assert failure_of(error).causes == ("MemoryError:", "ValueError: a cause")


def test_a_chain_without_end_is_cut():
    error = ValueError("again")
    error.__cause__ = error

    assert len(failure_of(error).causes) == MAX_CAUSES


def test_a_discreet_failure_tells_its_kind_and_no_value(spark):
    with pytest.raises(FailedDiscreetly) as raised, without_quotes(spark):
        raise lost_for_its_memory(spark)

    failure = failure_of(raised.value)
    kind = "IllegalStateException (ExecutorLostFailure, exit code 137)"
    assert failure.message == f"FailedDiscreetly: {kind}; {NOT_SHOWN}."
    assert VALUE not in failure.to_json()


def test_a_discreet_failure_hides_what_caused_an_error_of_our_own(spark):
    with pytest.raises(InvalidInput) as raised, without_quotes(spark):
        raise InvalidInput("No table.") from ValueError(VALUE)

    assert failure_of(raised.value).causes == ("InvalidInput: No table.",)
