"""The failure card of an attempt whose end the worker saw. Pure."""

from dataclasses import replace

from shared.failure_cards import FailureCard, FailureClass, failure_card
from shared.models import FailureReason, Job
from shared.retry import CLASS_OF_REASON
from worker.decide import Observation, class_of


def card_of_retry(failure_class: FailureClass, detail: str, seen: Observation) -> FailureCard:
    """The card of an attempt that another follows."""
    exceptions = seen.failure.exceptions if seen.failure else ""
    card = failure_card(failure_class, detail, exceptions, seen.run.details if seen.run else "")
    return replace(card, is_whole_in_s3=seen.failure is not None)


def card_of_end(job: Job, reason: FailureReason, detail: str, seen: Observation) -> FailureCard | None:
    """The card of an attempt that ended its job; None if no failed run was seen, so that reason and detail say all."""
    if seen.run is None or seen.run.state != "FAILED":
        return None
    found = CLASS_OF_REASON.get(reason) or class_of(job, seen.run, seen.failure)
    return card_of_retry(found, detail, seen)
