"""What a check of a table found, as plain data: every rule of its contract, and how many rows break it."""

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from spark_jobs.contract import Contract, rules_stated
from spark_jobs.limits import SetAside, Violations
from spark_jobs.violation_samples import Rule, Sample


@dataclass(frozen=True)
class Check:
    """A rule, what it demands if that is more than its name, and the rows that break it."""

    violations: Violations
    demands: str
    samples: Sequence[Sample]

    def to_json(self) -> Dict[str, Any]:
        """As `quality.json` shows it."""
        return {
            "column": self.violations.column,
            "rule": self.violations.rule,
            "demands": self.demands,
            "rows": self.violations.rows,
            "samples": [sample.to_json() for sample in self.samples],
        }


@dataclass(frozen=True)
class QualityReport:
    """A table held to its contract."""

    input_name: str
    uri: str
    contract: Contract
    found: SetAside
    is_accepted: bool
    checks: Tuple[Check, ...]

    def to_json(self) -> Dict[str, Any]:
        """The content of `quality.json`."""
        ref = self.contract.ref
        return {
            "reportVersion": 1,
            "input": {"name": self.input_name, "uri": self.uri},
            "contract": {"name": ref.name, "version": ref.version, "sha256": ref.sha256},
            "isAccepted": self.is_accepted,
            "rows": self.found.rows_read,
            "rowsRejected": self.found.rows,
            "valuesShown": not self.contract.is_sensitive,
            "checks": [check.to_json() for check in self.checks],
        }


def checks_of(contract: Contract, found: SetAside, samples: Mapping[Rule, List[Sample]]) -> Tuple[Check, ...]:
    """All rules, those first that most rows break; the others in the order of the contract."""
    checks = list(_checks(contract, found, samples))
    return tuple(sorted(checks, key=lambda check: -check.violations.rows))


def _checks(contract: Contract, found: SetAside, samples: Mapping[Rule, List[Sample]]) -> Iterator[Check]:
    counted = {(each.column, each.rule): each.rows for each in found.violations}
    stated = rules_stated(contract)
    for rule in [*stated, *(rule for rule in counted if rule not in stated)]:
        yield Check(Violations(*rule, counted.get(rule, 0)), stated.get(rule, ""), samples.get(rule, ()))
