"""Every error as a problem document (RFC 9457), in one place."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from api.identity.challenges import challenge
from shared.errors import (
    AppError,
    BadCursor,
    BadSignature,
    BodyTooLarge,
    ContractExists,
    ContractFull,
    ContractIncompatible,
    ContractNotFound,
    ContractNotYours,
    DashboardNotReady,
    DatasetHeldBack,
    DatasetNotFound,
    FieldProblem,
    Forbidden,
    IdempotencyKeyReused,
    InvalidToken,
    InvalidTransition,
    IssuerUnavailable,
    JobAlreadyEnded,
    JobAlreadyReplayed,
    JobNotFailed,
    JobNotFound,
    MalformedRequest,
    MessageAlreadySeen,
    MethodNotAllowed,
    NotFound,
    ObjectsUnavailable,
    OutputsNotReady,
    QuotaExceeded,
    RateLimited,
    ReportRefused,
    ServiceUnavailable,
    SparkUnavailable,
    StoreUnavailable,
    TooManyLinks,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
    UploadClosed,
    UploadMismatch,
    UploadMissing,
    ValidationFailed,
)
from shared.redaction import clean_text, without_secrets

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 5
# A body may hold thousands of them; nobody reads more.
MOST_PROBLEMS = 100
# All that a client can meet; docs/api/errors.md is made from it.
ANSWERED: tuple[type[AppError], ...] = (
    MalformedRequest,
    BadCursor,
    InvalidTransition,
    ReportRefused,
    BadSignature,
    MessageAlreadySeen,
    Unauthenticated,
    InvalidToken,
    Forbidden,
    ContractNotYours,
    NotFound,
    JobNotFound,
    DatasetNotFound,
    ContractNotFound,
    MethodNotAllowed,
    JobAlreadyEnded,
    JobNotFailed,
    JobAlreadyReplayed,
    ContractExists,
    ContractFull,
    OutputsNotReady,
    DashboardNotReady,
    UploadMissing,
    UploadMismatch,
    UploadClosed,
    DatasetHeldBack,
    BodyTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    ContractIncompatible,
    IdempotencyKeyReused,
    TooManyRequests,
    RateLimited,
    QuotaExceeded,
    TooManyLinks,
    AppError,
    ServiceUnavailable,
    StoreUnavailable,
    ObjectsUnavailable,
    SparkUnavailable,
    IssuerUnavailable,
)
# What Flask and Werkzeug refuse by themselves, in our words.
OURS: dict[int, type[AppError]] = {
    error.http_status: error
    for error in (
        MalformedRequest,
        NotFound,
        MethodNotAllowed,
        BodyTooLarge,
        UnsupportedMediaType,
        TooManyRequests,
        ServiceUnavailable,
    )
}
DETAILS = {
    HTTPStatus.NOT_FOUND: "Nothing lies at this path; /docs lists what does.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The Allow header lists the methods of this path.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send a smaller body.",
}


def register_error_handlers(app: Flask) -> None:
    """Answer every error of `app` with a problem document."""
    app.register_error_handler(AppError, answer_app_error)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_bug)


def answer_app_error(error: AppError) -> Response:
    """An error of ours."""
    return problem_response(*seen_by_clients(error))


def retry_after(error: AppError) -> list[tuple[str, str]]:
    """The header that says when to try again, where that is known."""
    if error.retry_after_seconds is None:
        return []
    return [("Retry-After", str(error.retry_after_seconds))]


def answer_http_error(error: HTTPException) -> Response:
    """A refusal of Flask's or Werkzeug's, with the headers that belong to it, such as Allow."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    if status in OURS:
        return problem_response(OURS[status](""), DETAILS.get(status, error.description or status.phrase), headers)
    unnamed = AppError("")
    unnamed.code, unnamed.title, unnamed.http_status = f"http_{status.value}", status.phrase, status
    return problem_response(unnamed, error.description or status.phrase, headers)


def answer_bug(error: Exception) -> Response:
    """What nobody expected."""
    return problem_response(*seen_by_clients(error))


def seen_by_clients(error: Exception) -> tuple[AppError, str, list[tuple[str, str]]]:
    """What a client sees of an error: its kind, a sentence, and headers. What is wrong behind the API is logged."""
    if isinstance(error, AppError) and error.http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return error, error.detail, [*challenge(error), *retry_after(error)]
    if isinstance(error, ServiceUnavailable):
        log.warning("service_unavailable", code=error.code, reason=error.detail)
        headers = [("Retry-After", str(RETRY_AFTER_SECONDS))]
        return error, f"{error.title}. Try again in {RETRY_AFTER_SECONDS} seconds.", headers
    log.error("request_failed", exc_info=error)
    return AppError(""), "The error was logged; quote the correlationId to whoever runs this service.", []


def problem_response(error: AppError, detail: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """The answer to an error."""
    document = problem_document(error, detail, g.correlation_id)
    response = Response(status=error.http_status, content_type="application/problem+json", headers=list(headers))
    response.set_data(json.dumps(document))
    return response


def problem_document(error: AppError | type[AppError], detail: str, correlation_id: str) -> dict[str, Any]:
    """The members of a problem document, without the secrets of what they quote."""
    problems: tuple[FieldProblem, ...] = getattr(error, "problems", ())
    facts: Mapping[str, Any] = getattr(error, "facts", {})
    return {
        "type": f"urn:cdp:problem:{error.code}",
        "title": error.title,
        "status": error.http_status.value,
        "detail": clean_text(detail),
        "code": error.code,
        "correlationId": correlation_id,
        "errors": [
            {"pointer": clean_text(each.pointer), "message": clean_text(each.message)}
            for each in problems[:MOST_PROBLEMS]
        ],
        **without_secrets(facts),
    }
