"""What can be said of one column of a table, as plain data."""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple


@dataclass(frozen=True)
class TopValue:
    """A value, as a text, and how many rows have it."""

    value: str
    rows: int


@dataclass(frozen=True)
class Quantile:
    """A value that a share of all values is at or below."""

    share: float
    value: str


@dataclass(frozen=True)
class ColumnProfile:
    """A column. Values are texts as Spark writes them, cut where they grow long; what a type has not is None."""

    name: str
    type: str
    rows: int
    nulls: int
    nans: Optional[int]
    distinct_estimate: int
    min: Optional[str]
    max: Optional[str]
    mean: Optional[float]
    standard_deviation: Optional[float]
    quantiles: Tuple[Quantile, ...]
    top_values: Tuple[TopValue, ...]

    def to_json(self) -> Dict[str, Any]:
        """As `profile.json` shows it, and the rows of the output."""
        return {
            "name": self.name,
            "type": self.type,
            "rows": self.rows,
            "nulls": self.nulls,
            "nans": self.nans,
            "distinctEstimate": self.distinct_estimate,
            "min": self.min,
            "max": self.max,
            "mean": self.mean,
            "standardDeviation": self.standard_deviation,
            "quantiles": [{"share": each.share, "value": each.value} for each in self.quantiles],
            "topValues": [{"value": top.value, "rows": top.rows} for top in self.top_values],
        }
