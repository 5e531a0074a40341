"""Inputs that are named as datasets: which objects they are."""

from dataclasses import replace

from api.operations import sentence
from api.owned import own_dataset
from api.services import services
from shared.datasets import Dataset, DatasetStatus
from shared.errors import DatasetNotFound, FieldProblem, ValidationFailed
from shared.models import DATASET_REFERENCE, JobInput
from shared.submission import Submission


def with_datasets(asked: Submission) -> Submission:
    """The submission with the object of each dataset that an input names. Others' datasets are not found.

    Raises: ValidationFailed with all that is wrong with them; StoreUnavailable.
    """
    if len(asked.inputs) > services().settings.max_inputs:
        return asked  # which is refused for that, and is not worth so many reads
    inputs, problems = [], []
    for number, entry in enumerate(asked.inputs):
        found = with_dataset(entry)
        if isinstance(found, str):
            problems.append(FieldProblem(f"/inputs/{number}/uri", found))
        else:
            inputs.append(found)
    if problems:
        raise ValidationFailed(sentence(problems), problems)
    return replace(asked, inputs=tuple(inputs))


def with_dataset(entry: JobInput) -> JobInput | str:
    """The input with the object of the dataset that it names, or what is wrong with that; as it is if it names none.

    Raises: StoreUnavailable.
    """
    if entry.dataset_id is not None or not entry.uri.startswith(DATASET_REFERENCE):
        return entry
    dataset_id = entry.uri.removeprefix(DATASET_REFERENCE)
    try:
        dataset = own_dataset(dataset_id)
    except DatasetNotFound as error:
        return error.detail
    if dataset.completion is None:
        return why_not(dataset)
    return replace(entry, uri=dataset.uri, dataset_id=dataset_id)


def why_not(dataset: Dataset) -> str:
    """What is missing of a dataset that is not READY, as a sentence."""
    status = dataset.status(services().clock())
    if status is DatasetStatus.REGISTERED:
        return f"Dataset {dataset.dataset_id} is REGISTERED: upload it and complete it first."
    return f"Dataset {dataset.dataset_id} is {status}: register the file again."
