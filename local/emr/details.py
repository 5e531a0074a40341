"""The sentences of stateDetails, worded as AWS words them: clients tell failures apart by this text alone."""

import re

# The service cuts the text here.
MAX_CHARACTERS = 256
JOB_FAILED = (
    "Job failed, please check complete logs in configured logging destination. "
    "ExitCode: {code}. Last few exceptions: {last}"
)
NOISE = ("at ", "... ", "Suppressed:", "Traceback", "File ")
LOG_LINE = re.compile(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d [A-Z]+ ")
EXCEPTION = re.compile(r"(?:Caused by: )?(?:[\w$.]+\.)?\w*(?:Exception|Error|Failure|Interrupt|Exit)\b(?::.*)?")


def cut(text: str) -> str:
    """The text as far as stateDetails goes."""
    return text[:MAX_CHARACTERS]


def job_failed(exit_code: int, last_exceptions: str) -> str:
    """What a run says whose program ended with an error."""
    return cut(JOB_FAILED.format(code=exit_code, last=last_exceptions))


def last_exception(stdout: str, stderr: str) -> str:
    """The last line of a driver's logs that names an exception; without one, the last thing that was said.

    A Python program's own stderr is in the driver's stdout: spark-submit joins them. It is the later word.
    """
    logs = [_lines_of(stdout), _lines_of(stderr)]
    for lines in logs:
        for line in reversed(lines):
            if EXCEPTION.match(line):
                return line
    said = [line for lines in logs for line in lines[-1:]]
    return said[0] if said else "none were logged"


def _lines_of(text: str) -> list[str]:
    """The lines of a log, without what its logger adds and without places in the code."""
    lines = [line.strip().removeprefix(": ") for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(NOISE) and not LOG_LINE.match(line)]


def driver_lost(run_id: str) -> str:
    """What a run says whose process vanished without a word."""
    return f"Job run lost its driver: the worker of job run {run_id} was lost before the job ended."


def account_capacity(vcpu: int, held: int, limit: int) -> str:
    """What a run says that found the account's vCPUs taken."""
    return cut(
        "Job failed, ServiceQuotaExceededException: Worker could not be allocated as the account's limit of "
        f"{limit} concurrent vCPUs is exceeded: {held} vCPU in use, {vcpu} vCPU requested."
    )


def application_capacity(maximum: str) -> str:
    """What a run says that found its application's capacity taken."""
    return cut(
        "ApplicationMaxCapacityExceededException: Worker could not be allocated as the application has exceeded "
        f"maximumCapacity settings: [cpu: {maximum}]"
    )


def timed_out(minutes: int) -> str:
    """What a run says that ran for too long."""
    return f"Job run was cancelled because it exceeded its execution timeout of {minutes} minutes."


def queued_too_long(minutes: int) -> str:
    """What a run says that never left the queue."""
    return f"Job run was cancelled because it was in the queue for more than {minutes} minutes."


CANCELLED = "Job run was cancelled by user."
