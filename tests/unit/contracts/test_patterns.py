"""Which regular expressions a contract may demand."""

import pytest

from shared.contracts.contract_patterns import MOST_CHOICES, MOST_REPETITIONS, WIDE, pattern_problem
from tests.unit.contracts.patterns import POSSIBLE


@pytest.mark.parametrize("pattern", POSSIBLE)
def test_what_means_the_same_everywhere_is_possible(pattern):
    assert pattern_problem(pattern) is None


NOT_POSSIBLE = {
    # Java reads these otherwise than ECMAScript, or one of the two does not read them at all.
    "(?=a)": "at character 1",
    "(?<name>a)": "at character 1",
    "(?i)a": "at character 1",
    r"(a)\1": "at character 4",
    r"\p{L}": "at character 1",
    r"\bword": "at character 1",
    r"\x41": "at character 1",
    "[a[b]]": "at character 1",
    "[a&&b]": "at character 1",
    "[]a]": "at character 1",
    "[--a]": "at character 1",
    "a{": "at character 2",
    "a{1,2,3}": "at character 2",
    "a{1000}": "at character 2",
    "a}": "at character 2",
    "]": "at character 1",
    "a\\": "at character 2",
    "a\nb": "at character 2",
    "\U0001f600": "at character 1",
    "a$|b$": "$ may stand at the very end only",
    "$a": "$ may stand at the very end only",
    "a++": "neither lazy nor possessive",
    "a+?": "neither lazy nor possessive",
    "*a": "must follow what it repeats",
    "^*": "must follow what it repeats",
    "(+a)": "must follow what it repeats",
    "a|*": "must follow what it repeats",
    # No regular expression to anybody.
    "(a": "no regular expression",
    "a)": "no regular expression",
    ")*": "no regular expression",
    "[z-a]": "no regular expression",
    r"[\d-x]": "no regular expression",
    "a{3,2}": "no regular expression",
    # Exponential time on some text.
    "^(a+)+$": "may not be repeated itself",
    "^(a|a)*$": "may not be repeated itself",
    "^((a?)b)+$": "may not be repeated itself",
    "^((a|b)c){2}$": "may not be repeated itself",
    "^(a{1,2}){20}$": "may not be repeated itself",
    "a?" * (MOST_CHOICES + 1): f"{MOST_CHOICES} parts may vary",
    "(a|b)" * (MOST_CHOICES + 1): f"{MOST_CHOICES} parts may vary",
    ".*" * (MOST_REPETITIONS + 1): f"{MOST_REPETITIONS} of them without a close bound",
    f"a{{0,{WIDE + 1}}}" * (MOST_REPETITIONS + 1): f"{MOST_REPETITIONS} of them without a close bound",
}


@pytest.mark.parametrize(("pattern", "words"), NOT_POSSIBLE.items())
def test_what_does_not_or_takes_for_ever_is_refused(pattern, words):
    assert words in str(pattern_problem(pattern))
