"""marshmallow as strict as the document that describes it: its own fields and patterns are looser than JSON Schema."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from shared.errors import FieldProblem


class WholeNumber(fields.Integer):
    """An integer of JSON Schema: 3 and 3.0, but neither "3" nor true."""

    default_error_messages = {"invalid": "Not a whole number."}

    def _validated(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class Amount(fields.Float):
    """A number of JSON Schema, but neither "3" nor true."""

    default_error_messages = {"invalid": "Not a number."}

    def _validated(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class QueryNumber(fields.Integer):
    """A whole number as a query string spells it."""

    default_error_messages = {"invalid": "Not a whole number."}

    def _validated(self, value: Any) -> Any:
        if re.fullmatch(r"[0-9]{1,9}", value) is None:
            raise self.make_error("invalid", input=value)
        return int(value)


class QueryFlag(fields.Boolean):
    """true or false, as a query string spells it; marshmallow takes "1", "on" and "yes" too."""

    truthy = {"true"}
    falsy = {"false"}
    default_error_messages = {"invalid": "Write true or false."}


class TextMap(fields.Dict):
    """A dict whose problems lie at its keys: marshmallow adds a level, "key" or "value", that no pointer has."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **options)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            if not isinstance(error.messages, Mapping):
                raise
            flat = {name: [text for part in parts.values() for text in part] for name, parts in error.messages.items()}
            raise ValidationError(flat) from None


class Moment(fields.Field[datetime]):
    """A point in time as RFC 3339 writes it, with its offset from UTC."""

    PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
    default_error_messages = {
        "invalid": "Not a time: write 2026-11-23T12:00:00Z, or with an offset (in a query, + is written %2B)."
    }

    def __init__(self, *, metadata: Mapping[str, Any], **options: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date-time", **metadata}, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        text = value.upper() if isinstance(value, str) else ""
        if self.PATTERN.fullmatch(text) is None:
            raise self.make_error("invalid")
        try:
            return datetime.fromisoformat(text)
        except ValueError:  # such as the 30th of February
            raise self.make_error("invalid") from None


class QueryList(fields.List[Any]):
    """A query parameter of several values, whose problems lie at its name."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> list[Any]:
        try:
            found: list[Any] = super()._deserialize(value, attr, data, **options)
        except ValidationError as error:
            if not isinstance(error.messages, Mapping):
                raise
            texts = [text for texts in error.messages.values() for text in texts]
            raise ValidationError(list(dict.fromkeys(texts))) from None
        return found


class RepeatedList(QueryList):
    """One that is given once for each value."""


class CommaList(QueryList):
    """One that is given once, with commas between its values."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> list[Any]:
        return super()._deserialize(value.split(","), attr, data, **options)


class FullMatch(validate.Regexp):
    """A pattern that the whole text must match; marshmallow's own lets a line break follow it."""

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value


class StrictSchema(Schema):
    """A schema that refuses fields it does not know, and says which it does."""

    class Meta:
        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        known = ", ".join(sorted(field.data_key or name for name, field in self.load_fields.items()))
        self.error_messages["unknown"] = f"There is no such field; there are: {known}."


def field_problems(messages: Any, pointer: str = "") -> Iterator[FieldProblem]:
    """marshmallow's nested messages as a flat list of JSON pointers, in their order."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from field_problems(inner, pointer if name == "_schema" else f"{pointer}/{_escaped(str(name))}")
    elif isinstance(messages, list):
        for message in messages:
            yield from field_problems(message, pointer)
    else:
        yield FieldProblem(pointer, str(messages))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
