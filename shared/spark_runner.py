"""EMR Serverless behind our words: start a run, look at it, find it by name, cancel it."""

import contextvars
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from shared.bills import NO_USAGE, Usage
from shared.errors import SparkUnavailable, StartForbidden, StartRejected, StartThrottled
from shared.models import Job, RunSpec
from shared.programs import arguments_of_attempt
from shared.redaction import clean_text
from shared.tracing import traceparent_of_run

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient

log = structlog.get_logger()

# EMR Serverless does not model throttling: there is no class to catch, so codes are matched.
THROTTLES = {"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"}
NOT_ALLOWED = {
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ExpiredTokenException",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
# Of a run's id: none that EMR knows, or none that could be one. Of a cancel: a run that is over already.
NO_SUCH_RUN = {"ResourceNotFoundException", "ValidationException"}
# Before an intent's own time: the two clocks may differ, and a run may carry the service's.
FIND_MARGIN = timedelta(seconds=300)
# 50 a page: what a fleet starts within the margin and the hold is far less than this many pages.
FIND_PAGES = 40
LIVE_STATES = ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING", "QUEUED"]
# EMR brings a live run's usage up to date about every half hour: at the end of a longer run it may be of before.
USAGE_INTERVAL_SECONDS = 1500
# The driver's environment variable TRACEPARENT, where OpenTelemetry's tools look for it. No argument: a program of a
# user's may refuse one that it does not know.
DRIVER_TRACEPARENT = "spark.emr-serverless.driverEnv.TRACEPARENT"
AMZ_DATE = "%Y%m%dT%H%M%SZ"
DETAILS_CHARACTERS = 1024


class Absence(StrEnum):
    """What is known of a run that was not seen."""

    NOTHING_YET = "nothing yet"
    GONE = "gone"  # EMR says that it knows no such run
    NONE = "none"  # a complete list, and no run of that name in it
    UNKNOWN = "unknown"  # the list was cut short


@dataclass(frozen=True)
class Run:
    """An EMR job run as it was seen; `details` is EMR's text, and the program's own once it left one.

    `usage` is what EMR bills of it so far as EMR knows, which it does some seconds after the end. One that never
    `began` had no workers. `started_at` is when its workers were there; None before, and where a mere list showed it.
    """

    run_id: str
    name: str
    state: str
    details: str
    duration_seconds: float
    usage: Usage | None = None
    began: bool = True
    started_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether the state is final. CANCELLING is not, and neither is a state that we do not know."""
        return self.state in ("SUCCESS", "FAILED", "CANCELLED")

    @property
    def final_usage(self) -> Usage | None:
        """What EMR bills of a run that is over, as far as that is sure in the moment in which its end is seen."""
        return self.usage if self.is_over and self.duration_seconds < USAGE_INTERVAL_SECONDS else None

    @property
    def late_usage(self) -> Usage | None:
        """What EMR bills of a run that has been over for a while: nothing if it never began."""
        if not self.is_over:
            return None
        return self.usage if self.began else self.usage or NO_USAGE

    def with_usage(self, usage: Usage | None) -> "Run":
        """The run, with this figure of what EMR bills so far if it is alive and the figure is the larger."""
        if usage is None or self.is_over or (self.usage is not None and self.usage.vcpu_hours >= usage.vcpu_hours):
            return self
        return replace(self, usage=usage)


class StartTooLate(BotoCoreError):
    """The process was held up between its intent and the signing of the start."""

    fmt = "the start was signed too long after its intent"


_sign_before: contextvars.ContextVar[datetime | None] = contextvars.ContextVar("sign_before", default=None)


def refuse_late_start(request: Any, **_: Any) -> None:
    """A `before-send` hook: the start is not sent when it was signed after the deadline of its intent.

    Without it a process that was stopped for an hour could start an attempt that others gave up long ago.
    """
    deadline = _sign_before.get()
    header = request.headers["X-Amz-Date"]
    stamp = header.decode() if isinstance(header, bytes) else header
    if deadline is not None and datetime.strptime(stamp, AMZ_DATE).replace(tzinfo=UTC) > deadline:
        raise StartTooLate


@contextmanager
def start_errors(name: str) -> Iterator[None]:
    """What the answer to a start says: certainly not accepted, and whose fault; or nothing at all."""
    try:
        yield
    except StartTooLate as error:
        raise StartForbidden(f"The start of {name} came too late.") from error
    except (NoCredentialsError, PartialCredentialsError) as error:  # nothing was sent
        raise StartForbidden(f"This process has no credentials for EMR Serverless: {error}") from error
    except ParamValidationError as error:  # nothing was sent, and nothing ever can be
        raise StartRejected(f"The request is not one that EMR Serverless takes: {error}") from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in THROTTLES:
            raise StartThrottled(f"EMR Serverless takes no more starts for now ({code}).") from error
        if code in NOT_ALLOWED:
            raise StartForbidden(f"EMR Serverless refuses this platform: {error}") from error
        if code == "ValidationException":
            raise StartRejected(error.response["Error"].get("Message", str(error))) from error
        raise SparkUnavailable(f"Whether {name} was started is not known: {error}") from error
    except BotoCoreError as error:
        raise SparkUnavailable(f"Whether {name} was started is not known: {error}") from error


@contextmanager
def read_errors() -> Iterator[None]:
    """An error of a status read says nothing about the run."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise SparkUnavailable(f"EMR Serverless did not answer: {error}") from error


def start_request(job_id: str, spec: RunSpec, attempt: int, job_traceparent: str | None = None) -> dict[str, Any]:
    """StartJobRun's arguments: a pure function, so that a resend of an attempt is the same request."""
    driver = dict(spec.job_driver["sparkSubmit"])
    driver["entryPointArguments"] = arguments_of_attempt(driver["entryPointArguments"], attempt)
    name = f"{job_id}.{attempt}"
    traceparent = traceparent_of_run(job_traceparent, name)
    if traceparent is not None:
        driver["sparkSubmitParameters"] += f" --conf {DRIVER_TRACEPARENT}={traceparent}"
    return {
        "applicationId": spec.application_id,
        "executionRoleArn": spec.execution_role_arn,
        "clientToken": name,
        "name": name,
        "jobDriver": {"sparkSubmit": driver},
        "configurationOverrides": spec.configuration_overrides,
        **({"executionIamPolicy": {"policy": spec.session_policy}} if spec.session_policy else {}),
        **({"flexExecution": {"enabled": True}} if spec.is_flex else {}),
        "tags": {**spec.tags, "attempt": str(attempt)},
        "executionTimeoutMinutes": spec.timeout_minutes,
        # Ours are the attempts: EMR's own would start again from the beginning, at once.
        "retryPolicy": {"maxAttempts": 1},
    }


class SparkRunner:
    """Starts and watches runs. Only `start` can begin one."""

    def __init__(self, client: "EMRServerlessClient", start_client: "EMRServerlessClient") -> None:
        self._client = client
        self._start_client = start_client
        start_client.meta.events.register("before-send.emr-serverless.StartJobRun", refuse_late_start)

    def start(self, job: Job, sign_before: datetime) -> str:
        """Start the current attempt's run and return its id.

        Raises: StartThrottled, StartForbidden, StartRejected (certainly not accepted); SparkUnavailable (a run
        may have begun).
        """
        token = _sign_before.set(sign_before)
        try:
            with start_errors(job.run_name):
                request = start_request(job.job_id, job.run_spec, job.attempt, job.traceparent)
                answer = self._start_client.start_job_run(**request)
        finally:
            _sign_before.reset(token)
        return answer["jobRunId"]

    def look(self, application_id: str, run_id: str) -> Run | Absence:
        """The run as it is now, or GONE. Raises: SparkUnavailable."""
        with read_errors():
            try:
                answer = self._client.get_job_run(applicationId=application_id, jobRunId=run_id)
            except ClientError as error:
                if error.response["Error"]["Code"] not in NO_SUCH_RUN:
                    raise
                return Absence.GONE
        return _run_from(answer["jobRun"])

    def find(self, job: Job) -> Run | Absence:
        """The run of the current attempt's name: the earliest, NONE if certainly none, UNKNOWN if cut short."""
        if job.intent_at is None:
            raise ValueError(f"{job.run_name} was never meant to start")
        request: Any = {"applicationId": job.spec.application_id, "createdAtAfter": job.intent_at - FIND_MARGIN}
        found: list[Any] = []
        for _ in range(FIND_PAGES):
            try:
                with read_errors():
                    page = self._client.list_job_runs(**request)
            except SparkUnavailable:
                return Absence.UNKNOWN
            found += [row for row in page["jobRuns"] if row.get("name") == job.run_name]
            if not page.get("nextToken"):
                return _earliest(found) if found else Absence.NONE
            request["nextToken"] = page["nextToken"]
        return Absence.UNKNOWN

    def live_runs(self, application_id: str, pause: Callable[[], None]) -> list[Run]:
        """All runs of an application that have not ended; `pause` waits between two pages, which are rationed.

        Raises: SparkUnavailable, also where the list is cut short.
        """
        request: Any = {"applicationId": application_id, "states": LIVE_STATES}
        found: list[Run] = []
        with read_errors():
            while True:
                page = self._client.list_job_runs(**request)
                found += [_run_from(row) for row in page["jobRuns"]]
                if not page.get("nextToken"):
                    return found
                request["nextToken"] = page["nextToken"]
                pause()

    def cancel(self, application_id: str, run_id: str) -> None:
        """Ask for a run to be cancelled; one that is over or unknown needs none. Raises: SparkUnavailable."""
        with read_errors():
            try:
                self._client.cancel_job_run(applicationId=application_id, jobRunId=run_id)
            except ClientError as error:
                if error.response["Error"]["Code"] not in NO_SUCH_RUN:
                    raise


def _earliest(rows: list[Any]) -> Run:
    if len(rows) > 1:
        log.error("duplicate_runs", name=rows[0]["name"], run_ids=[row["id"] for row in rows])
    return _run_from(min(rows, key=lambda row: row["createdAt"]))


def _run_from(row: Any) -> Run:
    """A run from GetJobRun's jobRun or ListJobRuns' summary, which names its id differently."""
    ended_at = row.get("endedAt", row["updatedAt"])
    return Run(
        run_id=row.get("jobRunId") or row["id"],
        name=row.get("name", ""),
        state=row["state"],
        details=clean_text(row.get("stateDetails", ""))[:DETAILS_CHARACTERS],
        # A run that expired in EMR's queue never began.
        duration_seconds=(ended_at - row["startedAt"]).total_seconds() if "startedAt" in row else 0.0,
        usage=usage_from(row.get("billedResourceUtilization", {})),
        began="startedAt" in row,
        started_at=row.get("startedAt"),
    )


def usage_from(billed: Any) -> Usage | None:
    """EMR's figures, once it has all of them: of GetJobRun, or of an event."""
    if not isinstance(billed, Mapping):
        return None
    hours = [billed.get(name) for name in ("vCPUHour", "memoryGBHour", "storageGBHour")]
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in hours):
        return None
    return Usage(*(Decimal(str(each)) for each in hours))
