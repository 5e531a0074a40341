"""Datasets: register one, look at one, list them."""

from http import HTTPStatus

import structlog
from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from api.datasets.dataset_records import DatasetPageSchema, DatasetSchema, dataset_record
from api.datasets.dataset_schemas import DatasetQuery, DatasetQuerySchema, RegistrationSchema
from api.datasets.registrations import check_registration
from api.datasets.upload_links import upload_record
from api.identity.auth import caller, reads_datasets, writes_datasets
from api.identity.owned import listed_owner, own_dataset
from api.ids import keyed_dataset_id
from api.jobs.job_lists import link_to_next
from api.jobs.schemas import IdempotencySchema
from api.jobs.submission import REPLAYED
from api.protocol.cursors import DatasetsOf, cursor_to, position_of
from api.protocol.operations import returns, takes_body, takes_nothing, takes_query
from api.services import services
from shared.datasets.dataset_store import Registered
from shared.datasets.datasets import Registration, build_dataset, digest_of
from shared.errors import (
    BadCursor,
    DatasetNotFound,
    IdempotencyKeyReused,
    ObjectsUnavailable,
    QuotaExceeded,
    StoreUnavailable,
    TooManyLinks,
)
from shared.limits.quotas import limits_of

log = structlog.get_logger()
blueprint = Blueprint("datasets", __name__)


@blueprint.post("/datasets")
@writes_datasets
@takes_body(RegistrationSchema, headers=IdempotencySchema)
@returns(
    DatasetSchema,
    HTTPStatus.CREATED,
    problems=(IdempotencyKeyReused, QuotaExceeded, TooManyLinks, StoreUnavailable, ObjectsUnavailable),
    headers={"Location": "The path of the dataset.", REPLAYED: "true, if an earlier request registered it."},
)
def register_dataset(body: Registration, headers: dict[str, str | None]) -> ResponseReturnValue:
    """Register a file, and learn how to upload it.

    Send the bytes to upload.url with all of upload.headers, then complete the dataset. S3 itself refuses other bytes,
    and a second upload. The registration counts against your quotas until it is complete, given up or expired. With an
    Idempotency-Key the same request gives the same dataset, as it is now, with links that are good now.
    """
    key = headers["idempotency_key"]
    registered = register_new(body) if key is None else register_once(body, key)
    dataset, now = registered.dataset, services().clock()
    record = dataset_record(dataset, now, upload_record(dataset, now))
    replayed = {} if registered.is_new else {REPLAYED: "true"}
    return record, HTTPStatus.CREATED, {"Location": record["links"]["self"], **replayed}


@blueprint.get("/datasets/<dataset_id>")
@reads_datasets
@takes_nothing
@returns(DatasetSchema, problems=(DatasetNotFound, TooManyLinks, StoreUnavailable))
def get_dataset(dataset_id: str) -> ResponseReturnValue:
    """Look at a dataset. While it waits for its upload, its links come again."""
    dataset, now = own_dataset(dataset_id), services().clock()
    return dataset_record(dataset, now, upload_record(dataset, now))


@blueprint.get("/datasets")
@reads_datasets
@takes_query(DatasetQuerySchema)
@returns(
    DatasetPageSchema,
    problems=(BadCursor, StoreUnavailable),
    headers={"Link": 'The path of the next page, as <path>; rel="next"; not on the last page.'},
)
def list_datasets(query: DatasetQuery) -> ResponseReturnValue:
    """List your datasets, the newest first.

    Follow nextCursor, or the Link header, until there is none. No dataset is listed twice or left out while others are
    added.
    """
    keys, now = services().settings.cursor_keys, services().clock()
    wanted = DatasetsOf(listed_owner(query.owner) or caller().owner_id)
    after = None if query.cursor is None else position_of(query.cursor, wanted, keys)
    page = services().datasets.list_page(wanted.owner_id, query.limit, after)
    cursor = None if page.last_key is None else cursor_to(page.last_key, wanted, keys[0])
    items = [dataset_record(dataset, now) for dataset in services().datasets.get_many(page.dataset_ids)]
    return {"items": items, "nextCursor": cursor}, HTTPStatus.OK, {} if cursor is None else link_to_next(cursor)


def register_new(asked: Registration) -> Registered:
    """A dataset of its own for every call."""
    return check_and_store(asked, services().new_dataset_id(services().clock()))


def register_once(asked: Registration, key: str) -> Registered:
    """One dataset for a key, however often it is called. Raises: IdempotencyKeyReused."""
    dataset_id = keyed_dataset_id(caller().owner_id, key)
    try:
        # Before all checks: what was accepted stays accepted, although a limit may have changed.
        return same_request(Registered(services().datasets.get(dataset_id), is_new=False), asked)
    except DatasetNotFound:
        return check_and_store(asked, dataset_id)


def check_and_store(asked: Registration, dataset_id: str) -> Registered:
    """Check a registration, and store its dataset.

    Raises: ValidationFailed, TooManyLinks, QuotaExceeded, StoreUnavailable, ObjectsUnavailable, IdempotencyKeyReused.
    """
    settings, now = services().settings, services().clock()
    check_registration(asked, settings, services().contracts)
    dataset = build_dataset(asked, dataset_id, caller().owner_id, g.correlation_id, now, settings)
    upload_record(dataset, now)  # what cannot have its link now must not take a slot either
    registered = services().datasets.register(dataset, limits_of(settings))
    if registered.is_new:
        log.info("dataset_registered", dataset_id=dataset_id, size_bytes=asked.size_bytes)
    return same_request(registered, asked)


def same_request(registered: Registered, asked: Registration) -> Registered:
    """What was registered. Raises: IdempotencyKeyReused if it was something else."""
    if registered.dataset.request_digest != digest_of(asked):
        raise IdempotencyKeyReused(
            f"The Idempotency-Key made dataset {registered.dataset.dataset_id} from another body; "
            "use a new key for a new dataset."
        )
    return registered
