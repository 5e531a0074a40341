"""Datasets and their uploads as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from api.datasets.dataset_schemas import WantedPart
from api.protocol.answers import iso, list_of, moment, number, text
from api.services import services
from shared.datasets.datasets import Dataset, DatasetStatus
from shared.datasets.links import Link
from shared.datasets.scans import ColumnWithPii, Pii
from shared.datasets.uploads import headers_of_part, headers_of_put
from shared.models import DATASET_REFERENCE


def _headers(description: str, **options: Any) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": description},
        **options,
    )


UploadSchema = Schema.from_dict(
    {
        "kind": fields.String(
            required=True,
            validate=validate.OneOf(["put", "multipart"]),
            metadata={"description": "put: one request. multipart: in parts, whose links the links.parts gives."},
        ),
        "method": text("The method of the request; null in parts.", allow_none=True),
        "url": text("Where to send the bytes, until expiresAt; null in parts.", allow_none=True),
        "headers": _headers("What must be sent along, to the letter; null in parts.", allow_none=True),
        "expiresAt": moment("When the link ends, or the upload in parts."),
    },
    name="UploadSchema",
)

DatasetLinksSchema = Schema.from_dict(
    {
        "self": text("The dataset."),
        "complete": text("To say that it is uploaded."),
        "abandon": text("To give it up."),
        "parts": text("For links to its parts; null if it has none.", allow_none=True),
    },
    name="DatasetLinksSchema",
)

ColumnSchema = Schema.from_dict(
    {
        "position": number("Which column, counted from 1."),
        "name": text("Its name; null where the names of columns may be personal data themselves.", allow_none=True),
        "pii": fields.String(
            required=True,
            validate=validate.OneOf([str(Pii.FOUND), str(Pii.UNKNOWN)]),
            metadata={"description": "unknown: personal data cannot be ruled out."},
        ),
        "kinds": fields.List(
            fields.String(), required=True, metadata={"description": "What was found; never a value."}
        ),
    },
    name="ColumnWithPiiSchema",
)

ScanSchema = Schema.from_dict(
    {
        "jobId": text("The job that scans it; null if there is none.", allow_none=True),
        "scannedAt": moment("When it was known what pii says; null while that is pending.", allow_none=True),
        "reason": text("Why pii is unknown, if it is.", allow_none=True),
        "columns": list_of(ColumnSchema, "The columns that hold personal data, or may; of very many only the first."),
        "columnsLeftOut": number("How many such columns are not listed."),
    },
    name="ScanSchema",
)

DatasetSchema = Schema.from_dict(
    {
        "datasetId": text("A UUID."),
        "status": fields.String(
            required=True,
            validate=validate.OneOf([*map(str, DatasetStatus)]),
            metadata={"description": "Only a dataset that is READY can be an input; it stays so for ever."},
        ),
        "owner": text("Whose dataset it is."),
        "fileName": text("As it was registered."),
        "sizeBytes": number("As it was registered."),
        "sha256": text("As it was registered."),
        "contentType": text("As it was registered."),
        "tags": _headers("As they were given."),
        "partSizeBytes": number("The size of its parts; null if it has none.", allow_none=True),
        "partCount": number("How many parts it has; null if it has none.", allow_none=True),
        "contract": text("The contract that it is held to: name/version.", allow_none=True),
        "datasetType": text("Its type; null if it was registered before there were any.", allow_none=True),
        "retention": text("How long its file is kept: a retention class of this service.", allow_none=True),
        "keptUntil": moment("Until when its file is there for certain; then it is deleted.", allow_none=True),
        "pii": fields.String(
            required=True,
            allow_none=True,
            validate=validate.OneOf([*map(str, Pii)]),
            metadata={"description": "Whether personal data was found in it; null until it is READY."},
        ),
        "scan": fields.Nested(
            ScanSchema, required=True, allow_none=True, metadata={"description": "Its scan; null until it is READY."}
        ),
        "uri": text("Where it lies in S3, once it is uploaded."),
        "reference": text("How a job names it as the uri of an input."),
        "etag": text("What S3 calls its content, once it is READY.", allow_none=True),
        "versionId": text("Its version in S3, once it is READY.", allow_none=True),
        "createdAt": moment("When it was registered."),
        "expiresAt": moment("When its registration ends, if it is not complete by then."),
        "completedAt": moment("When it became READY.", allow_none=True),
        "abandonedAt": moment("When it was given up.", allow_none=True),
        "upload": fields.Nested(
            UploadSchema,
            required=True,
            allow_none=True,
            metadata={"description": "How to upload it, while it is REGISTERED and you may; null in lists."},
        ),
        "links": fields.Nested(DatasetLinksSchema, required=True),
    },
    name="DatasetSchema",
)

DatasetPageSchema = Schema.from_dict(
    {
        "items": list_of(DatasetSchema, "The newest first."),
        "nextCursor": text("What to pass as cursor for the next page; null on the last.", allow_none=True),
    },
    name="DatasetPageSchema",
)

PartLinkSchema = Schema.from_dict(
    {
        "number": number("Which part."),
        "method": text("The method of the request."),
        "url": text("Where to send its bytes, until expiresAt."),
        "headers": _headers("What must be sent along, to the letter."),
        "expiresAt": moment("When the link ends; ask again for a new one."),
    },
    name="PartLinkSchema",
)

PartLinksSchema = Schema.from_dict(
    {"parts": list_of(PartLinkSchema, "As they were asked for.")}, name="PartLinksSchema"
)


def dataset_record(dataset: Dataset, now: datetime, upload: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A dataset as `DatasetSchema` says."""
    asked, completion = dataset.registration, dataset.completion
    path = f"/datasets/{dataset.dataset_id}"
    return {
        "datasetId": dataset.dataset_id,
        "status": str(dataset.status(now)),
        "owner": dataset.owner_id,
        "fileName": asked.file_name,
        "sizeBytes": asked.size_bytes,
        "sha256": asked.sha256,
        "contentType": asked.content_type,
        "tags": dict(asked.tags),
        "partSizeBytes": asked.part_size_bytes,
        "partCount": dataset.part_count,
        "contract": asked.contract,
        "datasetType": dataset.dataset_type,
        "retention": dataset.retention,
        "keptUntil": iso(dataset.kept_until(services().settings.retention_days)),
        "pii": str(dataset.pii) if completion else None,
        "scan": scan_record(dataset) if completion else None,
        "uri": dataset.uri,
        "reference": f"{DATASET_REFERENCE}{dataset.dataset_id}",
        "etag": completion.etag if completion else None,
        "versionId": completion.version_id if completion else None,
        "createdAt": iso(dataset.created_at),
        "expiresAt": iso(dataset.expires_at),
        "completedAt": iso(completion.at) if completion else None,
        "abandonedAt": iso(dataset.abandoned_at),
        "upload": upload,
        "links": {
            "self": path,
            "complete": f"{path}/complete",
            "abandon": f"{path}/abandon",
            "parts": None if dataset.part_count is None else f"{path}/parts",
        },
    }


def scan_record(dataset: Dataset) -> dict[str, Any]:
    """What is known of a dataset's personal data, as `ScanSchema` says."""
    scan = dataset.scanning.scan
    return {
        "jobId": scan.job_id if scan else dataset.scanning.job_id,
        "scannedAt": iso(scan.at) if scan else None,
        "reason": scan.reason if scan else None,
        "columns": [column_record(each) for each in scan.columns] if scan else [],
        "columnsLeftOut": scan.columns_left_out if scan else 0,
    }


def column_record(column: ColumnWithPii) -> dict[str, Any]:
    """A column as `ColumnWithPiiSchema` says."""
    return {
        "position": column.position,
        "name": column.name,
        "pii": str(column.pii),
        "kinds": [*column.kinds],
    }


def put_record(dataset: Dataset, link: Link) -> dict[str, Any]:
    """An upload in one request as `UploadSchema` says."""
    return {
        "kind": "put",
        "method": "PUT",
        "url": link.url,
        "headers": dict(headers_of_put(dataset)),
        "expiresAt": iso(link.expires_at),
    }


def multipart_record(dataset: Dataset) -> dict[str, Any]:
    """An upload in parts as `UploadSchema` says."""
    return {"kind": "multipart", "method": None, "url": None, "headers": None, "expiresAt": iso(dataset.expires_at)}


def parts_record(dataset: Dataset, parts: Sequence[WantedPart], links: Sequence[Link]) -> dict[str, Any]:
    """Links to parts as `PartLinksSchema` says."""
    return {
        "parts": [
            {
                "number": part.number,
                "method": "PUT",
                "url": link.url,
                "headers": dict(headers_of_part(dataset, part.number, part.sha256)),
                "expiresAt": iso(link.expires_at),
            }
            for part, link in zip(parts, links, strict=True)
        ]
    }
