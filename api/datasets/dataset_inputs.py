"""Inputs that are named as datasets: which objects they are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from api.datasets.dataset_policy import HELD_BACK, NamedDataset, refuse_held_back
from api.identity.owned import own_dataset
from api.protocol.operations import sentence
from api.services import services
from shared.datasets.datasets import Dataset, DatasetStatus
from shared.errors import DatasetNotFound, FieldProblem, ValidationFailed
from shared.models import DATASET_REFERENCE, JobInput
from shared.submission import Submission


def with_datasets(asked: Submission) -> Submission:
    """The submission with the object of each dataset that an input names. Others' datasets are not found.

    Raises: ValidationFailed with all that is wrong with them; DatasetHeldBack; StoreUnavailable.
    """
    if len(asked.inputs) > services().settings.max_inputs:
        return asked  # which is refused for that, and is not worth so many reads
    found = [dataset_of(entry) for entry in asked.inputs]
    problems = [
        FieldProblem(f"/inputs/{number}/uri", text) for number, text in enumerate(found) if isinstance(text, str)
    ]
    if problems:
        raise ValidationFailed(sentence(problems), problems)
    datasets = [each if isinstance(each, Dataset) else None for each in found]
    refuse_held_back(asked.job_type, list(named(datasets)), services().settings.dataset_scans)
    contracts = [each.registration.contract for each in datasets if each and each.registration.contract]
    return replace(
        asked,
        inputs=tuple(map(read_as, asked.inputs, datasets)),
        contract_of_dataset=next(iter(contracts), None),
    )


def named(datasets: Sequence[Dataset | None]) -> Iterator[NamedDataset]:
    """The datasets among the inputs, and where they are named."""
    for number, each in enumerate(datasets):
        if each is not None:
            yield NamedDataset(f"/inputs/{number}/uri", each)


def refuse_inputs_held_back(asked: Submission) -> None:
    """Return if the datasets of a job that was accepted before may be read now.

    Raises: DatasetHeldBack, StoreUnavailable.
    """
    if not HELD_BACK[services().settings.dataset_scans]:
        return
    ids = [entry.dataset_id for entry in asked.inputs]
    known = {each.dataset_id: each for each in services().datasets.get_many([each for each in ids if each is not None])}
    datasets = [None if each is None else known.get(each) for each in ids]
    refuse_held_back(asked.job_type, list(named(datasets)), services().settings.dataset_scans)


def dataset_of(entry: JobInput) -> Dataset | str | None:
    """The dataset that an input names, or what is wrong with that; None if it names none.

    Raises: StoreUnavailable, ObjectsUnavailable.
    """
    if entry.dataset_id is not None or not entry.uri.startswith(DATASET_REFERENCE):
        return None
    try:
        dataset = own_dataset(entry.uri.removeprefix(DATASET_REFERENCE))
    except DatasetNotFound as error:
        return error.detail
    if dataset.completion is None:
        return why_not(dataset)
    return f"The file of dataset {dataset.dataset_id} was deleted: {expiry(dataset)}." if is_gone(dataset) else dataset


def is_gone(dataset: Dataset) -> bool:
    """Whether the bucket's rules have deleted its file. S3 is asked only once it may be. Raises: ObjectsUnavailable."""
    kept_until = dataset.kept_until(services().settings.retention_days)
    return kept_until is not None and services().clock() >= kept_until and services().uploads.found(dataset) is None


def expiry(dataset: Dataset) -> str:
    """How long the file of a dataset is kept, as the end of a sentence."""
    days = services().settings.retention_days.get(dataset.retention or "")
    return f"one of the class {dataset.retention} is kept for {days} days"


def read_as(entry: JobInput, dataset: Dataset | None) -> JobInput:
    """The input as it is read."""
    return entry if dataset is None else replace(entry, uri=dataset.uri, dataset_id=dataset.dataset_id)


def why_not(dataset: Dataset) -> str:
    """What is missing of a dataset that is not READY, as a sentence."""
    status = dataset.status(services().clock())
    if status is DatasetStatus.REGISTERED:
        return f"Dataset {dataset.dataset_id} is REGISTERED: upload it and complete it first."
    return f"Dataset {dataset.dataset_id} is {status}: register the file again."
