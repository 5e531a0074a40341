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
    """An error of ours: `code` names it, `http_status` answers it, `retryable` says if trying again can help,
    `remedy` what a client can do about it.

    `retry_after_seconds` says when, where that is known; `facts` are further members of its problem document.
    """

    code = "internal_error"
    title = "Something went wrong on our side"
    remedy = "Quote the correlationId to whoever runs the service; what went wrong is in its log."
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
    remedy = "Send one JSON object, in UTF-8, as detail says; repeating the request changes nothing."
    http_status = HTTPStatus.BAD_REQUEST


class BadCursor(AppError):
    """A list's cursor is not one we gave, or belongs to another list."""

    code = "bad_cursor"
    title = "The cursor is not valid for this list"
    remedy = "Start the list again without a cursor, and keep the same filter from page to page."
    http_status = HTTPStatus.BAD_REQUEST


class InvalidTransition(AppError):
    """A job may not move from the status it has to the one asked for."""

    code = "invalid_transition"
    title = "The job cannot move to that status"
    remedy = "Look at the job: its status leaves no room for this report."
    http_status = HTTPStatus.BAD_REQUEST


class ReportRefused(AppError):
    """A status report that speaks for an attempt which is not the current one."""

    code = "report_refused"
    title = "The report is not about the job's current attempt"
    remedy = "End the program: another attempt has taken over, or its own is over."
    http_status = HTTPStatus.BAD_REQUEST


class BadSignature(AppError):
    """A status report that is not signed as it must be."""

    code = "bad_signature"
    title = "The signature is missing or wrong"
    remedy = "Sign the message with the key that the attempt was given, and with the time of now."
    http_status = HTTPStatus.UNAUTHORIZED


class MessageAlreadySeen(BadSignature):
    """A status report whose message id was used before: a replay, or a retry that forgot to take a new id."""

    code = "message_already_seen"
    title = "A message of this id was received before"
    remedy = "Take a new webhook-id and sign the message anew; the first one was taken."


class Unauthenticated(AppError):
    """The request does not say who is calling."""

    code = "unauthenticated"
    title = "The request says nothing about who is calling"
    remedy = "Send Authorization: Bearer and an access token."
    http_status = HTTPStatus.UNAUTHORIZED


class InvalidToken(Unauthenticated):
    """The request has an access token, but not one that is valid here and now."""

    code = "invalid_token"
    title = "The access token is not valid"
    remedy = "Get a new access token from the OpenID provider, for this service's audience."


class Forbidden(AppError):
    """The caller is known, but its token lacks the scope for this."""

    code = "insufficient_scope"
    title = "The access token does not allow this"
    remedy = "Ask whoever grants tokens for the scope that WWW-Authenticate names."
    http_status = HTTPStatus.FORBIDDEN

    def __init__(self, detail: str, scope: str = "") -> None:
        super().__init__(detail)
        self.scope = scope


class ContractNotYours(AppError):
    """Only who put the first version of a contract, or an operator, adds versions to it."""

    code = "contract_not_yours"
    title = "The contract belongs to somebody else"
    remedy = "Choose another name, or ask the owner that GET /contracts/{name} shows to add the version."
    http_status = HTTPStatus.FORBIDDEN


class NotFound(AppError):
    """What was asked for does not exist, or is not the caller's."""

    code = "not_found"
    title = "Not found"
    remedy = "Compare the path with GET /openapi.json."
    http_status = HTTPStatus.NOT_FOUND


class JobNotFound(NotFound):
    """No job of the caller's has this id."""

    code = "job_not_found"
    title = "There is no such job"
    remedy = "Compare the id with GET /jobs; jobs of others are not shown, and old ones are removed."


class DatasetNotFound(NotFound):
    """No dataset of the caller's has this id."""

    code = "dataset_not_found"
    title = "There is no such dataset"
    remedy = "Compare the id with GET /datasets; datasets of others are not shown."


class ContractNotFound(NotFound):
    """No contract has this name, or none of its versions is this one."""

    code = "contract_not_found"
    title = "There is no such contract"
    remedy = "Compare the name and the version with GET /contracts and GET /contracts/{name}."


class MethodNotAllowed(AppError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    title = "The method is not allowed here"
    remedy = "Use one of the methods of the Allow header."
    http_status = HTTPStatus.METHOD_NOT_ALLOWED


class JobAlreadyEnded(AppError):
    """The job has ended, so it can no longer be cancelled."""

    code = "job_already_ended"
    title = "The job has already ended"
    remedy = "Nothing: the job has ended as its status says."
    http_status = HTTPStatus.CONFLICT


class JobNotFailed(AppError):
    """Only a job that FAILED can be replayed."""

    code = "job_not_failed"
    title = "The job has not failed"
    remedy = "Wait until the job FAILED; what SUCCEEDED or still runs is submitted anew by POST /jobs."
    http_status = HTTPStatus.CONFLICT


class JobAlreadyReplayed(AppError):
    """The failed job was replayed before, with other edits, and nobody says that another replay is wanted."""

    code = "job_already_replayed"
    title = "The job was replayed before"
    remedy = "Look at the jobs that detail names; to make another all the same, send any new word as again."
    http_status = HTTPStatus.CONFLICT


class ContractExists(AppError):
    """This version of the contract is there with another document, and versions never change."""

    code = "contract_exists"
    title = "This version of the contract is another document"
    remedy = "Put the changed document under a new version; GET the path to see what is there."
    http_status = HTTPStatus.CONFLICT


class ContractFull(AppError):
    """The contract has as many versions as one may have."""

    code = "contract_full"
    title = "The contract has too many versions"
    remedy = "Go on under a new name."
    http_status = HTTPStatus.CONFLICT


class OutputsNotReady(AppError):
    """The job has no outputs to show: it has not succeeded."""

    code = "outputs_not_ready"
    title = "The job has no outputs"
    remedy = "Wait until the job SUCCEEDED; GET /jobs/{jobId}/explain says what it waits for or why it failed."
    http_status = HTTPStatus.CONFLICT


class DashboardNotReady(AppError):
    """The job has no Spark pages to show: no run of it has come so far, or EMR Serverless shows it no more."""

    code = "dashboard_not_ready"
    title = "The job has no dashboard"
    remedy = "Wait until a run of the job has begun; GET /jobs/{jobId}/explain says what it waits for."
    http_status = HTTPStatus.CONFLICT


class UploadMissing(AppError):
    """The dataset cannot be completed yet: S3 does not hold all of it. `missing_parts` are the first of those."""

    code = "upload_missing"
    title = "The dataset is not uploaded yet"
    remedy = "Upload the file, or the parts in missingParts, by the links of the dataset; then complete it."
    http_status = HTTPStatus.CONFLICT

    def __init__(self, detail: str, missing_parts: Sequence[int] = ()) -> None:
        super().__init__(detail)
        self.facts = {"missingParts": list(missing_parts)}


class UploadMismatch(AppError):
    """S3 holds something else than what was registered."""

    code = "upload_mismatch"
    title = "What was uploaded is not what was registered"
    remedy = "Compare expected and found; send a wrong part again, or register the file anew, as it is."
    http_status = HTTPStatus.CONFLICT

    def __init__(
        self, detail: str, expected: Mapping[str, Any] | None = None, found: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.facts = {"expected": expected or {}, "found": found or {}}


class UploadClosed(AppError):
    """The dataset's upload is over, so what was asked for can no longer be done with it."""

    code = "upload_closed"
    title = "The dataset's upload is over"
    remedy = "Look at the dataset: it is READY, or it was given up or has expired; then register the file anew."
    http_status = HTTPStatus.CONFLICT


class DatasetHeldBack(AppError):
    """The job may not read a dataset, for the personal data that is in it or may be."""

    code = "dataset_held_back"
    title = "The dataset may not be read by this job"
    remedy = "Wait for the scan if pii is pending; else run a job of type mask on the dataset, and read its output."
    http_status = HTTPStatus.CONFLICT

    def __init__(
        self, detail: str, problems: Sequence[FieldProblem] = (), datasets: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(detail, problems)
        self.facts = {"datasets": list(datasets)}


class BodyTooLarge(AppError):
    """The request's body is longer than the API reads."""

    code = "body_too_large"
    title = "The body is too large"
    remedy = "Send less in one request."
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(AppError):
    """The request's body is not application/json."""

    code = "unsupported_media_type"
    title = "The body is not of a type that is read here"
    remedy = "Send the body as Content-Type: application/json, without a Content-Encoding."
    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ValidationFailed(AppError):
    """The request can be read, but one or more of its fields are wrong."""

    code = "validation_failed"
    title = "Some fields are not valid"
    remedy = "Correct the fields that errors points at."
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class ContractIncompatible(AppError):
    """The version's number promises more than the document keeps, against another version of its major."""

    code = "contract_incompatible"
    title = "The document cannot have this version"
    remedy = "Undo the changes that errors points at, or put the document under a new minor or major version."
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key was used before, with another request."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key belongs to another request"
    remedy = "Take a new Idempotency-Key for a new request; GET the job to see what the key made."
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyRequests(AppError):
    """The caller asks for more than it may for now."""

    code = "too_many_requests"
    title = "Too many requests"
    remedy = "Wait for the seconds of Retry-After, and send less often."
    http_status = HTTPStatus.TOO_MANY_REQUESTS
    retryable = True


class RateLimited(TooManyRequests):
    """The caller sends requests faster than each caller may."""

    code = "rate_limited"
    title = "Requests come faster than they may"

    def __init__(self, detail: str, retry_after_seconds: int = 0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class QuotaExceeded(TooManyRequests):
    """The owner uses as much as each owner may; `quota` names of what."""

    code = "quota_exceeded"
    title = "The owner has no more of this for now"
    remedy = "Wait for the seconds of Retry-After, or ask for a larger quota; GET /quota shows what is used."

    def __init__(
        self, detail: str, quota: str = "", limit: int = 0, used: int = 0, retry_after_seconds: int = 0
    ) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
        self.facts = {"quota": {"name": quota, "limit": limit, "used": used}}


class TooManyLinks(TooManyRequests):
    """The owner was given as many new presigned links as it gets in a while."""

    code = "too_many_links"
    title = "The owner gets no more links for now"
    remedy = "Wait for the seconds of Retry-After; links that you have are good until they expire."

    def __init__(self, detail: str, limit: int = 0, made: int = 0, retry_after_seconds: int = 0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
        self.facts = {"links": {"limit": limit, "made": made}}


class ServiceUnavailable(AppError):
    """A service we depend on gave no answer or refused for now; trying again can help."""

    code = "service_unavailable"
    title = "A service we depend on cannot be reached"
    remedy = "Wait for the seconds of Retry-After and try again, more slowly each time."
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


class StoredDatasetUnreadable(AppError):
    """A dataset's item does not have the form it must have."""

    code = "stored_dataset_unreadable"
    title = "The stored dataset cannot be read"


class StoredContractUnreadable(AppError):
    """The document of a contract is gone, or is not the one that was put: somebody spoilt it."""

    code = "stored_contract_unreadable"
    title = "The stored contract cannot be read"
