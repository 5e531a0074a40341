"""Why a job is where it is."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.identity.auth import reads_jobs
from api.identity.owned import own_job
from api.jobs.explanations import ExplanationSchema, explanation_record
from api.protocol.operations import returns, takes_nothing
from api.services import services
from shared.errors import JobNotFound, StoreUnavailable

blueprint = Blueprint("explain", __name__)


@blueprint.get("/jobs/<job_id>/explain")
@reads_jobs
@takes_nothing
@returns(ExplanationSchema, problems=(JobNotFound, StoreUnavailable))
def get_explanation(job_id: str) -> ResponseReturnValue:
    """Read why a job is where it is, and what to do about it.

    One sentence and its facts: what it waits for and since when, or why it failed, why it is not tried again, and
    what its owner can do.
    """
    return explanation_record(own_job(job_id), services().clock())
