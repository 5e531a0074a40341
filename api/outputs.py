"""What a job wrote: the manifest of the attempt that it names, with links to the files."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from api import examples
from api.auth import reads_jobs
from api.operations import returns, takes_nothing
from api.owned import own_job
from api.records import iso, list_of, moment, number, open_object, text
from api.services import services
from shared.errors import JobNotFound, ObjectsUnavailable, OutputsNotReady, StoreUnavailable
from shared.locations import attempt_uri, manifest_uri
from shared.models import Job
from shared.object_store import LINK_SECONDS
from shared.settings import Settings
from shared.transitions import JobStatus

blueprint = Blueprint("outputs", __name__)


OutputFileSchema = Schema.from_dict(
    {
        "path": text("Below the attempt's folder."),
        "uri": text("Where it lies in S3."),
        "sizeBytes": number("Its size."),
        "rows": number("Its rows."),
        "sha256": text("The checksum of its bytes, in hexadecimal."),
        "url": text("A link that anybody can download it by, until expiresAt."),
        "expiresAt": moment("When the link ends; ask again for a new one."),
    },
    name="OutputFileSchema",
)

TotalsSchema = Schema.from_dict(
    {
        "files": number("How many files there are."),
        "rows": number("Their rows."),
        "sizeBytes": number("Their size."),
    },
    name="TotalsSchema",
)

CountsSchema = Schema.from_dict(
    {
        "rowsRead": number("Rows of all inputs."),
        "rowsWritten": number("Rows of all files."),
        "rowsRejected": number("Rows that were set aside."),
    },
    name="CountsSchema",
)

OutputsSchema = Schema.from_dict(
    {
        "jobId": text("A UUID."),
        "attempt": number("The attempt that wrote them."),
        "manifestUri": text("Where the manifest lies in S3."),
        "createdAt": moment("When the manifest was written."),
        "files": list_of(OutputFileSchema, "The data."),
        "rejectedFiles": list_of(OutputFileSchema, "Rows that were set aside, and why."),
        "totals": fields.Nested(TotalsSchema, required=True),
        "counts": fields.Nested(CountsSchema, required=True),
        "schema": open_object("The columns, as Spark writes a schema in JSON; null without data.", allow_none=True),
    },
    name="OutputsSchema",
)


def example() -> dict[str, Any]:
    """The outputs of the example's job."""
    file = {"path": "data/part-00000-example.snappy.parquet", "sizeBytes": 5463271, "rows": 336776, "sha256": "ab" * 32}
    column = {"name": "carrier", "type": "string", "nullable": True, "metadata": {}}
    manifest = {
        "createdAt": iso(examples.later(94)),
        "files": [file],
        "totals": {"files": 1, "rows": 336776, "sizeBytes": 5463271},
        "counts": {"rowsRead": 336776, "rowsWritten": 336776, "rowsRejected": 0},
        "schema": {"type": "struct", "fields": [column]},
    }
    job, settings = examples.finished(), examples.SETTINGS
    return outputs_record(job, manifest, settings, lambda uri: f"{uri}?X-Amz-Signature=...", examples.later(100))


@blueprint.get("/jobs/<job_id>/outputs")
@reads_jobs
@takes_nothing
@returns(
    OutputsSchema,
    example,
    problems=(JobNotFound, OutputsNotReady, StoreUnavailable, ObjectsUnavailable),
)
def get_outputs(job_id: str) -> ResponseReturnValue:
    """List what a job wrote, with a link to each file."""
    job, settings = own_job(job_id), services().settings
    if job.status is not JobStatus.SUCCEEDED:
        raise OutputsNotReady(f"The job is {job.status}; only a job that SUCCEEDED has outputs.")
    manifest = services().objects.read_json(manifest_uri(settings, job))
    if manifest is None:
        raise OutputsNotReady(f"The job SUCCEEDED, but there is no manifest at {manifest_uri(settings, job)} (yet).")
    return outputs_record(job, manifest, settings, services().objects.link, services().clock())


def outputs_record(
    job: Job, manifest: Mapping[str, Any], settings: Settings, link: Callable[[str], str], now: datetime
) -> dict[str, Any]:
    """A manifest as `OutputsSchema` says."""
    folder = attempt_uri(settings, job.job_id, job.attempt)
    expires_at = iso(now + timedelta(seconds=LINK_SECONDS))

    def file(row: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: row[name] for name in ("path", "sizeBytes", "rows", "sha256")}
        uri = f"{folder}{row['path']}"
        return {**found, "uri": uri, "url": link(uri), "expiresAt": expires_at}

    return {
        "jobId": job.job_id,
        "attempt": job.attempt,
        "manifestUri": manifest_uri(settings, job),
        "createdAt": manifest["createdAt"],
        "files": [file(row) for row in manifest["files"]],
        # A simulated run's manifest has none.
        "rejectedFiles": [file(row) for row in manifest.get("rejectedFiles", [])],
        "totals": manifest["totals"],
        "counts": manifest["counts"],
        "schema": manifest["schema"],
    }
