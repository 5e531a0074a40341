"""What a scan found, and what follows from it: pure, and without a value of the data."""

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

FOUND, NONE, UNKNOWN = "found", "none", "unknown"
LEAST_CONFIDENCE = 0.5
# Names of columns that speak of what no pattern finds.
NAMES_OF_PERSONAL_DATA = re.compile(
    "(first|last|full|given|family|maiden|middle)[ _-]?name|surname|birth|(^|[ _-])dob($|[ _-])|passport"
    "|(^|[ _-])ssn($|[ _-])|social[ _-]?security|(street|home|postal)[ _-]?address|salary|religion|gender",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Shape:
    """How matches are written, without their characters, and how many values are written so."""

    shape: str
    values: int

    def to_json(self) -> Dict[str, Any]:
        """As the report shows it."""
        return {"shape": self.shape, "values": self.values}


@dataclass(frozen=True)
class Finding:
    """One kind in one column. `chance` is the share of candidates that pass the kind's check by luck."""

    kind: str
    values: int
    matches: int
    candidates: int
    chance: float
    samples: Tuple[Shape, ...]

    @property
    def confidence(self) -> float:
        """The share of the matches that luck does not explain, 0 to 1."""
        if self.matches == 0:
            return 0.0
        by_luck = (self.candidates - self.matches) * self.chance / (1 - self.chance)
        return round(max(0.0, 1 - by_luck / self.matches), 4)

    def to_json(self) -> Dict[str, Any]:
        """As the report shows it."""
        return {
            "kind": self.kind,
            "values": self.values,
            "matches": self.matches,
            "candidates": self.candidates,
            "confidence": self.confidence,
            "samples": [sample.to_json() for sample in self.samples],
        }


@dataclass(frozen=True)
class ScannedColumn:
    """A column and all that was found in it. `name` is None where the name may itself be personal data."""

    position: int
    name: Optional[str]
    type: str
    values: int
    is_looked_at: bool
    is_cut: bool
    is_sample: bool
    findings: Tuple[Finding, ...]

    @property
    def doubts(self) -> List[str]:
        """Why nothing found would not mean that nothing is there."""
        return list(self._doubts())

    def _doubts(self) -> Iterator[str]:
        if not self.is_looked_at:
            yield "Values of this type were not looked at."
        if self.is_sample:
            yield "Only a sample of the rows was looked at."
        if self.is_cut:
            yield "Of long texts only the beginning was looked at."
        if any(finding.matches for finding in self.findings):
            yield "There are matches, but no more than luck explains."
        if self.name is not None and NAMES_OF_PERSONAL_DATA.search(self.name):
            yield "The column's name speaks of personal data that has no form to find it by."

    @property
    def pii(self) -> str:
        """`found`, `unknown` or `none`."""
        if any(finding.confidence >= LEAST_CONFIDENCE for finding in self.findings):
            return FOUND
        return UNKNOWN if self.doubts else NONE

    def to_json(self) -> Dict[str, Any]:
        """As the report shows it."""
        return {
            "position": self.position,
            "name": self.name,
            "type": self.type,
            "pii": self.pii,
            "doubts": [] if self.pii == FOUND else self.doubts,
            "values": self.values,
            "kinds": [finding.to_json() for finding in self.findings],
        }


def overall(columns: Sequence[ScannedColumn], names_hold_pii: bool) -> str:
    """The decision on the whole input: found if anything is, none if nothing can be."""
    decisions = {column.pii for column in columns} | ({FOUND} if names_hold_pii else set())
    return next(decision for decision in (FOUND, UNKNOWN, NONE) if decision in decisions or decision == NONE)
