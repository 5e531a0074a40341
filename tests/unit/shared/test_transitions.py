"""The legal moves of a job, against a table written by hand."""

import itertools

import pytest

from shared.errors import InvalidTransition
from shared.transitions import JobStatus, JobStatusTransitionValidator, sources_of

LEGAL = {("SUBMITTED", "RUNNING"), ("RUNNING", "SUCCEEDED"), ("RUNNING", "FAILED")}
PAIRS = list(itertools.product(["SUBMITTED", "RUNNING", "SUCCEEDED", "FAILED"], repeat=2))


@pytest.mark.parametrize(("current", "target"), PAIRS)
def test_the_validator_lets_only_legal_moves_pass(current, target):
    validator = JobStatusTransitionValidator()

    if (current, target) in LEGAL:
        validator.validate(JobStatus(current), JobStatus(target))
    else:
        with pytest.raises(InvalidTransition, match=f"{current} cannot become {target}|{current} is final"):
            validator.validate(JobStatus(current), JobStatus(target))


@pytest.mark.parametrize(
    ("target", "sources"), [("RUNNING", ["SUBMITTED"]), ("FAILED", ["RUNNING"]), ("SUBMITTED", [])]
)
def test_the_sources_of_a_status_are_those_that_may_reach_it(target, sources):
    assert sources_of(JobStatus(target)) == sources


def test_a_refusal_says_what_would_be_right():
    with pytest.raises(InvalidTransition) as refusal:
        JobStatusTransitionValidator().validate(JobStatus.SUBMITTED, JobStatus.FAILED)

    assert (
        refusal.value.detail
        == "A job that is SUBMITTED cannot become FAILED: from SUBMITTED it can only become RUNNING."
    )
    assert (refusal.value.http_status, refusal.value.retryable) == (400, False)
