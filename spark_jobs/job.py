"""The job as the platform hands it over, read from JSON into plain data."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple, Type, TypeVar

from spark_jobs.failures import InvalidInput

Parameters = TypeVar("Parameters")


@dataclass(frozen=True)
class Input:
    """Data that the job reads: the name it goes by, and an object or folder of S3."""

    name: str
    uri: str


@dataclass(frozen=True)
class ContractRef:
    """The version of a contract that the input is held to, and where and what its document is."""

    name: str
    version: str
    sha256: str
    uri: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Job:
    """What a user asked for.

    `callbacks` is the folder that says whom to report to, if anybody; `correlation_id` is that of the request, None of
    a job from before the platform told it.
    """

    job_id: str
    job_type: str
    job_type_version: str
    inputs: Tuple[Input, ...]
    parameters: Mapping[str, Any]
    contract: Optional[ContractRef] = None
    callbacks: Optional[str] = None
    correlation_id: Optional[str] = None

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Read `{"jobId", "jobType", "jobTypeVersion", "inputs": [{"name", "uri"}], "parameters"}`.

        There may be `"correlationId"`. A job with a contract has `"contract": {"name", "version", "sha256", "uri"}`
        besides, and one whose attempts report has `"callbacks"`.
        """
        job = json.loads(text)
        return cls(
            job_id=job["jobId"],
            job_type=job["jobType"],
            job_type_version=job["jobTypeVersion"],
            inputs=tuple(Input(each["name"], each["uri"]) for each in job["inputs"]),
            parameters=job["parameters"],
            contract=ContractRef(**job["contract"]) if "contract" in job else None,
            callbacks=job.get("callbacks"),
            correlation_id=job.get("correlationId"),
        )


def read_parameters(kind: Type[Parameters], parameters: Mapping[str, Any]) -> Parameters:
    """A job type's parameters as its dataclass `kind`, whose field `null_value` is `nullValue` in JSON.

    Values were checked when the job was accepted; names are checked again, since a parameter that this code
    does not know yet must not be ignored. Raises: InvalidInput.
    """
    fields: Dict[str, dataclasses.Field] = {camel_case(field.name): field for field in dataclasses.fields(kind)}
    unknown = sorted(set(parameters) - set(fields))
    if unknown:
        raise InvalidInput(f"There is no parameter {unknown[0]!r}; there are {', '.join(sorted(fields))}.")
    for name, field in fields.items():
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_required and name not in parameters:
            raise InvalidInput(f"The parameter {name!r} is missing.")
    return kind(**{fields[name].name: value for name, value in parameters.items()})


def camel_case(name: str) -> str:
    """`nullValue` for `null_value`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
