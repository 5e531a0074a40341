"""The fields of answers, each with what it means: all are always there, and null only where that is said."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from api.protocol.fields import WholeNumber


def moment(description: str, **options: Any) -> fields.String:
    """A point in time, as `iso` writes it."""
    return fields.String(required=True, metadata={"format": "date-time", "description": description}, **options)


def day(description: str) -> fields.String:
    """A date that is always there, as ISO 8601 writes it."""
    return fields.String(required=True, metadata={"format": "date", "description": description})


def text(description: str, **options: Any) -> fields.String:
    """A text that is always there, or null where `allow_none`."""
    return fields.String(required=True, metadata={"description": description}, **options)


def number(description: str, **options: Any) -> WholeNumber:
    """A number that is always there, or null where `allow_none`."""
    return WholeNumber(required=True, metadata={"description": description}, **options)


def amount(description: str, **options: Any) -> fields.Float:
    """An amount that is always there, such as one of money, or null where `allow_none`."""
    return fields.Float(required=True, metadata={"description": description}, **options)


def list_of(schema: type[Schema], description: str) -> fields.List[Any]:
    """A list that is always there, and may be empty."""
    return fields.List(fields.Nested(schema), required=True, metadata={"description": description})


def open_object(description: str, **options: Any) -> fields.Dict:
    """An object of any content."""
    metadata = {"description": description, "additionalProperties": True}
    return fields.Dict(keys=fields.String(), required=True, metadata=metadata, **options)


def iso(at: datetime | None) -> str | None:
    """A moment as clients see it."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
