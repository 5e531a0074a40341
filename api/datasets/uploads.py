"""Uploads of datasets: links to parts, completing, giving up."""

from collections.abc import Sequence

import structlog
from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.datasets.completion import uploaded
from api.datasets.dataset_records import DatasetSchema, PartLinksSchema, dataset_record, parts_record
from api.datasets.dataset_schemas import WantedPart, WantedPartsSchema
from api.datasets.scanning import begin_scan, tag_complete, tell_workers
from api.datasets.upload_links import part_links
from api.identity.auth import writes_datasets
from api.identity.owned import own_dataset
from api.protocol.operations import returns, sentence, takes_body, takes_nothing
from api.services import services
from shared.datasets.datasets import Completion, Dataset, DatasetStatus
from shared.errors import (
    DatasetNotFound,
    FieldProblem,
    ObjectsUnavailable,
    StoreUnavailable,
    TooManyLinks,
    UploadClosed,
    UploadMismatch,
    UploadMissing,
    ValidationFailed,
)

log = structlog.get_logger()
blueprint = Blueprint("uploads", __name__)


@blueprint.post("/datasets/<dataset_id>/parts")
@writes_datasets
@takes_body(WantedPartsSchema)
@returns(
    PartLinksSchema,
    problems=(DatasetNotFound, UploadClosed, TooManyLinks, StoreUnavailable, ObjectsUnavailable),
)
def link_parts(dataset_id: str, body: tuple[WantedPart, ...]) -> ResponseReturnValue:
    """Get links to parts of a dataset.

    Send each part to its url with all of its headers, in any order and as often as needed; what S3 took last counts.
    """
    dataset, now = own_dataset(dataset_id), services().clock()
    status = dataset.status(now)
    if status is not DatasetStatus.REGISTERED:
        raise UploadClosed(f"The dataset is {status}; only one that is REGISTERED is uploaded.")
    check_numbers(dataset, body)
    begun = with_parts_begun(dataset)
    return parts_record(begun, body, part_links(begun, body, now))


@blueprint.post("/datasets/<dataset_id>/complete")
@writes_datasets
@takes_nothing
@returns(
    DatasetSchema,
    problems=(DatasetNotFound, UploadMissing, UploadMismatch, UploadClosed, StoreUnavailable, ObjectsUnavailable),
)
def complete_dataset(dataset_id: str) -> ResponseReturnValue:
    """Say that a dataset is uploaded.

    Its size and its checksum are compared with what S3 recorded of it. Then it is READY, for ever; saying so again
    answers the same. What was uploaded in time can be completed later, within some days. A scan for personal data
    begins, as a job of its owner's: scan.jobId; pii says what it came to.
    """
    dataset = own_dataset(dataset_id)
    if dataset.completion is None:
        dataset = completed(dataset)
    return dataset_record(dataset, services().clock())


@blueprint.post("/datasets/<dataset_id>/abandon")
@writes_datasets
@takes_nothing
@returns(
    DatasetSchema,
    problems=(DatasetNotFound, UploadClosed, StoreUnavailable),
)
def abandon_dataset(dataset_id: str) -> ResponseReturnValue:
    """Give up a dataset that is not READY.

    It no longer counts as an open upload, and its parts are forgotten. Its bytes stay counted for the day.
    """
    dataset, now = own_dataset(dataset_id), services().clock()
    if dataset.abandoned_at is None and dataset.completion is None:
        dataset = services().datasets.abandon(dataset, now)
        log.info("dataset_abandoned", dataset_id=dataset_id)
    if dataset.completion is not None:
        raise UploadClosed("The dataset is READY, which it stays.")
    forget_parts(dataset)
    return dataset_record(dataset, now)


def check_numbers(dataset: Dataset, parts: Sequence[WantedPart]) -> None:
    """Return if the dataset has all these parts. Raises: UploadClosed if it has none at all; ValidationFailed."""
    if dataset.part_count is None:
        raise UploadClosed("The dataset is uploaded in one request: it was registered without partSizeBytes.")
    problems = [
        FieldProblem(f"/parts/{place}/number", f"The dataset has {dataset.part_count} parts.")
        for place, part in enumerate(parts)
        if part.number > dataset.part_count
    ]
    if problems:
        raise ValidationFailed(sentence(problems), problems)


def with_parts_begun(dataset: Dataset) -> Dataset:
    """The dataset with S3's id of its upload, which is begun when it is first needed.

    Raises: UploadClosed, StoreUnavailable, ObjectsUnavailable.
    """
    if dataset.upload_id is not None:
        return dataset
    mine = services().uploads.begin_parts(dataset)
    begun = services().datasets.begin_parts(dataset, mine)
    if begun.upload_id is None:
        raise UploadClosed("The dataset was given up meanwhile.")
    # Of two that were begun at once one has no parts, and the bucket forgets it by itself.
    return begun


def completed(dataset: Dataset) -> Dataset:
    """The dataset once it is READY. Raises: UploadMissing, UploadMismatch, UploadClosed, and what is unavailable."""
    if dataset.abandoned_at is not None:
        raise UploadClosed("The dataset was given up; register the file again.")
    found, now = uploaded(dataset, services().uploads), services().clock()
    tag_complete(dataset, found)
    scanning, job = begin_scan(dataset, now)
    done = services().datasets.complete(dataset, Completion(now, found.etag, found.version_id), scanning)
    if done.completion is None:
        raise UploadClosed("The dataset was given up meanwhile; register the file again.")
    tell_workers(job)
    log.info("dataset_completed", dataset_id=dataset.dataset_id, size_bytes=found.size_bytes)
    return done


def forget_parts(dataset: Dataset) -> None:
    """Let S3 forget the parts of a dataset. What fails is left to the bucket, which forgets them after some days."""
    if dataset.upload_id is None:
        return
    try:
        services().uploads.abort_parts(dataset)
    except ObjectsUnavailable as error:
        log.warning("parts_not_forgotten", dataset_id=dataset.dataset_id, reason=error.detail)
