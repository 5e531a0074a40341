"""JSON pointers of problems that were found in a part of a body."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api.protocol.operations import sentence
from shared.errors import DatasetHeldBack, FieldProblem, ValidationFailed


@contextmanager
def pointing(to: Callable[[str], str]) -> Iterator[None]:
    """Let a refusal of a part point into the whole body: `to` gives the new pointer for each."""
    try:
        yield
    except ValidationFailed as error:
        problems = [FieldProblem(to(each.pointer), each.message) for each in error.problems]
        raise ValidationFailed(sentence(problems), problems) from error
    except DatasetHeldBack as error:
        error.problems = tuple(FieldProblem(to(each.pointer), each.message) for each in error.problems)
        raise
