"""The errors that this service answers with, under AWS's own codes."""


class ServiceError(Exception):
    """An answer that is an error; its text is the message."""

    code = "InternalServerException"
    http_status = 500


class InvalidRequest(ServiceError):
    """The request cannot be meant."""

    code = "ValidationException"
    http_status = 400


class NotFound(ServiceError):
    """There is no such application or run."""

    code = "ResourceNotFoundException"
    http_status = 404


class UnknownOperation(ServiceError):
    """The path or the method is none of this service's."""

    code = "UnknownOperationException"
    http_status = 404


class Conflict(ServiceError):
    """The client token was used for another request."""

    code = "ConflictException"
    http_status = 409


class QuotaExceeded(ServiceError):
    """The account may have no more of this."""

    code = "ServiceQuotaExceededException"
    http_status = 402


class Throttled(ServiceError):
    """Too many calls of one operation. The service's model does not name this error."""

    code = "ThrottlingException"
    http_status = 429

    def __init__(self) -> None:
        super().__init__("Rate exceeded")


class StaleSignature(ServiceError):
    """The request was signed too long ago, or in the future."""

    code = "InvalidSignatureException"
    http_status = 403
