"""What a job wrote: the manifest of the attempt that it names, with links to the files."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from api.identity.auth import caller, reads_jobs
from api.identity.owned import own_job
from api.jobs.shown_manifests import checked_manifest, checked_own_manifest
from api.protocol.answers import iso, list_of, moment, number, open_object, text
from api.protocol.operations import returns, takes_nothing
from api.services import services
from shared.datasets.links import Link
from shared.errors import JobNotFound, ObjectsUnavailable, OutputsNotReady, StoreUnavailable, TooManyLinks
from shared.job_types import JOB_TYPES
from shared.locations import attempt_uri, manifest_uri
from shared.models import Job
from shared.object_store import LINK_SECONDS, allowed_get
from shared.settings import Settings
from shared.transitions import JobStatus

blueprint = Blueprint("outputs", __name__)


FILE: dict[str, fields.Field[Any]] = {
    "path": text("Below the attempt's folder."),
    "uri": text("Where it lies in S3."),
    "sizeBytes": number("Its size."),
    "sha256": text("The checksum of its bytes, in hexadecimal."),
    "url": text("A link that anybody can download it by, until expiresAt."),
    "expiresAt": moment("When the link ends; ask again for a new one."),
}

OutputFileSchema = Schema.from_dict({**FILE, "rows": number("Its rows.")}, name="OutputFileSchema")

ReportFileSchema = Schema.from_dict(FILE, name="ReportFileSchema")

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

ViolationsSchema = Schema.from_dict(
    {
        "column": text("The column, or the columns of a key; null where the whole row is at fault.", allow_none=True),
        "rule": text("What is broken: a field of the contract, or type, or fields for their number."),
        "rows": number("How many rows break it; a row can break several."),
    },
    name="ViolationsSchema",
)

HeldToSchema = Schema.from_dict(
    {
        "name": text("The contract's name."),
        "version": text("Its version."),
        "sha256": text("The checksum of its document."),
        "violations": list_of(ViolationsSchema, "Why rows were set aside, by rule."),
    },
    name="HeldToSchema",
)

ManifestSchema = Schema.from_dict(
    {
        "uri": text("Where it lies in S3."),
        "sha256": text("What its bytes must come to: the job's manifestSha256, which may be null.", allow_none=True),
        "url": FILE["url"],
        "expiresAt": FILE["expiresAt"],
    },
    name="ManifestSchema",
)

OutputsSchema = Schema.from_dict(
    {
        "jobId": text("A UUID."),
        "attempt": number("The attempt that wrote them."),
        "manifestUri": text("Where the manifest lies in S3."),
        "manifest": fields.Nested(
            ManifestSchema, required=True, metadata={"description": "The manifest itself, to be checked or kept."}
        ),
        "createdAt": moment("When the manifest was written."),
        "files": list_of(OutputFileSchema, "The data."),
        "rejectedFiles": list_of(OutputFileSchema, "Rows that were set aside, and why."),
        "reportFiles": list_of(
            ReportFileSchema, "Documents about the data, such as profile.html; few types write any."
        ),
        "totals": fields.Nested(TotalsSchema, required=True),
        "counts": fields.Nested(CountsSchema, required=True),
        "contract": fields.Nested(
            HeldToSchema,
            required=True,
            allow_none=True,
            metadata={"description": "The contract that the rows were held to, if the job named one."},
        ),
        "schema": open_object("The columns, as Spark writes a schema in JSON; null without data.", allow_none=True),
    },
    name="OutputsSchema",
)


@blueprint.get("/jobs/<job_id>/outputs")
@reads_jobs
@takes_nothing
@returns(
    OutputsSchema,
    problems=(JobNotFound, OutputsNotReady, TooManyLinks, StoreUnavailable, ObjectsUnavailable),
)
def get_outputs(job_id: str) -> ResponseReturnValue:
    """List what a job wrote, with a link to each file."""
    job, settings = own_job(job_id), services().settings
    if job.status is not JobStatus.SUCCEEDED:
        raise OutputsNotReady(f"The job is {job.status}; only a job that SUCCEEDED has outputs.")
    manifest = manifest_of(job, settings)
    links = links_to([manifest_uri(settings, job), *uris_of(job, manifest, settings)])
    return outputs_record(job, manifest, settings, links)


def manifest_of(job: Job, settings: Settings) -> Mapping[str, Any]:
    """The manifest of a job that succeeded. Raises: OutputsNotReady, ObjectsUnavailable."""
    uri = manifest_uri(settings, job)
    manifest: Any = services().objects.read_json(uri)
    job_type = JOB_TYPES.get(job.request.job_type)
    is_own = job_type is not None and job_type.program_parameter is not None
    if manifest is None and is_own:
        raise OutputsNotReady(
            f"The job SUCCEEDED, but its own program wrote no manifest, which would lie at {uri}; "
            f"what it wrote lies below {attempt_uri(settings, job.job_id, job.attempt)}."
        )
    if manifest is None:
        raise OutputsNotReady(f"The job SUCCEEDED, but there is no manifest at {uri}, or none that can be read.")
    return checked_own_manifest(manifest, uri) if is_own else checked_manifest(manifest, uri)


def uris_of(job: Job, manifest: Mapping[str, Any], settings: Settings) -> list[str]:
    """Where all files of a manifest lie."""
    folder = attempt_uri(settings, job.job_id, job.attempt)
    # A simulated run's manifest has the first list alone.
    rows = (row for name in ("files", "rejectedFiles", "reportFiles") for row in manifest.get(name, []))
    return [f"{folder}{row['path']}" for row in rows]


def links_to(uris: Sequence[str]) -> Mapping[str, Link]:
    """A link to each file, for the caller. Raises: TooManyLinks."""
    now = services().clock()
    wanted, until = [allowed_get(uri) for uri in uris], now + timedelta(seconds=LINK_SECONDS)
    return dict(zip(uris, services().links.give(caller().owner_id, wanted, now, until), strict=True))


def outputs_record(
    job: Job, manifest: Mapping[str, Any], settings: Settings, links: Mapping[str, Link]
) -> dict[str, Any]:
    """A manifest as `OutputsSchema` says."""
    folder = attempt_uri(settings, job.job_id, job.attempt)

    def file(row: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: row[name] for name in ("path", "sizeBytes", "rows", "sha256") if name in row}
        uri = f"{folder}{row['path']}"
        return {**found, "uri": uri, **link(uri)}

    def link(uri: str) -> dict[str, Any]:
        return {"url": links[uri].url, "expiresAt": iso(links[uri].expires_at)}

    at = manifest_uri(settings, job)
    return {
        "jobId": job.job_id,
        "attempt": job.attempt,
        "manifestUri": at,
        "manifest": {"uri": at, "sha256": job.manifest_sha256, **link(at)},
        "createdAt": manifest["createdAt"],
        "files": [file(row) for row in manifest["files"]],
        "rejectedFiles": [file(row) for row in manifest.get("rejectedFiles", [])],
        "reportFiles": [file(row) for row in manifest.get("reportFiles", [])],
        "totals": manifest["totals"],
        "counts": manifest["counts"],
        "contract": manifest.get("contract"),
        "schema": manifest["schema"],
    }
