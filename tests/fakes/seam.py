"""The one place that every call to a fake AWS passes, so that a test can count calls and make them fail."""

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

Hook = Callable[[str, dict[str, Any]], None]
AMZ_DATE = "%Y%m%dT%H%M%SZ"
# AWS refuses a request that was signed longer ago.
SIGNATURE_SECONDS = 300


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


def nothing(_operation: str, _arguments: dict[str, Any]) -> None:
    """A hook that lets every call pass."""


class Seam:
    """Records every call, and lets hooks act before it is signed, before it is sent, and after it was done.

    A hook that raises before the call is done has prevented it; one that raises after has lost its answer.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.before: Hook = nothing
        self.sending: Hook = nothing
        self.after: Hook = nothing

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


class SignedRequest:
    """What a `before-send` hook of botocore is given, as far as ours look at it."""

    def __init__(self, signed_at: datetime) -> None:
        self.headers = {"X-Amz-Date": signed_at.strftime(AMZ_DATE)}


class AnswerLost(Exception):
    """Raised by an `after` hook: the answer was lost on the way, and botocore sends the call again if it may."""


class Client:
    """A fake boto3 client: each public method of `service` is a call that passes the seam.

    It signs each call with the time of its machine's clock, gives it to the `before-send` hooks that were registered,
    and refuses a signature that has grown too old on the way, as AWS does. It sends a call up to `attempts` times.
    """

    def __init__(
        self,
        service: Any,
        seam: Seam,
        clock: Callable[[], datetime],
        aws_clock: Callable[[], datetime] | None = None,
        attempts: int = 1,
    ) -> None:
        self._service = service
        self._seam = seam
        self._clock = clock
        self._aws_clock = aws_clock or clock
        self._attempts = attempts
        self.meta = self
        self.events = self
        self._before_send: dict[str, Callable[..., None]] = {}
        self._after_call: list[Callable[..., None]] = []

    def register(self, event: str, handler: Callable[..., None]) -> None:
        """Keep a `before-send` hook for its operation, and an `after-call` hook for all."""
        if event.startswith("after-call."):
            self._after_call.append(handler)
        else:
            self._before_send[event.rpartition(".")[2]] = handler

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        work = getattr(self._service, operation)
        return lambda **arguments: self._call(operation, work, arguments)

    def _call(self, operation: str, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        for sent in range(1, self._attempts + 1):
            try:
                answer = self._send(operation, work, arguments)
            except AnswerLost:
                if sent == self._attempts:
                    raise no_answer() from None
            else:
                return answer
        raise AssertionError("a client sends at least once")

    def _send(self, operation: str, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        self._seam.calls.append(operation)
        self._seam.before(operation, arguments)
        signed_at = self._clock()
        if self._before_send:
            hook = self._before_send.get("".join(word.capitalize() for word in operation.split("_")))
            if hook is not None:
                hook(SignedRequest(signed_at))
        self._seam.sending(operation, arguments)
        if abs((self._aws_clock() - signed_at).total_seconds()) > SIGNATURE_SECONDS:
            raise aws_error(operation, "InvalidSignatureException", "Signature expired", status=403)
        answer = work(**arguments)
        self._seam.after(operation, arguments)
        for handler in self._after_call:
            date = format_datetime(self._aws_clock(), usegmt=True)
            handler(parsed={"ResponseMetadata": {"HTTPHeaders": {"date": date}}})
        return answer
