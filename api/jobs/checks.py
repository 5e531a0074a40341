"""What a submission must be beyond its shape: stage after stage, and all problems of a stage at once."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from api.jobs.inputs import Inputs
from api.protocol.operations import sentence
from shared.datasets.datasets import UPLOADS_FOLDER
from shared.errors import FieldProblem, ObjectsForbidden, ValidationFailed
from shared.job_catalogue import available_types
from shared.job_types import JobType, parameter_problems
from shared.models import JobInput
from shared.object_store import is_s3_uri, split_uri
from shared.programs import program_uri
from shared.settings import Settings
from shared.submission import Submission

# Inputs become views of Spark SQL, which does not tell Flights from flights.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Checked:
    """A submission and the type that it names."""

    asked: Submission
    job_type: JobType
    settings: Settings
    objects: Inputs


Problems = Iterator[FieldProblem]


def check_submission(asked: Submission, settings: Settings, objects: Inputs) -> JobType:
    """The type of a job that may be run.

    Raises: ValidationFailed with the problems of the first stage that has any; ObjectsUnavailable.
    """
    types = available_types(settings)
    if asked.job_type not in types:
        text = f"There is no job type {asked.job_type!r}; there are: {', '.join(sorted(types))}."
        raise ValidationFailed(text, [FieldProblem("/jobType", text)])
    checked = Checked(asked, types[asked.job_type], settings, objects)
    for stage in STAGES:
        problems = list(stage(checked))
        if problems:
            raise ValidationFailed(sentence(problems), problems)
    return checked.job_type


def count_of_inputs(checked: Checked) -> Problems:
    """How many inputs the type wants, within what the platform allows."""
    least = checked.job_type.min_inputs
    most = min(checked.job_type.max_inputs, checked.settings.max_inputs)
    given = len(checked.asked.inputs)
    if not least <= given <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        yield FieldProblem("/inputs", f"A job of type {checked.job_type.name} takes {wanted} inputs, not {given}.")


def names_of_inputs(checked: Checked) -> Problems:
    """Each a name that SQL can use, and none twice."""
    seen: set[str] = set()
    for number, entry in enumerate(checked.asked.inputs):
        pointer = f"/inputs/{number}/name"
        if IDENTIFIER.fullmatch(entry.name) is None:
            yield FieldProblem(pointer, "Use letters, digits and _, and no digit first.")
        elif entry.name.lower() in seen:
            yield FieldProblem(pointer, f"Another input is called {entry.name!r} already (case makes no difference).")
        seen.add(entry.name.lower())


def schemes_of_inputs(checked: Checked) -> Problems:
    """Each an S3 URI and nothing more."""
    for pointer, entry in _uris(checked):
        if not is_s3_uri(entry.uri):
            text = "Not an S3 URI: write s3://bucket/key, s3://bucket/folder/, or dataset:{datasetId}."
            yield FieldProblem(pointer, text)


def buckets_of_inputs(checked: Checked) -> Problems:
    """Each in a bucket that jobs may read."""
    readable = checked.settings.jobs_may_read
    for pointer, entry in _uris(checked):
        bucket, _ = split_uri(entry.uri)
        if bucket not in readable:
            yield FieldProblem(pointer, f"Jobs may not read {bucket!r}; they may read: {', '.join(sorted(readable))}.")


def uploads_of_inputs(checked: Checked) -> Problems:
    """None that reads what was uploaded otherwise than as a dataset: those of others lie there too."""
    for pointer, entry in _uris(checked):
        bucket, key = split_uri(entry.uri)
        covers = key.startswith(UPLOADS_FOLDER) or UPLOADS_FOLDER.startswith(f"{key.rstrip('/')}/" if key else "")
        if entry.dataset_id is None and bucket == checked.settings.raw_bucket and covers:
            text = f"{UPLOADS_FOLDER} of {bucket} is read by datasets alone: name one as dataset:{{datasetId}}."
            yield FieldProblem(pointer, text)


def parameters(checked: Checked) -> Problems:
    """As the type's schema wants them."""
    for problem in parameter_problems(checked.job_type, checked.asked.parameters):
        yield FieldProblem(f"/parameters{problem.pointer}", problem.message)


def existence_of_inputs(checked: Checked) -> Problems:
    """Each there, and readable. Raises: ObjectsUnavailable."""
    for pointer, entry in _uris(checked):
        if entry.dataset_id is not None:
            continue  # S3 said so when it was completed, and nobody can write over it
        try:
            if not checked.objects.exists(entry.uri):
                yield FieldProblem(pointer, f"Nothing lies at {entry.uri}.")
        except ObjectsForbidden as error:
            yield FieldProblem(pointer, error.detail)


STAGES: tuple[Callable[[Checked], Problems], ...] = (
    count_of_inputs,
    names_of_inputs,
    parameters,
    schemes_of_inputs,
    buckets_of_inputs,
    uploads_of_inputs,
    existence_of_inputs,
)


def _uris(checked: Checked) -> Iterator[tuple[str, JobInput]]:
    """All that the job names in S3: its inputs, and the program if it is the user's own."""
    for number, entry in enumerate(checked.asked.inputs):
        yield f"/inputs/{number}/uri", entry
    name = checked.job_type.program_parameter
    if name is not None:
        uri = program_uri(checked.job_type, checked.asked.parameters, checked.settings)
        yield f"/parameters/{name}", JobInput(name, uri)
