"""A failure card: why an attempt failed, short enough for the job's item, and what its owner can do. Pure.

What kind of failure it is, shared/retry.py decides by its texts; what is to be done follows from the kind alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.redaction import clean_text


class FailureClass(StrEnum):
    """What kind of thing ended an attempt without success."""

    CAPACITY = "capacity"
    TRANSIENT = "transient"
    MEMORY = "memory"
    INPUT = "input"
    USER = "user"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"
    ENDED_OUTSIDE = "ended-outside"
    REFUSED = "refused"
    LOST = "lost"
    COST_LIMIT = "cost-limit"


# What the owner can do about each.
WHAT_TO_DO: dict[FailureClass, str] = {
    FailureClass.CAPACITY: (
        "If no further attempt follows, replay it when less is running, or ask the operators to have the account's "
        "vCPU quota raised."
    ),
    FailureClass.TRANSIENT: (
        "If no further attempt follows, replay it; if it comes back, read the driver's log (GET /jobs/{jobId}/logs)."
    ),
    FailureClass.MEMORY: (
        "If no larger attempt follows, replay it with a larger size, or with less input. With onOutOfMemory "
        "retry-bigger a job does so by itself, once."
    ),
    FailureClass.INPUT: (
        "Mend what the message names: the input, and replay it; or a parameter, by the replay's overrides."
    ),
    FailureClass.USER: (
        "Read the driver's log (GET /jobs/{jobId}/logs), mend what it names in program, query or data, and replay it."
    ),
    FailureClass.UNKNOWN: "Read the driver's log (GET /jobs/{jobId}/logs), mend what it names, and replay it.",
    FailureClass.CANCELLED: "Replay it if it is wanted after all.",
    FailureClass.TIMED_OUT: "Replay it with a larger timeoutSeconds or size, or submit it with less input.",
    FailureClass.ENDED_OUTSIDE: "Ask the operators who ended the run, and replay it.",
    FailureClass.REFUSED: "Show the message to the operators: the configuration may be at fault. Then replay it.",
    FailureClass.LOST: "Look whether its outputs are wanted, and replay it.",
    FailureClass.COST_LIMIT: "Replay it with a larger maxCostUsd, or submit it with a smaller size or less input.",
}

# Twenty of them lie in one item.
MESSAGE_CHARACTERS = 360
EXCEPTION_CHARACTERS = 240
EXCEPTION = re.compile(r"(?<![\w.$])[A-Za-z_$][\w.$]*(?:Exception|Error|Failure|Interrupt|Exit)\b(?=:|\s|$)[^\n]*")
# These say that something else happened.
WRAPPERS = re.compile(
    r"(?:[\w$]+\.)*(?:Py4JJavaError|SparkException|SparkUserAppException|InvocationTargetException"
    r"|UndeclaredThrowableException|ExecutionException|RuntimeException)\b"
)
# As EMR Serverless words it (`ExitCode: 137.`), and Spark of a lost executor (`exit code 137`).
EXIT_CODE = re.compile(r"\bexit ?(?:code|status):? ?(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True)
class FailureCard:
    """Why an attempt failed.

    `message` is the sentence of the program, or EMR Serverless' where it left none; `exception` is the first that is no
    mere wrapper, on one line; `exit_code` is the driver's. Each is None where nobody said. `is_whole_in_s3`: the
    program left all that it knew under the prefix of its attempt.
    """

    failure_class: FailureClass
    message: str | None = None
    exception: str | None = None
    exit_code: int | None = None
    is_whole_in_s3: bool = False

    @property
    def what_to_do(self) -> str:
        """What the owner of the job can do, as a sentence."""
        return WHAT_TO_DO[self.failure_class]


def failure_card(failure_class: FailureClass, message: str, exceptions: str = "", run_details: str = "") -> FailureCard:
    """The card of a failure: from its sentence, the lines of its exceptions, and EMR Serverless' words of its run."""
    exceptions, message, run_details = (clean_text(text) for text in (exceptions, message, run_details))
    told = (exceptions, message, run_details)
    return FailureCard(
        failure_class,
        message[:MESSAGE_CHARACTERS] or None,
        next((found for found in map(first_exception, told) if found), None),
        exit_code(run_details),
    )


def first_exception(text: str) -> str | None:
    """The first exception of a text that is no mere wrapper, with the rest of its line; else the first of all."""
    found = None
    for line in text.splitlines():
        while match := EXCEPTION.search(line):
            found = found or match[0]
            wrapper = WRAPPERS.match(match[0])
            if wrapper is None:
                return match[0].strip()[:EXCEPTION_CHARACTERS]
            line = match[0][wrapper.end() :]
    return found.strip()[:EXCEPTION_CHARACTERS] if found else None


def exit_code(run_details: str) -> int | None:
    """The exit code that EMR Serverless names."""
    found = EXIT_CODE.search(run_details)
    return int(found[1]) if found else None


def card_to_item(card: FailureCard) -> dict[str, Any]:
    """A card as the job's item holds it."""
    item = {
        "class": str(card.failure_class),
        "message": card.message,
        "exception": card.exception,
        "exitCode": card.exit_code,
        "inS3": True if card.is_whole_in_s3 else None,
    }
    return {name: value for name, value in item.items() if value is not None}


def card_from_item(item: Mapping[str, Any]) -> FailureCard:
    """The card of an item's entry. Raises what reading a wrong one raises."""
    return FailureCard(
        failure_class=FailureClass(item["class"]),
        message=item.get("message"),
        exception=item.get("exception"),
        exit_code=item.get("exitCode"),
        is_whole_in_s3=item.get("inS3", False),
    )
