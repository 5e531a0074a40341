"""What a registration must be beyond its shape: within the limits of this service and of S3."""

from collections.abc import Iterator

from api.contracts.contract_checks import require_contract
from api.protocol.operations import sentence
from shared.contracts.contract_registry import ContractRegistry
from shared.datasets.datasets import MOST_PARTS, Registration, parts_of
from shared.errors import FieldProblem, ValidationFailed
from shared.settings import Settings


def check_registration(asked: Registration, settings: Settings, contracts: ContractRegistry) -> None:
    """Return if such a file may be uploaded. Raises: ValidationFailed, ObjectsUnavailable, StoreUnavailable."""
    problems = [*size_problems(asked, settings), *part_problems(asked, settings), *type_problems(asked, settings)]
    if problems:
        raise ValidationFailed(sentence(problems), problems)
    if asked.contract is not None:
        require_contract(asked.contract, contracts)


def size_problems(asked: Registration, settings: Settings) -> Iterator[FieldProblem]:
    """Its size. What no day has room for is no matter of waiting, so it is not left to the quota."""
    most = min(settings.max_upload_bytes, settings.quota_upload_bytes_per_day)
    if asked.size_bytes > most:
        yield FieldProblem("/sizeBytes", f"A file may have {most} bytes here.")


def part_problems(asked: Registration, settings: Settings) -> Iterator[FieldProblem]:
    """Whether it needs parts, and how many there would be."""
    most = settings.max_single_upload_bytes
    if asked.part_size_bytes is None:
        if asked.size_bytes > most:
            yield FieldProblem(
                "/partSizeBytes", f"A file of more than {most} bytes is uploaded in parts: give their size."
            )
        return
    parts = parts_of(asked.size_bytes, asked.part_size_bytes)
    if parts > MOST_PARTS:
        least = parts_of(asked.size_bytes, MOST_PARTS)
        yield FieldProblem(
            "/partSizeBytes", f"That makes {parts} parts; {MOST_PARTS} are possible, of {least} bytes each."
        )


def type_problems(asked: Registration, settings: Settings) -> Iterator[FieldProblem]:
    """Whether there is such a type."""
    types = settings.retention_of_types
    if asked.dataset_type is not None and asked.dataset_type not in types:
        yield FieldProblem("/datasetType", f"There is no such type; there are: {', '.join(types)}.")
