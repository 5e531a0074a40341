"""What requests about datasets may contain: JSON in, frozen dataclasses out. The document shows the same schemas."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields, post_load, validate

from api.identity.owned import EVERYBODY
from api.jobs.list_queries import DEFAULT_PAGE, LARGEST_PAGE
from api.jobs.schemas import MOST_TAGS
from api.protocol.fields import FullMatch, QueryNumber, StrictSchema, TextMap, WholeNumber
from shared.datasets.datasets import LARGEST_PART_BYTES, MOST_PARTS, SMALLEST_PART_BYTES, Registration

LARGEST_BYTES = MOST_PARTS * LARGEST_PART_BYTES
PARTS_AT_ONCE = 100
# Of a type or a subtype (RFC 6838, section 4.2), not so long.
MEDIA_NAME = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}"
SHA256 = FullMatch("^[0-9a-f]{64}$", error="Give the 64 hexadecimal digits of a SHA-256, in lower case.")


@dataclass(frozen=True)
class WantedPart:
    """A part that is about to be uploaded: its number, from 1, and the SHA-256 of its bytes in hexadecimal."""

    number: int
    sha256: str


@dataclass(frozen=True)
class DatasetQuery:
    """Which part of a list of datasets is wanted."""

    owner: str | None
    limit: int
    cursor: str | None


class RegistrationSchema(StrictSchema):
    """A file that is about to be uploaded."""

    file_name = fields.String(
        data_key="fileName",
        required=True,
        validate=FullMatch(
            "^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$",
            error="Give 1 to 200 letters, digits, dots, hyphens and underscores, the first a letter or a digit.",
        ),
        metadata={"description": "The last part of its key in S3; Spark tells by its ending how to read it."},
    )
    size_bytes = WholeNumber(
        data_key="sizeBytes",
        required=True,
        validate=validate.Range(1, LARGEST_BYTES),
        metadata={"description": "Its exact size."},
    )
    sha256 = fields.String(
        required=True,
        validate=SHA256,
        metadata={
            "description": (
                "The SHA-256 of its bytes, in hexadecimal. With partSizeBytes: the SHA-256 of the SHA-256s of its "
                "parts, which are 32 bytes each, one after the other."
            )
        },
    )
    content_type = fields.String(
        data_key="contentType",
        load_default="application/octet-stream",
        validate=FullMatch(
            f"^{MEDIA_NAME}/{MEDIA_NAME}(; ?[a-z]{{1,32}}=[A-Za-z0-9_.+-]{{1,64}})?$",
            error="Give a media type, such as text/csv.",
        ),
        metadata={"description": "Its media type."},
    )
    tags = TextMap(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=fields.String(validate=validate.Length(0, 256)),
        load_default={},
        validate=validate.Length(max=MOST_TAGS),
        metadata={"description": "Words of your own, shown with the dataset.", "maxProperties": MOST_TAGS},
    )
    part_size_bytes = WholeNumber(
        data_key="partSizeBytes",
        load_default=None,
        validate=validate.Range(SMALLEST_PART_BYTES, LARGEST_PART_BYTES),
        metadata={
            "description": f"To upload it in parts of this size, at most {MOST_PARTS}; the last has what is left."
        },
    )

    contract = fields.String(
        load_default=None,
        validate=validate.Length(1, 100),
        metadata={
            "description": "name/version of a contract: jobs that read the file and name none are held to it.",
            "example": "flights/1.0.0",
        },
    )
    dataset_type = fields.String(
        data_key="datasetType",
        load_default=None,
        validate=validate.Length(1, 32),
        metadata={
            "description": "One of the types of this service (DATASET_TYPES), which says how long the file is kept.",
            "example": "general",
        },
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> Registration:
        """The registration."""
        return Registration(**loaded)


class WantedPartSchema(StrictSchema):
    """A part that is about to be uploaded."""

    number = WholeNumber(
        required=True,
        validate=validate.Range(1, MOST_PARTS),
        metadata={"description": "Which part of the file, counted from 1."},
    )
    sha256 = fields.String(
        required=True, validate=SHA256, metadata={"description": "The SHA-256 of its bytes, in hexadecimal."}
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> WantedPart:
        """The part."""
        return WantedPart(**loaded)


class WantedPartsSchema(StrictSchema):
    """Parts that are about to be uploaded."""

    parts = fields.List(
        fields.Nested(WantedPartSchema),
        required=True,
        validate=validate.Length(1, PARTS_AT_ONCE),
        metadata={"description": "Those that are about to be uploaded; ask again for others."},
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> tuple[WantedPart, ...]:
        """The parts."""
        return tuple(loaded["parts"])


class DatasetQuerySchema(StrictSchema):
    """Which datasets to list."""

    owner = fields.String(
        load_default=None,
        validate=[validate.Length(1, 255), validate.NoneOf([EVERYBODY], error="Datasets are listed for one owner.")],
        metadata={"description": "Whose datasets: your own if not set; those of others need the scope ops."},
    )
    limit = QueryNumber(
        load_default=DEFAULT_PAGE,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata={"description": "The most datasets to list."},
    )
    cursor = fields.String(load_default=None, metadata={"description": "The nextCursor of the page before."})

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> DatasetQuery:
        """The query."""
        return DatasetQuery(**loaded)
