"""Inputs that are named as datasets: which objects they are."""

from dataclasses import replace

from api.identity.owned import own_dataset
from api.protocol.operations import sentence
from api.services import services
from shared.datasets.datasets import Dataset, DatasetStatus
from shared.errors import DatasetNotFound, FieldProblem, ValidationFailed
from shared.models import DATASET_REFERENCE, JobInput
from shared.submission import Submission


def with_datasets(asked: Submission) -> Submission:
    """The submission with the object of each dataset that an input names. Others' datasets are not found.

    Raises: ValidationFailed with all that is wrong with them; StoreUnavailable.
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
    contracts = [each.registration.contract for each in datasets if each and each.registration.contract]
    return replace(
        asked,
        inputs=tuple(map(read_as, asked.inputs, datasets)),
        contract_of_dataset=next(iter(contracts), None),
    )


def dataset_of(entry: JobInput) -> Dataset | str | None:
    """The dataset that an input names, or what is wrong with that; None if it names none. Raises: StoreUnavailable."""
    if entry.dataset_id is not None or not entry.uri.startswith(DATASET_REFERENCE):
        return None
    try:
        dataset = own_dataset(entry.uri.removeprefix(DATASET_REFERENCE))
    except DatasetNotFound as error:
        return error.detail
    return dataset if dataset.completion is not None else why_not(dataset)


def read_as(entry: JobInput, dataset: Dataset | None) -> JobInput:
    """The input as it is read."""
    return entry if dataset is None else replace(entry, uri=dataset.uri, dataset_id=dataset.dataset_id)


def why_not(dataset: Dataset) -> str:
    """What is missing of a dataset that is not READY, as a sentence."""
    status = dataset.status(services().clock())
    if status is DatasetStatus.REGISTERED:
        return f"Dataset {dataset.dataset_id} is REGISTERED: upload it and complete it first."
    return f"Dataset {dataset.dataset_id} is {status}: register the file again."
