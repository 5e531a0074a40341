"""The Spark pages of a job's run: live while it runs, its history afterwards."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema, post_load, validate

from api.identity.auth import opens_dashboards
from api.identity.owned import own_job
from api.jobs.attempt_runs import run_of
from api.protocol.answers import iso, moment, number, text
from api.protocol.fields import QueryNumber, StrictSchema
from api.protocol.operations import returns, takes_query
from api.services import services
from shared.dashboards import LIFE
from shared.errors import DashboardNotReady, JobNotFound, SparkUnavailable, StoreUnavailable

blueprint = Blueprint("dashboard", __name__)


class DashboardQuerySchema(StrictSchema):
    """The query of GET /jobs/{jobId}/dashboard."""

    attempt = QueryNumber(
        load_default=None,
        validate=validate.Range(1, 1_000_000),
        metadata={"description": "Which attempt; the last one that has a run if not set."},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> int | None:
        """The attempt alone."""
        attempt: int | None = data["attempt"]
        return attempt


DashboardSchema = Schema.from_dict(
    {
        "jobId": text("The job."),
        "attempt": number("The attempt that is shown."),
        "runId": text("Its EMR Serverless job run."),
        "url": text("Where to look: for anybody, once, and until expiresAt."),
        "expiresAt": moment("When the address ends; ask again for a new one."),
    },
    name="DashboardSchema",
)


@blueprint.get("/jobs/<job_id>/dashboard")
@opens_dashboards
@takes_query(DashboardQuerySchema)
@returns(DashboardSchema, problems=(JobNotFound, DashboardNotReady, StoreUnavailable, SparkUnavailable))
def get_dashboard(job_id: str, query: int | None) -> ResponseReturnValue:
    """Open the Spark pages of a job's run: live while it runs, its history afterwards.

    Each answer is a new address, which EMR Serverless makes when it is asked for. It leads there once.
    """
    job = own_job(job_id)
    run = run_of(job, query)
    if run.run_id is None and run.ended_at is None:
        raise DashboardNotReady(f"Attempt {run.attempt} of the job has no run yet.")
    if run.run_id is None:
        raise DashboardNotReady(f"Attempt {run.attempt} of the job ended without a run that is known.")
    asked_at = services().clock()
    return {
        "jobId": job.job_id,
        "attempt": run.attempt,
        "runId": run.run_id,
        "url": services().dashboards.address_of(job.spec.application_id, run.run_id),
        "expiresAt": iso(asked_at + LIFE),
    }
