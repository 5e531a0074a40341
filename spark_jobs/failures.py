"""Why a run failed, in one word for the platform and one sentence for a person.

The word decides about retries: INVALID_INPUT would fail again in the same way, RUN_FAILED might not.
"""

import json
import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Iterator, Optional, Tuple

from py4j.java_gateway import is_instance_of
from pyspark import SparkContext

FAILURE = "_failure.json"
INVALID_INPUT = "INVALID_INPUT"
RUN_FAILED = "RUN_FAILED"
MAX_MESSAGE_CHARACTERS = 1000
MAX_CAUSES = 20

# Spark gives its errors the SQL standard's states; by their first two characters: feature not supported,
# cardinality violation, data exception, syntax error or access rule violation.
SQL_STATES_OF_INPUT = {"0A", "21", "22", "42"}
# Inside these states but no fault of the data: another run of this attempt was here first.
ERROR_CLASSES_OF_RUN = {"PATH_ALREADY_EXISTS"}


@dataclass(frozen=True)
class Sign:
    """An error that Spark passes on without a state: its class, words of its message, and what it means."""

    java_class: str
    words: str
    meaning: str = ""


SIGNS_OF_INPUT = (
    Sign("java.io.EOFException", "end of input stream", "A compressed input ends too early: it is damaged or cut off"),
    Sign("java.io.IOException", "not a gzip file", "An input is not the gzip file that its name says"),
    Sign("java.util.zip.ZipException", "", "A compressed input is damaged"),
    Sign("java.io.IOException", "invalid block", "A compressed input is damaged"),
    Sign("java.lang.RuntimeException", "is not a Parquet file"),
    Sign("java.lang.IllegalArgumentException", "CSV header does not conform"),
    Sign("java.lang.IllegalArgumentException", "Number of column in CSV header"),
    Sign("java.lang.AssertionError", "Conflicting", "The folders of an input disagree about its partition columns"),
    Sign("com.fasterxml.jackson.core.JsonProcessingException", "", "An input is not valid JSON"),
)

# The plan of the query and a picture of the place in it follow the sentence.
END_OF_SENTENCE = re.compile(r";\n|\n+== SQL")
# Nobody who submits a job can change this setting; and from Spark 4 on a number of the SQL standard ends each sentence.
USELESS_WORDS = re.compile(
    r' If necessary set "spark\.sql\.ansi\.enabled" to "false" to bypass this error\.| SQLSTATE: [0-9A-Z]{5}\b'
)


class InvalidInput(Exception):
    """The data, the SQL or the parameters are at fault; the text says what to change."""


class AttemptAlreadyWritten(Exception):
    """The manifest of this attempt exists: an attempt is written once."""


@dataclass(frozen=True)
class Failure:
    """What `_failure.json` says; `causes` are the exceptions behind it, the outermost first, one sentence each."""

    reason: str
    message: str
    exception: str
    causes: Tuple[str, ...] = ()

    def to_json(self) -> str:
        """The content of `_failure.json`."""
        told = {"failureReason": self.reason, "message": self.message, "exception": self.exception}
        return json.dumps({**told, "causes": self.causes})


def failure_of(error: BaseException) -> Failure:
    """Who is at fault, the sentence of that error which says most, and all errors behind it."""
    return replace(_fault_of(error), causes=tuple(islice(causes_of(error), MAX_CAUSES)))


def causes_of(error: BaseException) -> Iterator[str]:
    """The exceptions behind an error, the outermost first, each by its full name and its sentence.

    Of Python's own only those that an error names as its cause: another that it hid, it hid on purpose.
    """
    causes = list(java_causes(error))
    for cause in causes:
        yield sentence(f"{cause.getClass().getName()}: {cause.getMessage() or ''}")
    following = None if causes else error
    while following is not None:
        yield sentence(f"{type(following).__name__}: {following}")
        following = following.__cause__


def _fault_of(error: BaseException) -> Failure:
    causes = list(java_causes(error))
    for cause in causes:
        meaning = meaning_as_input(cause, is_outermost=cause is causes[0])
        if meaning is not None:
            return Failure(INVALID_INPUT, meaning, cause.getClass().getSimpleName())
    if causes:
        told = next((cause for cause in reversed(causes) if cause.getMessage()), causes[-1])
        return _failed_run(told.getClass().getSimpleName(), told.getMessage() or "")
    if isinstance(error, InvalidInput):
        return Failure(INVALID_INPUT, sentence(str(error)), type(error).__name__)
    return _failed_run(type(error).__name__, str(error))


def _failed_run(exception: str, text: str) -> Failure:
    """The exception's name is part of the sentence: "Read timed out" alone tells neither a person nor a retry rule."""
    return Failure(RUN_FAILED, sentence(f"{exception}: {text}"), exception)


def java_causes(error: BaseException) -> Iterator[Any]:
    """The Java exceptions behind an error of Spark, outermost first; none if Python raised it."""
    cause = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while cause is not None:
        yield cause
        cause = cause.getCause()


def meaning_as_input(cause: Any, is_outermost: bool) -> Optional[str]:
    """The sentence of a Java exception that puts the input at fault; None for any other."""
    text = cause.getMessage() or ""
    if is_a(cause, "org.apache.spark.SparkThrowable"):
        if cause.getErrorClass() in ERROR_CLASSES_OF_RUN:
            return None
        if (cause.getSqlState() or "")[:2] in SQL_STATES_OF_INPUT:
            return sentence(text)
    if is_a(cause, "org.apache.spark.sql.AnalysisException"):
        return sentence(text)
    # Straight from a call on the driver, this is how Spark refuses an option or a date pattern.
    if is_outermost and is_a(cause, "java.lang.IllegalArgumentException"):
        return sentence(text)
    for sign in SIGNS_OF_INPUT:
        if sign.words in text and is_a(cause, sign.java_class):
            return sentence(f"{sign.meaning} ({text})." if sign.meaning else text)
    return None


def is_a(java_object: Any, class_name: str) -> bool:
    """Whether a Java object is an instance of a class, a subclass of it, or an interface."""
    return is_instance_of(SparkContext._gateway, java_object, class_name)


def sentence(text: str) -> str:
    """An error's message as one line without query plans and stack traces, 1000 characters at most."""
    told = END_OF_SENTENCE.split(text.strip())[0].split("\n\tat ")[0]
    line = USELESS_WORDS.sub("", " ".join(told.split()))
    return line if len(line) <= MAX_MESSAGE_CHARACTERS else line[: MAX_MESSAGE_CHARACTERS - 3] + "..."
