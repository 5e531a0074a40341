"""The wire format of EMR Serverless (rest-json), driven by botocore's own model of the service.

Nothing here knows what an operation does: it finds the operation of a request, checks its parameters
against the model, and renders answers and errors as AWS does.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from local.emr.errors import InvalidRequest, ServiceError, StaleSignature, UnknownOperation

# AWS refuses a request that was signed longer ago (or as far ahead).
SIGNATURE_LIFETIME = timedelta(seconds=300)
SIGNATURE_TIME = "%Y%m%dT%H%M%SZ"

# All that this service can do; the rest of the model is answered as an unknown operation.
OPERATIONS = (
    "CreateApplication",
    "GetApplication",
    "ListApplications",
    "StartApplication",
    "StopApplication",
    "StartJobRun",
    "GetJobRun",
    "ListJobRuns",
    "CancelJobRun",
    "GetDashboardForJobRun",
    "ListJobRunAttempts",
)


@dataclass(frozen=True)
class Call:
    """One request, understood: which operation, with which (valid) parameters."""

    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What goes back: a status, headers, and the bytes of a JSON body."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Route:
    """One operation's method and path, the latter as a pattern with a group for each parameter."""

    method: str
    path: re.Pattern[str]
    operation: OperationModel


@functools.cache
def service_model() -> ServiceModel:
    """botocore's description of EMR Serverless."""
    return ServiceModel(Loader().load_service_model("emr-serverless", "service-2"), "emr-serverless")


@functools.cache
def routes() -> tuple[Route, ...]:
    """The routes of the operations served here, from the model's own URI templates."""
    found = []
    for name in OPERATIONS:
        operation = service_model().operation_model(name)
        template = operation.http["requestUri"]
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + "/?")
        found.append(Route(operation.http["method"], pattern, operation))
    return tuple(found)


def read_call(method: str, path: str, query: str, body: bytes) -> Call:
    """The operation and the parameters of a request.

    Raises: UnknownOperation, InvalidRequest.
    """
    for route in routes():
        match = route.path.fullmatch(path)
        if match and route.method == method:
            parameters = _read_parameters(route.operation, match.groupdict(), query, body)
            _check(parameters, route.operation.input_shape)
            return Call(route.operation.name, parameters)
    raise UnknownOperation(f"There is no operation {method} {path} here.")


def check_signature_age(signed_at: str | None, now: datetime) -> None:
    """Refuse what AWS would refuse as too old; the signature itself is not verified.

    Raises: StaleSignature.
    """
    if signed_at is None:
        return
    try:
        signed = datetime.strptime(signed_at, SIGNATURE_TIME).replace(tzinfo=UTC)
    except ValueError:
        raise StaleSignature(f"Date in Credential scope does not match: {signed_at!r}") from None
    oldest, newest = now - SIGNATURE_LIFETIME, now + SIGNATURE_LIFETIME
    if signed < oldest:
        raise StaleSignature(
            f"Signature expired: {signed_at} is now earlier than {oldest:{SIGNATURE_TIME}} "
            f"({now:{SIGNATURE_TIME}} - 5 min.)"
        )
    if signed > newest:
        raise StaleSignature(
            f"Signature not yet current: {signed_at} is still later than {newest:{SIGNATURE_TIME}} "
            f"({now:{SIGNATURE_TIME}} + 5 min.)"
        )


def render(operation: str, result: Mapping[str, Any], request_id: str) -> Answer:
    """An operation's result as its output shape says; what the shape does not know is left out."""
    shape = service_model().operation_model(operation).output_shape
    body = json.dumps(_serialised(result, shape)).encode() if shape is not None else b"{}"
    return Answer(200, body, {"Content-Type": "application/json", "x-amzn-RequestId": request_id})


def render_error(error: ServiceError, request_id: str) -> Answer:
    """An error as AWS sends it: the code in a header, the message in the body."""
    headers = {
        "Content-Type": "application/json",
        "x-amzn-errortype": error.code,
        "x-amzn-RequestId": request_id,
    }
    return Answer(error.http_status, json.dumps({"message": str(error)}).encode(), headers)


def _read_parameters(operation: OperationModel, path: dict[str, str], query: str, body: bytes) -> dict[str, Any]:
    shape = operation.input_shape
    if shape is None:
        return {}
    values = parse_qs(query, keep_blank_values=True)
    members: Mapping[str, Shape] = shape.members
    in_body = [name for name, member in members.items() if "location" not in member.serialization]
    parameters = _read_body(body, in_body) if in_body else {}
    for name, member in members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            parameters[name] = unquote(path[wire_name])
        elif location == "querystring" and wire_name in values:
            parameters[name] = _from_text(values[wire_name], member, name)
    return parameters


def _read_body(body: bytes, members: list[str]) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = json.loads(body)
    except ValueError:
        raise InvalidRequest("The request body is not JSON.") from None
    if not isinstance(document, dict):
        raise InvalidRequest("The request body is not a JSON object.")
    return {name: _without_nulls(document[name]) for name in members if document.get(name) is not None}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _from_text(texts: list[str], shape: Shape, name: str) -> Any:
    text = texts[-1]
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "timestamp":
                return parse_timestamp(text)
            case "list":
                return texts
    except (ValueError, KeyError):
        raise InvalidRequest(f"Value '{text}' at '{name}' is not a valid {shape.type_name}.") from None
    return text


def _check(parameters: dict[str, Any], shape: Shape | None) -> None:
    if shape is None:
        return
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise InvalidRequest(report.generate_report())
    problems = list(_violations(parameters, shape, ""))
    if problems:
        noun = "validation error" if len(problems) == 1 else "validation errors"
        raise InvalidRequest(f"{len(problems)} {noun} detected: {'; '.join(problems)}")


def _violations(value: Any, shape: Any, path: str) -> Iterator[str]:
    """What the model states and ParamValidator leaves to the service: patterns, upper limits, enums."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            yield from _violations(inner, shape.members[name], f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        yield from _limit_violations(len(value), value, shape, path)
        for index, inner in enumerate(value, 1):
            yield from _violations(inner, shape.member, f"{path}.{index}.member")
    elif shape.type_name == "map":
        yield from _limit_violations(len(value), value, shape, path)
        for key, inner in value.items():
            yield from _violations(key, shape.key, f"{path}.key")
            yield from _violations(inner, shape.value, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from _string_violations(value, shape, path)
    elif shape.type_name in ("integer", "long"):
        yield from _limit_violations(value, value, shape, path)


def _string_violations(value: str, shape: Any, path: str) -> Iterator[str]:
    yield from _limit_violations(len(value), value, shape, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value, re.DOTALL):
        yield _sentence(value, path, f"satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        yield _sentence(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")


def _limit_violations(size: int, value: Any, shape: Any, path: str) -> Iterator[str]:
    noun = "value" if shape.type_name in ("integer", "long") else "length"
    if size > shape.metadata.get("max", size):
        yield _sentence(value, path, f"have {noun} less than or equal to {shape.metadata['max']}")
    if size < shape.metadata.get("min", size):
        yield _sentence(value, path, f"have {noun} greater than or equal to {shape.metadata['min']}")


def _sentence(value: Any, path: str, constraint: str) -> str:
    return f"Value '{str(value)[:200]}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _serialised(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            member.serialization.get("name", name): _serialised(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_serialised(inner, shape.member) for inner in value]
    if shape.type_name == "map":
        return {key: _serialised(inner, shape.value) for key, inner in value.items()}
    if shape.type_name == "timestamp":
        return value.timestamp()
    return value
