"""What is kept of a job, and what is quoted of anybody, holds no secrets, however it is cut."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.contracts.contract_headers import header_faults
from shared.contracts.contracts import read_contract
from shared.delays import DelayCause
from shared.failure_cards import FailureClass, failure_card
from shared.lifecycle import (
    cancel_requested,
    claimed_by_report,
    failed,
    progressed,
    reported_in_vain,
    retrying,
    start_refused,
    succeeded,
)
from shared.models import DETAIL_CHARACTERS, FailureReason, Job, job_to_item
from shared.schema_problems import SHOWN_CHARACTERS, shown
from tests.fakes.clock import NOON
from tests.fakes.jobs import submitted_job, tracking_job
from tests.unit.contracts.documents import column, document
from worker.envelopes import BODY_CHARACTERS, unprocessable_envelope
from worker.undelivered import told

MAIL = "planted.person@example.com"
# Cut there, it would be no address any more.
FILLED_TO_THE_CUT = "x" * (DETAIL_CHARACTERS - len("planted.per") - 1) + " " + MAIL
WAIT = timedelta(seconds=5)

STEPS: dict[str, Callable[[Job, str], Job]] = {
    "a cancellation": lambda job, text: cancel_requested(job, NOON, "api", text),
    "a claim by report": lambda job, text: claimed_by_report(job, NOON, "callback", text),
    "progress": lambda job, text: progressed(job, NOON, text, None),
    "a report in vain": lambda job, text: reported_in_vain(job, NOON, text),
    "a refused start": lambda job, text: start_refused(job, NOON, DelayCause.EMR_REFUSAL, text, WAIT, alone=True),
    "a refused start of two": lambda job, text: start_refused(
        job, NOON, DelayCause.EMR_REFUSAL, text, WAIT, alone=False
    ),
    "success": lambda job, text: succeeded(job, NOON, "callback", text, NOON),
    "failure": lambda job, text: failed(job, NOON, "worker", FailureReason.RUN_FAILED, text, NOON),
    "a further attempt": lambda job, text: retrying(job, NOON, FailureClass.TRANSIENT, text),
}


@pytest.mark.parametrize("text", [MAIL, FILLED_TO_THE_CUT], ids=["short", "cut"])
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_no_step_keeps_a_secret_of_a_sentence(step: Callable[[Job, str], Job], text: str):
    after = step(replace(tracking_job(), intent_at=NOON), text)

    assert "planted" not in str(job_to_item(after))
    assert "x" in str(job_to_item(after))


@pytest.mark.parametrize("place", range(3), ids=["the sentence", "the exceptions", "what EMR says"])
def test_no_failure_card_keeps_a_secret(place: int):
    texts = ["no words"] * 3
    texts[place] = "x" * 200 + f"\nValueError: no {'y' * 210} {MAIL}"

    card = failure_card(FailureClass.USER, *texts)

    assert "planted" not in str(card)


@pytest.mark.parametrize("length", range(SHOWN_CHARACTERS - len(MAIL) - 3, SHOWN_CHARACTERS))
def test_a_value_is_shown_without_its_secrets_wherever_it_is_cut(length: int):
    assert "planted" not in shown("x" * length + " " + MAIL)


def test_a_column_is_named_without_its_secrets():
    contract = read_contract(document(column("a", required=True)))

    assert "planted" not in str(list(header_faults(contract, ["a", "x" * 45 + " " + MAIL])))


def test_what_was_reported_in_vain_is_told_without_secrets():
    assert "planted" not in told(submitted_job(), {"status": MAIL, "at": "x" * 245 + " " + MAIL, "why": MAIL})


def test_a_message_that_nobody_can_read_is_kept_without_its_secrets():
    body = "x" * (BODY_CHARACTERS - 10) + " " + MAIL

    letter = unprocessable_envelope("m-1", "jobs", f"its kind is {MAIL!r}", body)

    assert "planted" not in str(letter)
    assert len(letter["body"]) <= BODY_CHARACTERS
