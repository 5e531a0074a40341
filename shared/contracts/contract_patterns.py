"""Which regular expressions a contract may demand: those that mean the same to ECMAScript, which the standard names,
and to Java, which runs them, and that take no exponential time on any text.

A pattern is only read here. No text is matched against it but in Spark.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

# What a matcher may have to go back to; their number bounds the work that one text can cause.
MOST_CHOICES = 20
MOST_REPETITIONS = 4
# {m,n} that may take so many more is as good as unbounded.
WIDE = 20

CLASS = r"\\[dDwWsS]"
IN_SET = rf"(?:{CLASS}|\\[\^\[\]\\&~|-]|(?!--|~~|\|\|)[^\\\[\]&\r\n\U00010000-\U0010ffff])"
TOKENS = {
    "escaped": rf"{CLASS}|\\[.^$*+?()\[\]{{}}|\\/-]",
    "set": rf"\[\^?{IN_SET}+\]",
    "opened": r"\((?:\?:|(?!\?))",
    "closed": r"\)",
    "either": r"\|",
    "begin": r"\^",
    "end": r"\$",
    "times": r"[*+?]|\{\d{1,3}(?:,\d{0,3})?\}",
    "plain": r"[^\\\[\](){}*+?|^$\r\n\U00010000-\U0010ffff]",
}
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in TOKENS.items()))


@dataclass(frozen=True)
class Token:
    """A piece of a pattern that means something by itself."""

    kind: str
    text: str


@dataclass(frozen=True)
class Times:
    """How often something may follow itself; `most` is None without a bound."""

    least: int
    most: int | None

    @property
    def varies(self) -> bool:
        """Whether it may be more than one number of times."""
        return self.least != self.most

    @property
    def is_wide(self) -> bool:
        """Whether these numbers are very many."""
        return self.most is None or self.most - self.least > WIDE


def pattern_problem(pattern: str) -> str | None:
    """Why a contract may not demand this pattern, as a sentence; None if it may."""
    tokens = tokens_of(pattern)
    read = sum(len(token.text) for token in tokens)
    if read < len(pattern):
        return f"What begins at character {read + 1}, {pattern[read : read + 10]!r}, is not possible in patterns here."
    return _problem_of_places(tokens) or _problem_of_choices(tokens) or _problem_of_python(pattern)


def tokens_of(pattern: str) -> list[Token]:
    """The pieces of a pattern, up to the first that is not possible."""
    found, at = [], 0
    while (match := TOKEN.match(pattern, at)) is not None:
        found.append(Token(str(match.lastgroup), match[0]))
        at = match.end()
    return found


def _problem_of_places(tokens: list[Token]) -> str | None:
    kinds = [token.kind for token in tokens]
    # To Java a $ also stands before a line break at the end. Spark's side puts that right, at the very end only.
    if "end" in kinds[:-1]:
        return "A $ may stand at the very end only; put alternatives into a group, as in ^(a|b)$."
    for before, after in pairwise(["begin", *kinds]):
        if after == "times" and before in ("begin", "opened", "either", "times"):
            return "A repetition must follow what it repeats, and may be neither lazy nor possessive."
    return None


def _problem_of_choices(tokens: list[Token]) -> str | None:
    """A part that can match one text in several ways takes exponential time when it is repeated."""
    # Whether its content varies, for each group that is open and for the one that was closed last.
    varies, inner = [False], False
    choices, wide = 0, 0
    for before, token in pairwise([Token("begin", ""), *tokens]):
        if token.kind == "opened":
            varies.append(False)
        elif token.kind == "closed" and len(varies) > 1:
            inner = varies.pop()
            varies[-1] |= inner
        elif token.kind == "either":
            choices += not varies[-1]
            varies[-1] = True
        elif token.kind == "times" and (times := times_of(token.text)).most != 1:
            if before.kind == "closed" and inner:
                return "A group that holds alternatives or varying repetitions may not be repeated itself."
            choices, wide = choices + times.varies, wide + times.is_wide
            varies[-1] |= times.varies
        elif token.kind == "times":
            choices, varies[-1] = choices + 1, True
    if choices > MOST_CHOICES or wide > MOST_REPETITIONS:
        return f"At most {MOST_CHOICES} parts may vary, and {MOST_REPETITIONS} of them without a close bound (* or +)."
    return None


def times_of(text: str) -> Times:
    """What a repetition says: `*`, `+`, `?`, `{m}`, `{m,}` or `{m,n}`."""
    if text in "*+?":
        return {"*": Times(0, None), "+": Times(1, None), "?": Times(0, 1)}[text]
    least, comma, most = text[1:-1].partition(",")
    if not comma:
        return Times(int(least), int(least))
    return Times(int(least), int(most) if most else None)


def _problem_of_python(pattern: str) -> str | None:
    """What is left: brackets without a partner, ranges and bounds the wrong way round."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError) as error:
        return f"It is no regular expression: {error}."
    return None
