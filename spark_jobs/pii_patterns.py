r"""Recognising personal data in texts: for each kind a form, what it must say, and the check that look-alikes fail.

All of it is Spark's own expressions, so no text leaves the JVM: no Python worker holds one, and no Python error can
quote one. The forms follow those of Microsoft's Presidio and are narrower at their edges, because in a table a number
is more often a key than a card. Patterns are Java's, where \w is A to Z, a to z, 0 to 9 and _.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Callable, Optional

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs.pii_tables import CARD_NUMBERS, COUNTRIES_BY_IBAN_LENGTH, COUNTRY_CODES

# Nobody looks further into a text, so that one huge text cannot hold up a scan.
MAX_CHARACTERS = 100_000
MAX_SHAPE_CHARACTERS = 40

Check = Callable[[Column], Column]


@dataclass(frozen=True)
class Recogniser:
    """A kind of personal data.

    A match of `form`, without `noise`, is a candidate if `rule` is found in it, and personal data if `check` agrees.
    `chance` is the share of candidates made up of random digits that the check would let pass.
    `hint` is a cheap condition that all texts with a match fulfil.
    """

    kind: str
    form: str
    hint: Check
    noise: str = ""
    rule: str = ""
    check: Optional[Check] = None
    chance: float = 0.0


def sightings_in(cells: DataFrame) -> DataFrame:
    """What has the form of personal data, for each cell and kind that has any: the cells' columns but `text`, and

    `kind`, `candidates` (how many), `passed` (how many of them the check let pass) and `shape` of the first that did.
    """
    others = [name for name in cells.columns if name != "text"]
    start = F.substring("text", 1, MAX_CHARACTERS)
    looks = [F.struct(F.lit(each.kind).alias("kind"), _matches(each, start).alias("matches")) for each in RECOGNISERS]
    # Looked for and parted by explode, which no filter is pushed through: that would look for everything twice.
    looked = cells.select(*others, F.explode(F.array(*looks)).alias("look")).select(*others, "look.*")
    found = looked.where(F.size("matches") > 0).select(*others, "kind", _by_kind(_candidates).alias("candidates"))
    passed = F.filter("candidates", lambda candidate: candidate["passed"])
    return found.where(F.size("candidates") > 0).select(
        *others,
        "kind",
        F.size("candidates").alias("candidates"),
        F.size(passed).alias("passed"),
        shape_of(F.get(passed, F.lit(0))["match"]).alias("shape"),
    )


def _matches(recogniser: Recogniser, text: Column) -> Column:
    """All places with the form; NULL where the hint says that there is none."""
    hint = recogniser.hint(text)
    if recogniser is CARD_NUMBER:  # an IBAN holds digits that a card may have
        hint = hint & text.rlike(recogniser.form)
        text = F.regexp_replace(text, ACCOUNT_NUMBER.form, " ")
    return F.when(hint, F.regexp_extract_all(text, F.lit(recogniser.form), F.lit(0)))


def _by_kind(expression: Callable[[Recogniser], Column]) -> Column:
    """The expression of the recogniser that the column `kind` names."""
    return F.coalesce(*[F.when(F.col("kind") == each.kind, expression(each)) for each in RECOGNISERS])


def _candidates(recogniser: Recogniser) -> Column:
    """The column `matches` as structs of `match` and `passed`, without those that the rule excludes."""
    cores = F.transform(
        "matches", lambda match: F.struct(match.alias("match"), _without_noise(recogniser, match).alias("core"))
    )
    fitting = F.filter(cores, lambda each: each["core"].rlike(recogniser.rule)) if recogniser.rule else cores
    return F.transform(
        fitting, lambda each: F.struct(each["match"].alias("match"), _passed(recogniser, each["core"]).alias("passed"))
    )


def _without_noise(recogniser: Recogniser, match: Column) -> Column:
    return F.regexp_replace(match, recogniser.noise, "") if recogniser.noise else match


def _passed(recogniser: Recogniser, core: Column) -> Column:
    return recogniser.check(core) if recogniser.check else F.lit(True)


def shape_of(text: Column) -> Column:
    """A text with each run of letters and digits as one mark: `john@example.com` is `a@a.a`, 555-1234 is `9-9`.

    Neither characters nor lengths are left, only which marks stand between.
    """
    marked = F.regexp_replace(F.regexp_replace(text, r"\p{N}+", "9"), r"\p{L}+", "a")
    return F.substring(F.regexp_replace(marked, "[a9]{2,}", "x"), 1, MAX_SHAPE_CHARACTERS)


def passes_luhn(number: Column) -> Column:
    """The check digit of ISO/IEC 7812: of digits alone, every second from the right is doubled."""
    digits = F.regexp_extract_all(F.reverse(number), F.lit("[0-9]"), F.lit(0))
    values = F.transform(digits, lambda digit, place: _luhn_value(F.ascii(digit) - 48, place % 2 == 1))
    return F.aggregate(values, F.lit(0), lambda total, value: total + value) % 10 == 0


def _luhn_value(digit: Column, is_doubled: Column) -> Column:
    return F.when(is_doubled, digit * 2 - F.when(digit > 4, 9).otherwise(0)).otherwise(digit)


def passes_mod_97(number: Column) -> Column:
    """The check digits of ISO 13616: letters count from 10, and what is left when divided by 97 is 1."""
    moved = F.upper(F.concat(F.substring(number, 5, 34), F.substring(number, 1, 4)))
    characters = F.regexp_extract_all(moved, F.lit("[0-9A-Z]"), F.lit(0))
    return F.aggregate(characters, F.lit(0), _next_remainder) == 1


def _next_remainder(remainder: Column, character: Column) -> Column:
    code = F.ascii(character)
    return F.when(code < 65, remainder * 10 + code - 48).otherwise(remainder * 100 + code - 55) % 97


def contains_any(*marks: str) -> Check:
    """A hint: whether one of some characters is there."""
    return lambda text: reduce(Column.__or__, [F.contains(text, F.lit(mark)) for mark in marks])


def is_as_long_as(characters: int) -> Check:
    """A hint: whether a text has so many characters."""
    return lambda text: F.length(text) >= characters


def _one_of(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


# --- the parts of the forms
LOCAL = r"[\p{L}\p{N}_!#$%&'*+/=?^`{|}~-]"
LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?"
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"{OCTET}(?:\.{OCTET}){{3}}"
GROUP = "[0-9A-Fa-f]{1,4}"
IPV6 = rf"(?:(?:{GROUP}:){{7}}{GROUP}|(?:{GROUP}(?::{GROUP}){{0,5}})?::(?:{GROUP}:){{0,5}}(?:{IPV4}|{GROUP})?)"
EXTENSION = r"[ ]?(?:x|ext\.?)[ ]?[0-9]{1,5}"
IBAN = "|".join(
    rf"{_one_of(countries)}[0-9]{{2}}(?:[ -]?[A-Za-z0-9]){{{length - 4}}}"
    for length, countries in COUNTRIES_BY_IBAN_LENGTH.items()
)

EMAIL_ADDRESS = Recogniser(
    kind="email",
    hint=contains_any("@"),
    form=rf"(?<![\w.@]){LOCAL}(?:\.?{LOCAL}){{0,63}}@(?:{LABEL}\.){{1,8}}(?:xn--[A-Za-z0-9-]{{2,59}}|\p{{L}}{{2,24}})(?![\w@])",
)

ACCOUNT_NUMBER = Recogniser(
    kind="iban",
    hint=is_as_long_as(15),
    form=rf"(?i)(?<![A-Z0-9])(?:{IBAN})(?![A-Z0-9])",
    noise="[ -]",
    check=passes_mod_97,
    chance=1 / 97,
)

CARD_NUMBER = Recogniser(
    kind="card",
    hint=is_as_long_as(12),
    form=(
        r"(?<![\w.+-])(?<![0-9]{4}[ ])"
        r"(?:[0-9]{12,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,4}){0,2}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
        r"(?![\w/-]|\.[0-9]|[ ][0-9]{4}(?![0-9]))"
    ),
    noise="[ -]",
    rule="^(?:" + "|".join(f"(?:{first})[0-9]{{{more}}}" for first, more in CARD_NUMBERS) + ")$",
    check=passes_luhn,
    chance=0.1,
)

# Areas 000, 666 and 900 and above, group 00 and serial 0000 are never given out; two numbers were advertised.
# 898 of 1,000 areas, 99 of 100 groups and nearly all serials are left, so the check says little.
US_SSN = Recogniser(
    kind="us-ssn",
    hint=is_as_long_as(11),
    form=r"(?<![\w.+-])(?<![0-9][ ])[0-9]{3}([ -])[0-9]{2}\1[0-9]{4}(?![\w-]|\.[0-9]|[ ][0-9])",
    noise="[ -]",
    check=lambda number: number.rlike("^(?!000|666|9|078051120|219099999)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}$"),
    chance=0.889,
)

# The country code after + or, if something parts it from the rest, after 00.
PHONE_NUMBER = Recogniser(
    kind="phone",
    hint=contains_any("+", "00"),
    form=(
        r"(?i)(?<![\w+.])(?<![0-9][ ])(?:\(?\+[ ]?\(?(?=[1-9])|00[ ]?\(?(?=[1-9][0-9]{0,2}[ ()-]))"
        rf"[0-9](?:(?:[ ]?[().-]{{0,2}}[ ]?|/)[0-9]){{6,16}}(?:{EXTENSION})?(?![\w+]|[.-][0-9])"
    ),
    noise=rf"(?i)\(0\)|{EXTENSION}$|^\(?00|[^0-9]",
    rule=rf"^(?:1[2-9][0-9]{{9}}|(?=[0-9]{{8,15}}$){_one_of(COUNTRY_CODES)}[0-9]+)$",
)

# Of what else has two colons in a row, an address has three hexadecimal digits in a row somewhere.
IP_ADDRESS = Recogniser(
    kind="ip",
    hint=contains_any(".", ":"),
    form=(
        rf"(?<![\w:.])(?:{IPV6}(?:%[0-9A-Za-z]{{1,15}})?(?:/[0-9]{{1,3}})?(?![\w:]|\.[0-9])"
        rf"|{IPV4}(?:/[0-9]{{1,2}})?(?!\w|\.[0-9]))"
    ),
    noise="[%/].*",
    rule=r"^(?!(?:[^:]*:){9})(?:[^:]+$|.*[0-9A-Fa-f]{3})",
)

RECOGNISERS = (EMAIL_ADDRESS, ACCOUNT_NUMBER, CARD_NUMBER, US_SSN, PHONE_NUMBER, IP_ADDRESS)
KINDS = tuple(recogniser.kind for recogniser in RECOGNISERS)
