"""What is wrong with a value by its JSON Schema, in sentences for people.

The schemas are ours: every property that is checked has a description, and every list whose items must differ a
longest length.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from shared.errors import FieldProblem
from shared.redaction import clean_text

# Python's $ also matches before a line break at the end of a text, ECMAScript's does not; this is the same to both.
END = r"$(?!\n)"
SHOWN_CHARACTERS = 60
# A batch may hold hundreds of thousands of mistakes; each costs 25 us to find, and nobody is told more than a hundred.
MOST_ERRORS = 200


def unique_items(validator: Any, wanted: bool, items: Any, schema: Any) -> Iterator[ValidationError]:
    """`uniqueItems`, but not of a list that is too long anyway: comparing 7000 objects takes 20 seconds."""
    if not validator.is_type(items, "array") or len(items) <= schema["maxItems"]:
        yield from Draft202012Validator.VALIDATORS["uniqueItems"](validator, wanted, items, schema)


BoundedValidator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"uniqueItems": unique_items}
)


def schema_problems(schema: Mapping[str, Any], value: object) -> list[FieldProblem]:
    """What is wrong with `value`: where, as a JSON pointer into it, and what would be right; of very much, a part."""
    errors = islice(BoundedValidator(schema).iter_errors(value), MOST_ERRORS)
    found = (problem for error in errors for problem in _problems_of(error))
    # One missing property is one error, but an error does not say which: each yields them all.
    return sorted(set(found), key=lambda problem: (problem.pointer, problem.message))


def _problems_of(error: ValidationError) -> Iterator[FieldProblem]:
    path = [str(part) for part in error.absolute_path]
    # Annotated as what a schema here is: the validator knows it as any JSON value.
    schema: Mapping[str, Any] = error.schema  # type: ignore[assignment]
    instance: Any = error.instance
    keyword = str(error.validator)
    if keyword == "required":
        for name in schema["required"]:
            if name not in instance:
                yield FieldProblem(pointer_to([*path, name]), f"{name!r} is required: {_meaning_of(schema, name)}")
    elif keyword == "additionalProperties":
        known = ", ".join(sorted(schema["properties"]))
        for name in instance:
            if name not in schema["properties"]:
                yield FieldProblem(pointer_to([*path, name]), f"There is no {shown(name)}; there are {known}.")
    else:
        yield FieldProblem(pointer_to(path), SENTENCES[keyword](instance, schema[keyword], schema))


def _meaning_of(schema: Mapping[str, Any], name: str) -> str:
    meaning: str = schema["properties"][name]["description"]
    return meaning


TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}

# From (the value, what the keyword allows, the schema around it) to a sentence.
SENTENCES: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], str]] = {
    "type": lambda value, wanted, _: f"{shown(value)} must be {TYPE_NAMES[wanted]}.",
    "enum": lambda value, wanted, _: f"{shown(value)} must be one of {', '.join(map(shown, wanted))}.",
    "pattern": lambda value, _, schema: f"{shown(value)} is not valid. {schema['description']}",
    "minimum": lambda value, least, _: f"{shown(value)} must be {least} or more.",
    "maximum": lambda value, most, _: f"{shown(value)} must be {most} or less.",
    "minLength": lambda value, least, _: f"{shown(value)} must have {least} or more characters.",
    "maxLength": lambda value, most, _: f"A text of {len(value)} characters is too long; the most is {most}.",
    "minItems": lambda value, least, _: f"The list must have {least} or more items, not {len(value)}.",
    "maxItems": lambda value, most, _: f"The list must have {most} or fewer items, not {len(value)}.",
    "uniqueItems": lambda value, *_: f"No item of {shown(value)} may appear twice.",
    "maxProperties": lambda value, most, _: f"There must be {most} or fewer entries, not {len(value)}.",
    # What may not be there at all: its description says why.
    "not": lambda _value, _forbidden, schema: str(schema["description"]),
}


def pointer_to(path: Sequence[str]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def shown(value: object) -> str:
    """A value as JSON, without secrets, cut where it grows long."""
    text = clean_text(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
