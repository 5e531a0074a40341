"""The size of a job's runs as requests name it: one of the names, or the workers in full."""

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from shared.errors import FieldProblem
from shared.sizes import SIZE_SCHEMA, size_problems


class SizeField(fields.Field[Any]):
    """A size as it was given; `size_from_json` reads it."""

    def __init__(self, *, metadata: Mapping[str, Any], **options: Any) -> None:
        super().__init__(metadata={**SIZE_SCHEMA, **metadata}, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        problems = size_problems(value)
        if problems:
            raise ValidationError(as_messages(problems))
        return value


def as_messages(problems: Iterable[FieldProblem]) -> Any:
    """Problems at pointers as marshmallow nests them: one of the whole value is the only one."""
    messages: dict[str, Any] = {}
    for problem in problems:
        *folders, last = problem.pointer.split("/")[1:] or [""]
        if not last:
            return [problem.message]
        inner = messages
        for name in folders:
            inner = inner.setdefault(name, {})
        inner.setdefault(last, []).append(problem.message)
    return messages
