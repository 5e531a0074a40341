"""What a route takes and gives back, said once at the route: it is checked there, and documented from there."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError, fields

from api.protocol.bodies import parse_object, read_body, read_bytes
from api.protocol.fields import CommaList, RepeatedList, field_problems
from api.services import services
from shared.errors import (
    AppError,
    BodyTooLarge,
    FieldProblem,
    MalformedRequest,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.limits.rate_limits import RouteClass

View = Callable[..., ResponseReturnValue]
OF_BODIES = (MalformedRequest, BodyTooLarge, UnsupportedMediaType, ValidationFailed)
ATTRIBUTE = "operation"


@dataclass(frozen=True)
class Answer:
    """What a route answers when all went well."""

    schema: type[Schema]
    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """All that the document says of a route."""

    # A schema of marshmallow, or a reference to a JSON Schema of the document.
    body: type[Schema] | Mapping[str, str] | None = None
    body_is_required: bool = True
    query: type[Schema] | None = None
    headers: type[Schema] | None = None
    answers: tuple[Answer, ...] = ()
    # One of them is enough; none at all where no token is asked for.
    scopes: tuple[str, ...] = ()
    # The route class whose rate limit it shares; None where nobody counts.
    limited_as: RouteClass | None = None
    problems: tuple[type[AppError], ...] = ()


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What the decorators noted at a view; None if it has none of them."""
    found: Operation | None = getattr(view, ATTRIBUTE, None)
    return found


def note(view: View, **changes: Any) -> None:
    """Add to what is known of a view's operation."""
    known = operation_of(view) or Operation()
    problems = tuple(dict.fromkeys((*known.problems, *changes.pop("problems", ()))))
    answers = (*changes.pop("answers", ()), *known.answers)
    setattr(view, ATTRIBUTE, replace(known, problems=problems, answers=answers, **changes))


def returns(
    schema: type[Schema],
    status: HTTPStatus = HTTPStatus.OK,
    problems: tuple[type[AppError], ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Callable[[View], View]:
    """Note an answer of a view, the errors it can meet, and headers by their meaning."""

    def decorate(view: View) -> View:
        note(view, answers=(Answer(schema, status, headers or {}),), problems=problems)
        return view

    return decorate


def takes_nothing(view: View) -> View:
    """A view with no body, and no query: a parameter that would be ignored is refused."""
    return _taking(view, {}, problems=(ValidationFailed,))


def takes_query(schema: type[Schema]) -> Callable[[View], View]:
    """Hand the loaded query string to the view as `query`."""

    def decorate(view: View) -> View:
        return _taking(view, {"query": lambda: load_query(schema)}, query=schema, problems=(ValidationFailed,))

    return decorate


def most_body_bytes() -> int:
    """How long the body of most requests may be."""
    return services().settings.max_body_bytes


def takes_body(
    schema: type[Schema],
    headers: type[Schema] | None = None,
    query: type[Schema] | None = None,
    most_bytes: Callable[[], int] = most_body_bytes,
) -> Callable[[View], View]:
    """Hand the loaded body to the view as `body`, and the loaded `headers` and `query`, if it reads any."""

    def decorate(view: View) -> View:
        readers: dict[str, Callable[[], Any]] = {}
        if query is not None:
            readers["query"] = lambda: load_query(query)
        if headers is not None:
            readers["headers"] = lambda: load_headers(headers)
        readers["body"] = lambda: load_body(schema, most_bytes())
        noted = {"body": schema, "headers": headers, "query": query}
        return _taking(view, readers, **noted, problems=OF_BODIES)

    return decorate


def takes_document(component: str) -> Callable[[View], View]:
    """Hand the body to the view as `document`, a JSON object that the view itself holds against its schema.

    `component` names that schema in the document.
    """

    def decorate(view: View) -> View:
        readers = {"document": lambda: parse_object(read_body(most_body_bytes()))}
        noted = {"body": {"$ref": f"#/components/schemas/{component}"}}
        return _taking(view, readers, **noted, problems=OF_BODIES)

    return decorate


def takes_optional_body(schema: type[Schema]) -> Callable[[View], View]:
    """As `takes_body`; no body at all is the same as an empty object."""

    def decorate(view: View) -> View:
        readers = {"body": lambda: load_optional_body(schema)}
        noted = {"body": schema, "body_is_required": False}
        return _taking(view, readers, **noted, problems=OF_BODIES)

    return decorate


def _taking(view: View, readers: Mapping[str, Callable[[], Any]], **noted: Any) -> View:
    @functools.wraps(view)
    def checked(**arguments: Any) -> ResponseReturnValue:
        if "query" not in readers:
            load_query(Schema)
        return view(**arguments, **{name: read() for name, read in readers.items()})

    note(checked, **noted)
    return checked


def load_body(schema: type[Schema], most_bytes: int) -> Any:
    """The body of this request, loaded. Raises: the errors of `OF_BODIES`."""
    return load_with(schema, parse_object(read_body(most_bytes)))


def load_optional_body(schema: type[Schema]) -> Any:
    """As `load_body`, where nothing is an empty object."""
    if not read_bytes(most_body_bytes()):
        return load_with(schema, {})
    return load_body(schema, most_body_bytes())


def load_query(schema: type[Schema]) -> Any:
    """The query string of this request, loaded. Raises: ValidationFailed."""
    parameters = {str(each.data_key or name): each for name, each in _schema(schema).fields.items()}
    known = sorted(parameters)
    there_are = f"there are: {', '.join(known)}" if known else "this path takes none"
    problems = [
        FieldProblem(f"/query/{name}", f"There is no such query parameter; {there_are}.")
        for name in request.args
        if name not in known
    ]
    given = {name: values for name, values in request.args.lists() if name in parameters}
    problems += [
        FieldProblem(f"/query/{name}", once(parameters[name]))
        for name, values in given.items()
        if len(values) > 1 and not isinstance(parameters[name], RepeatedList)
    ]
    if problems:
        raise ValidationFailed(sentence(problems), problems)
    loadable = {
        name: values if isinstance(parameters[name], RepeatedList) else values[0] for name, values in given.items()
    }
    return load_with(schema, loadable, "/query")


def once(parameter: fields.Field[Any]) -> str:
    """What is wrong with a parameter that was given twice."""
    with_commas = "; write its values with commas between them" if isinstance(parameter, CommaList) else ""
    return f"Given more than once{with_commas}."


def load_headers(schema: type[Schema]) -> Any:
    """Those headers of this request that the schema names, loaded. Raises: ValidationFailed."""
    names = [str(each.data_key) for each in _schema(schema).fields.values()]
    return load_with(schema, {name: request.headers[name] for name in names if name in request.headers}, "/header")


def sentence(problems: list[FieldProblem]) -> str:
    """What is wrong, for whoever reads only the detail."""
    first = f"{problems[0].pointer or 'The body'}: {problems[0].message}"
    return first if len(problems) == 1 else f"{first} (and {len(problems) - 1} more, see errors)"


@functools.cache
def _schema(schema: type[Schema]) -> Schema:
    # Building one costs more than using it.
    return schema()


def load_with(schema: type[Schema], given: Mapping[str, Any], pointer: str = "") -> Any:
    """What `schema` makes of `given`. Raises: ValidationFailed, its pointers below `pointer`."""
    try:
        return _schema(schema).load(given)
    except ValidationError as error:
        problems = list(field_problems(error.messages, pointer))
        raise ValidationFailed(sentence(problems), problems) from None
