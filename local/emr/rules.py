"""What EMR Serverless refuses although its model allows it."""

from collections.abc import Mapping
from typing import Any

from local.emr.errors import InvalidRequest

TYPES = ("spark", "hive")
# From release 7.11 on a batch run may last 7 days, and no longer for ever (0).
LONGEST_TIMEOUT_MINUTES = 7 * 24 * 60
GRACE_SECONDS = range(15, 1801)


def check_application(parameters: Mapping[str, Any]) -> None:
    """Raises: InvalidRequest."""
    if parameters["type"].lower() not in TYPES:
        raise InvalidRequest(f"Application type {parameters['type']} is not supported.")
    if not parameters["releaseLabel"].startswith("emr-"):
        raise InvalidRequest(f"Release label {parameters['releaseLabel']} is not supported.")


def check_start(parameters: Mapping[str, Any]) -> None:
    """Raises: InvalidRequest."""
    driver = parameters.get("jobDriver", {})
    if "sparkSubmit" not in driver:
        raise InvalidRequest("jobDriver must have sparkSubmit for an application of type Spark.")
    minutes = parameters.get("executionTimeoutMinutes", 1)
    if parameters.get("mode", "BATCH") == "BATCH" and not 1 <= minutes <= LONGEST_TIMEOUT_MINUTES:
        raise InvalidRequest(
            f"executionTimeoutMinutes must be from 1 to {LONGEST_TIMEOUT_MINUTES} for a batch job run; it is {minutes}."
        )
    words = driver["sparkSubmit"].get("sparkSubmitParameters", "")
    if words.count('"') % 2 or words.count("'") % 2:
        raise InvalidRequest("sparkSubmitParameters has a quote that is not closed.")


def check_cancel(parameters: Mapping[str, Any]) -> None:
    """Raises: InvalidRequest."""
    grace = parameters.get("shutdownGracePeriodInSeconds", 0)
    if grace != 0 and grace not in GRACE_SECONDS:
        raise InvalidRequest("shutdownGracePeriodInSeconds must be 0 or from 15 to 1800.")
