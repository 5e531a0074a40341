"""What is said of a kind of Spark job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class JobType:
    """A kind of job. `example` is the whole body of a request; `entry_point` lies in the folder of the Spark code.

    A type that takes a contract has `formats`, those that its input may have, and may be nothing without one.
    With a `program_parameter` the program is the user's own, and that parameter says where it lies.
    """

    name: str
    version: str
    title: str
    description: str
    parameters_schema: Mapping[str, Any]
    min_inputs: int
    max_inputs: int
    example: Mapping[str, Any]
    entry_point: str
    local_only: bool = False
    formats: tuple[str, ...] = ()
    takes_contract: bool = False
    needs_contract: bool = False
    program_parameter: str | None = None
