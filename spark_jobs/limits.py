"""How many rows a job may set aside before it fails. Pure."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Optional, Sequence

WORST_RULES = 5
# A key may be of many columns, and a failure's sentence has an end.
SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Violations:
    """How many rows break one rule; `column` is None where the whole row is at fault."""

    column: Optional[str]
    rule: str
    rows: int

    def __str__(self) -> str:
        return f"{self.rule} of {(self.column or 'the whole row')[:SHOWN_CHARACTERS]} ({in_rows(self.rows)})"


@dataclass(frozen=True)
class SetAside:
    """What a job set aside of the rows that it read: how many, by which rules, and in which folder they are."""

    rows_read: int
    rows: int
    violations: Sequence[Violations]
    folder: str


@dataclass(frozen=True)
class Limits:
    """The most rows that may be set aside, as a number and as a share of the rows read; None for no limit."""

    max_rejected_rows: Optional[int] = None
    max_rejected_fraction: Optional[float] = None

    @property
    def expect_some(self) -> bool:
        """Whether somebody has said that there may be such rows, and how many."""
        stated = [limit for limit in (self.max_rejected_rows, self.max_rejected_fraction) if limit is not None]
        return bool(stated) and 0 not in stated

    def allow(self, rows_read: int, rows_rejected: int) -> bool:
        """Whether so many rows may be set aside."""
        return self._broken(rows_read, rows_rejected) is None

    def refusal(self, found: SetAside) -> Optional[str]:
        """Why the job fails: counts, limit, the worst rules, and where the rows are; None if it does not."""
        limit = self._broken(found.rows_read, found.rows)
        if limit is None:
            return None
        share = percent(found.rows / found.rows_read)
        return (
            f"{found.rows:,} of {in_rows(found.rows_read)} ({share}) would be set aside, and at most {limit} may be. "
            f"Most often broken: {worst_rules(found.violations)}. The rows are in {found.folder} with the "
            "reasons."
        )

    def _broken(self, rows_read: int, rows_rejected: int) -> Optional[str]:
        most, share = self.max_rejected_rows, self.max_rejected_fraction
        if most is not None and rows_rejected > most:
            return f"{most:,}"
        # As it was written: as a binary number 0.29 is a little less, and of 100 rows would allow 28.
        if share is not None and rows_rejected > Fraction(str(share)) * rows_read:
            return percent(share)
        return None


NO_LIMITS = Limits()


def worst_rules(violations: Sequence[Violations]) -> str:
    """The rules that most rows break, the worst first."""
    worst = sorted(violations, key=lambda each: (-each.rows, each.column or "", each.rule))
    told = ", ".join(str(each) for each in worst[:WORST_RULES])
    return told + (f", and {len(worst) - WORST_RULES} more" if len(worst) > WORST_RULES else "")


def in_rows(number: int) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def percent(share: float) -> str:
    """A share as a person writes it, with three digits that mean something."""
    return f"{float(f'{100 * share:.3g}'):,.10g} %"
