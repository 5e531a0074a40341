"""marshmallow as strict as the document that describes it: its own fields and patterns are looser than JSON Schema."""

import re
from collections.abc import Iterator, Mapping
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
