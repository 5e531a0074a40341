"""AppError and its family: what can go wrong, said once, with the answers every caller asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class FieldProblem:
    """One thing that is wrong with a request: where (a JSON pointer) and what would be right."""

    pointer: str
    message: str


class AppError(Exception):
    """An error of ours: `code` names it, `http_status` answers it, `retryable` says if trying again can help.

    `retry_after_seconds` says when, where that is known; `facts` are further members of its problem document.
    """

    code = "internal_error"
    title = "Something went wrong on our side"
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR
    retryable = False

    def __init__(self, detail: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems = tuple(problems)
        self.retry_after_seconds: int | None = None
        self.facts: Mapping[str, Any] = {}


class MalformedRequest(AppError):
    """The request cannot be read at all."""

    code = "malformed_request"
    title = "The request cannot be read"
    http_status = HTTPStatus.BAD_REQUEST


class BadCursor(AppError):
    """A list's cursor is not one we gave, or belongs to another list."""

    code = "bad_cursor"
    title = "The cursor is not valid for this list"
    http_status = HTTPStatus.BAD_REQUEST


class InvalidTransition(AppError):
    """A job may not move from the status it has to the one asked for."""

    code = "invalid_transition"
    title = "The job cannot move to that status"
    http_status = HTTPStatus.BAD_REQUEST


class ReportRefused(AppError):
    """A status report that speaks for an attempt which is not the current one."""

    code = "report_refused"
    title = "The report is not about the job's current attempt"
    http_status = HTTPStatus.BAD_REQUEST


class BadSignature(AppError):
    """A status report that is not signed as it must be."""

    code = "bad_signature"
    title = "The signature is missing or wrong"
    http_status = HTTPStatus.UNAUTHORIZED


class MessageAlreadySeen(BadSignature):
    """A status report whose message id was used before: a replay, or a retry that forgot to take a new id."""

    code = "message_already_seen"
    title = "A message of this id was received before"


class Unauthenticated(AppError):
    """The request does not say who is calling."""

    code = "unauthenticated"
    title = "The request says nothing about who is calling"
    http_status = HTTPStatus.UNAUTHORIZED


class InvalidToken(Unauthenticated):
    """The request has an access token, but not one that is valid here and now."""

    code = "invalid_token"
    title = "The access token is not valid"


class Forbidden(AppError):
    """The caller is known, but its token lacks the scope for this."""

    code = "insufficient_scope"
    title = "The access token does not allow this"
    http_status = HTTPStatus.FORBIDDEN

    def __init__(self, detail: str, scope: str = "") -> None:
        super().__init__(detail)
        self.scope = scope


class NotFound(AppError):
    """What was asked for does not exist, or is not the caller's."""

    code = "not_found"
    title = "Not found"
    http_status = HTTPStatus.NOT_FOUND


class JobNotFound(NotFound):
    """No job of the caller's has this id."""

    code = "job_not_found"
    title = "There is no such job"


class MethodNotAllowed(AppError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    title = "The method is not allowed here"
    http_status = HTTPStatus.METHOD_NOT_ALLOWED


class JobAlreadyEnded(AppError):
    """The job has ended, so it can no longer be cancelled."""

    code = "job_already_ended"
    title = "The job has already ended"
    http_status = HTTPStatus.CONFLICT


class OutputsNotReady(AppError):
    """The job has no outputs to show: it has not succeeded."""

    code = "outputs_not_ready"
    title = "The job has no outputs"
    http_status = HTTPStatus.CONFLICT


class BodyTooLarge(AppError):
    """The request's body is longer than the API reads."""

    code = "body_too_large"
    title = "The body is too large"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(AppError):
    """The request's body is not application/json."""

    code = "unsupported_media_type"
    title = "The body is not of a type that is read here"
    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ValidationFailed(AppError):
    """The request can be read, but one or more of its fields are wrong."""

    code = "validation_failed"
    title = "Some fields are not valid"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key was used before, with another request."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key belongs to another request"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyRequests(AppError):
    """The caller asks for more than it may for now."""

    code = "too_many_requests"
    title = "Too many requests"
    http_status = HTTPStatus.TOO_MANY_REQUESTS
    retryable = True


class QuotaExceeded(TooManyRequests):
    """The owner uses as much as each owner may; `quota` names of what."""

    code = "quota_exceeded"
    title = "The owner has no more of this for now"

    def __init__(
        self, detail: str, quota: str = "", limit: int = 0, used: int = 0, retry_after_seconds: int = 0
    ) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
        self.facts = {"quota": {"name": quota, "limit": limit, "used": used}}


class ServiceUnavailable(AppError):
    """A service we depend on gave no answer or refused for now; trying again can help."""

    code = "service_unavailable"
    title = "A service we depend on cannot be reached"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    retryable = True


class StoreUnavailable(ServiceUnavailable):
    """DynamoDB gave no answer, throttled us or failed."""

    code = "job_store_unavailable"
    title = "The job store cannot be reached"


class StoreRefused(AppError):
    """DynamoDB will never take this request: a defect of ours, or an item that somebody spoilt."""

    code = "job_store_refused"
    title = "The job store refuses the request"


class QueueUnavailable(ServiceUnavailable):
    """SQS gave no answer, throttled us or failed."""

    code = "queue_unavailable"
    title = "The queue cannot be reached"


class ObjectsUnavailable(ServiceUnavailable):
    """S3 gave no answer, throttled us or failed."""

    code = "object_store_unavailable"
    title = "The object store cannot be reached"


class ObjectsForbidden(AppError):
    """S3 refuses us the object: the platform's role may not read it."""

    code = "object_forbidden"
    title = "The object may not be read"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class IssuerUnavailable(ServiceUnavailable):
    """The issuer of access tokens gave no answer that could be used, so a token cannot be judged."""

    code = "issuer_unavailable"
    title = "The issuer of access tokens cannot be reached"


class SparkUnavailable(ServiceUnavailable):
    """EMR Serverless gave no answer, throttled us or failed; it says nothing about any run."""

    code = "spark_unavailable"
    title = "EMR Serverless cannot be reached"


class StartThrottled(SparkUnavailable):
    """EMR Serverless certainly did not accept the start: too many at once."""

    code = "start_throttled"


class StartForbidden(SparkUnavailable):
    """EMR Serverless certainly did not accept the start, for a reason an operator must mend."""

    code = "start_forbidden"


class StartRejected(AppError):
    """EMR Serverless certainly did not accept the start: this job's request is at fault."""

    code = "start_rejected"
    title = "EMR Serverless refuses the job's request"


class StoredJobUnreadable(AppError):
    """A job's item does not have the form it must have; the job is left alone."""

    code = "stored_job_unreadable"
    title = "The stored job cannot be read"
