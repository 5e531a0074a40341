"""The job types that there are, and their parameters."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from api.identity.auth import reads_jobs
from api.protocol.answers import list_of, number, open_object, text
from api.protocol.operations import returns, takes_nothing
from api.services import services
from shared.errors import NotFound
from shared.job_catalogue import available_types
from shared.job_types import JobType

blueprint = Blueprint("job-types", __name__)


WHAT_IT_IS = {
    "name": text("What to write as jobType."),
    "version": text("Changes with its meaning."),
    "title": text("What it does, in a few words."),
    "description": text("What it does, in full."),
}

JobTypeSummarySchema = Schema.from_dict(
    {**WHAT_IT_IS, "link": text("The path of all about it.")}, name="JobTypeSummarySchema"
)

JobTypesSchema = Schema.from_dict({"items": list_of(JobTypeSummarySchema, "All job types.")}, name="JobTypesSchema")

JobTypeSchema = Schema.from_dict(
    {
        **WHAT_IT_IS,
        "minInputs": number("The fewest inputs it takes."),
        "maxInputs": number("The most inputs it takes."),
        "takesContract": fields.Boolean(
            required=True, metadata={"description": "Whether its input can be held to a contract."}
        ),
        "needsContract": fields.Boolean(
            required=True, metadata={"description": "Whether a job of this type must have a contract."}
        ),
        "parameters": open_object("The JSON Schema (2020-12) of its parameters."),
        "example": open_object("The body of a POST /jobs for it."),
    },
    name="JobTypeSchema",
)


@blueprint.get("/job-types")
@reads_jobs
@takes_nothing
@returns(JobTypesSchema)
def list_job_types() -> ResponseReturnValue:
    """List the kinds of jobs that can be submitted."""
    return {"items": [summary_record(each) for each in available_types(services().settings).values()]}


@blueprint.get("/job-types/<name>")
@reads_jobs
@takes_nothing
@returns(JobTypeSchema, problems=(NotFound,))
def get_job_type(name: str) -> ResponseReturnValue:
    """Read what a kind of job does, and which parameters it takes."""
    types = available_types(services().settings)
    if name not in types:
        raise NotFound(f"There is no such job type; there are: {', '.join(sorted(types))}.")
    return job_type_record(types[name])


def summary_record(job_type: JobType) -> dict[str, Any]:
    """A job type as `JobTypeSummarySchema` says."""
    return {
        "name": job_type.name,
        "version": job_type.version,
        "title": job_type.title,
        "description": job_type.description,
        "link": f"/job-types/{job_type.name}",
    }


def job_type_record(job_type: JobType) -> dict[str, Any]:
    """A job type as `JobTypeSchema` says."""
    return {
        "name": job_type.name,
        "version": job_type.version,
        "title": job_type.title,
        "description": job_type.description,
        "minInputs": job_type.min_inputs,
        "maxInputs": job_type.max_inputs,
        "takesContract": job_type.takes_contract,
        "needsContract": job_type.needs_contract,
        "parameters": dict(job_type.parameters_schema),
        "example": dict(job_type.example),
    }
