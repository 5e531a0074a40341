"""A job's history."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.identity.auth import reads_jobs
from api.identity.owned import own_job
from api.jobs.records import HistorySchema, history_record
from api.protocol.operations import returns, takes_nothing
from shared.errors import JobNotFound, StoreUnavailable

blueprint = Blueprint("history", __name__)


@blueprint.get("/jobs/<job_id>/history")
@reads_jobs
@takes_nothing
@returns(HistorySchema, problems=(JobNotFound, StoreUnavailable))
def get_history(job_id: str) -> ResponseReturnValue:
    """Read what happened to a job, by whom and when."""
    return {"items": [history_record(entry) for entry in own_job(job_id).history]}
