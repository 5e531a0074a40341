"""What callers see of a run and of an application: the structures of the answers, as the model names them."""

from datetime import UTC, datetime
from typing import Any

from local.emr.runs import Application, Run
from local.emr.scheduler import DEFAULT_TIMEOUT_MINUTES
from local.emr.utilization import billed, used
from local.settings import ACCOUNT_ID

CREATED_BY = f"arn:aws:iam::{ACCOUNT_ID}:root"
ECHOED = ("executionIamPolicy", "configurationOverrides", "tags", "retryPolicy", "flexExecution", "name")


def application_arn(region: str, application_id: str) -> str:
    """The ARN of an application."""
    return f"arn:aws:emr-serverless:{region}:{ACCOUNT_ID}:/applications/{application_id}"


def run_arn(region: str, run: Run) -> str:
    """The ARN of a run."""
    return f"{application_arn(region, run.application_id)}/jobruns/{run.run_id}"


def application_view(application: Application, region: str) -> dict[str, Any]:
    """An application as GetApplication and, in part, ListApplications show it."""
    request = {name: value for name, value in application.request.items() if name != "clientToken"}
    return {
        "architecture": "X86_64",
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 15},
        **request,
        "applicationId": application.application_id,
        "id": application.application_id,
        "arn": application_arn(region, application.application_id),
        "state": application.state,
        "stateDetails": "",
        "createdAt": instant(application.created_ms),
        "updatedAt": instant(application.updated_ms),
    }


def run_summary(run: Run, region: str) -> dict[str, Any]:
    """A run as ListJobRuns and ListJobRunAttempts show it: with its name, without tags and token."""
    return {
        "applicationId": run.application_id,
        "id": run.run_id,
        "jobRunId": run.run_id,
        "name": run.name,
        "mode": run.request.get("mode", "BATCH"),
        "arn": run_arn(region, run),
        "createdBy": CREATED_BY,
        "jobCreatedAt": instant(run.created_ms),
        "createdAt": instant(run.created_ms),
        "updatedAt": instant(run.updated_ms),
        "executionRole": run.request.get("executionRoleArn", ""),
        "state": run.state,
        "stateDetails": run.state_details,
        "releaseLabel": run.release_label,
        "type": "SPARK",
        "attempt": 1,
        "attemptCreatedAt": instant(run.created_ms),
        "attemptUpdatedAt": instant(run.updated_ms),
    }


def run_view(run: Run, region: str, now_ms: int, bill_seconds: float) -> dict[str, Any]:
    """A run as GetJobRun shows it; what is billed comes `bill_seconds` after its end."""
    view = {
        **run_summary(run, region),
        **{name: run.request.get(name) for name in ECHOED},
        "jobDriver": run.request.get("jobDriver", {}),
        "executionTimeoutMinutes": run.request.get("executionTimeoutMinutes", DEFAULT_TIMEOUT_MINUTES),
        "queuedDurationMilliseconds": run.queue_wait_ms,
    }
    if run.started_ms is None:
        return view
    seconds = ((run.ended_ms or now_ms) - run.started_ms) / 1000
    view["startedAt"] = instant(run.started_ms)
    view["totalExecutionDurationSeconds"] = round(seconds)
    if run.ended_ms is not None:
        view["endedAt"] = instant(run.ended_ms)
    if run.ended_ms is not None and now_ms >= run.ended_ms + bill_seconds * 1000:
        view["totalResourceUtilization"] = used(run, seconds)
        view["billedResourceUtilization"] = billed(run, seconds)
    return view


def instant(epoch_ms: int) -> datetime:
    """A stored time as the wire format wants it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
