"""The one place that every call to a fake AWS passes, so that a test can count calls and make them fail."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

Hook = Callable[[str, dict[str, Any]], None]


def aws_error(operation: str, code: str, message: str = "", status: int = 400, **more: Any) -> ClientError:
    """The error that botocore raises for an answer with this code."""
    response: Any = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, operation)


def no_connection() -> ConnectTimeoutError:
    """The service could not be reached: certainly nothing was done."""
    return ConnectTimeoutError(endpoint_url="http://aws.invalid")


def no_answer() -> ReadTimeoutError:
    """The service was reached and did not answer: what it did is not known."""
    return ReadTimeoutError(endpoint_url="http://aws.invalid")


class Seam:
    """Records the name of every call, and lets hooks raise before it is done or after (a lost answer)."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.before: Hook = lambda operation, arguments: None
        self.after: Hook = lambda operation, arguments: None

    def call(self, operation: str, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Do `work` between the two hooks."""
        self.calls.append(operation)
        self.before(operation, arguments)
        answer = work(**arguments)
        self.after(operation, arguments)
        return answer

    def fail_before(self, operation: str, error: Exception, times: int = 1) -> None:
        """The next `times` calls of `operation` fail before anything is done."""
        self.before = _failing(operation, error, times)

    def fail_after(self, operation: str, error: Exception, times: int = 1) -> None:
        """The next `times` calls of `operation` are done, and their answers are lost."""
        self.after = _failing(operation, error, times)


def _failing(wanted: str, error: Exception, times: int) -> Hook:
    left = [times]

    def hook(operation: str, arguments: dict[str, Any]) -> None:
        if operation == wanted and left[0] > 0:
            left[0] -= 1
            raise error

    return hook


class Client:
    """A fake boto3 client: each public method of `service` is a call that passes the seam."""

    def __init__(self, service: Any, seam: Seam) -> None:
        self._service = service
        self._seam = seam
        self.meta = _Meta()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        work = getattr(self._service, operation)
        return lambda **arguments: self._seam.call(operation, work, arguments)


class _Meta:
    """The event system of a client, which the fakes do not need."""

    def __init__(self) -> None:
        self.events = self

    def register(self, _event: str, _handler: Any) -> None:
        """Accept a hook and never call it."""
