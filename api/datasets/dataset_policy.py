"""Which datasets a job may read, by what is known of the personal data in them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.datasets.datasets import Dataset
from shared.datasets.scans import Pii
from shared.errors import DatasetHeldBack, FieldProblem
from shared.job_types.mask import MASK
from shared.job_types.pii_scan import PII_SCAN

# They are what to do about it.
MAY_READ_ALL = frozenset({MASK.name, PII_SCAN.name})
# What each value of DATASET_SCANS keeps from all other types.
HELD_BACK: Mapping[str, frozenset[Pii]] = {
    "off": frozenset(),
    "tell": frozenset(),
    "require": frozenset({Pii.PENDING, Pii.UNKNOWN}),
    "refuse-pii": frozenset({Pii.PENDING, Pii.UNKNOWN, Pii.FOUND}),
}


@dataclass(frozen=True)
class NamedDataset:
    """A dataset that an input names, and where in the body."""

    pointer: str
    dataset: Dataset


def refuse_held_back(job_type: str, named: Sequence[NamedDataset], dataset_scans: str) -> None:
    """Return if a job of this type may read these datasets. Raises: DatasetHeldBack with all that it may not read."""
    if job_type in MAY_READ_ALL:
        return
    held = [each for each in named if each.dataset.pii in HELD_BACK[dataset_scans]]
    if held:
        problems = [FieldProblem(each.pointer, why(each.dataset)) for each in held]
        facts = [{"datasetId": each.dataset.dataset_id, "pii": str(each.dataset.pii)} for each in held]
        raise DatasetHeldBack(" ".join(problem.message for problem in problems), problems, facts)


def why(dataset: Dataset) -> str:
    """Why a dataset is held back and what to do, as sentences."""
    name, scanning = dataset.dataset_id, dataset.scanning
    if dataset.pii is Pii.PENDING:
        return f"Dataset {name} is being scanned for personal data by job {scanning.job_id}: wait until that ends."
    if dataset.pii is Pii.FOUND:
        return f"Personal data was found in dataset {name}: run mask on it, and read the output of that."
    reason = scanning.scan.reason if scanning.scan else "It was completed before uploads were scanned."
    return f"Nobody knows whether dataset {name} holds personal data. {reason} Or run mask on it, and read that output."
