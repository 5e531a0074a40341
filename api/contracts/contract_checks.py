"""Whether a submission's input may be as its contract says, as far as the first bytes of its files tell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from api.jobs.inputs import Inputs
from api.protocol.operations import sentence
from shared.contracts.contract_headers import header_faults
from shared.contracts.contract_registry import ContractRegistry, StoredContract
from shared.contracts.contracts import read_reference
from shared.contracts.csv_headers import HEAD_BYTES, header_of, is_hidden, is_named_csv, is_plain_csv
from shared.errors import ContractNotFound, FieldProblem, ObjectsForbidden, ValidationFailed
from shared.job_types import JobType
from shared.submission import Submission

# Of a folder; Spark looks at every file.
FILES_LOOKED_AT = 3


@dataclass(frozen=True)
class Held:
    """A submission and the contract that it names."""

    asked: Submission
    job_type: JobType
    stored: StoredContract
    objects: Inputs


Problems = Iterator[FieldProblem]


def require_contract(text: str, contracts: ContractRegistry, pointer: str = "/contract") -> StoredContract:
    """The contract that `name/version` names. Raises: ValidationFailed at `pointer`; the errors of a service away."""
    reference = read_reference(text)
    if reference is None:
        told = "Write name/version, such as flights/1.0.0."
        raise ValidationFailed(told, [FieldProblem(pointer, told)])
    try:
        return contracts.get(*reference)
    except ContractNotFound as error:
        raise ValidationFailed(error.detail, [FieldProblem(pointer, error.detail)]) from error


def held_to_contract(asked: Submission, job_type: JobType, contracts: ContractRegistry, objects: Inputs) -> Submission:
    """The submission with the contract that it or its dataset names, found; it has passed all other checks.

    Raises: ValidationFailed with all problems of the parameters, or else of the files; ObjectsUnavailable,
    StoreUnavailable.
    """
    # Of a dataset's contract a type that takes none knows nothing; one that takes one reads one input.
    name = asked.contract or (asked.contract_of_dataset if job_type.takes_contract else None)
    if name is None and job_type.needs_contract:
        text = f"A job of type {job_type.name} needs a contract; write name/version, such as flights/1.0.0."
        raise ValidationFailed(text, [FieldProblem("/contract", text)])
    if name is None:
        return asked
    if not job_type.takes_contract:
        text = f"A job of type {job_type.name} takes no contract."
        raise ValidationFailed(text, [FieldProblem("/contract", text)])
    held = Held(asked, job_type, require_contract(name, contracts), objects)
    for stage in STAGES:
        problems = list(stage(held))
        if problems:
            raise ValidationFailed(sentence(problems), problems)
    return replace(asked, contract_ref=held.stored.ref)


def columns_of_parameters(held: Held) -> Problems:
    """`columns` and `partitionBy` name the contract's columns, with its types."""
    by_name = held.stored.contract.by_name
    columns = held.asked.parameters.get("columns", [])
    if columns and held.job_type.formats == ("json",):  # whose fields have names, so there is nothing left to say
        text = f"Contract {held.stored.ref} says the columns and their types: leave them out."
        yield FieldProblem("/parameters/columns", text)
        columns = []
    if columns:
        for fault in header_faults(held.stored.contract, [column["name"] for column in columns]):
            yield FieldProblem("/parameters/columns", f"Not as contract {held.stored.ref} says. {fault}")
    for number, column in enumerate(columns):
        stated = by_name.get(column["name"].lower())
        if stated is not None and stated.type != column["type"].replace(" ", ""):
            text = f"Contract {held.stored.ref} says that {column['name']!r} is {stated.type}."
            yield FieldProblem(f"/parameters/columns/{number}/type", text)
    for number, name in enumerate(held.asked.parameters.get("partitionBy", [])):
        if name.lower() not in by_name:
            text = f"Contract {held.stored.ref} has no such column."
            yield FieldProblem(f"/parameters/partitionBy/{number}", text)


def headers_of_files(held: Held) -> Problems:
    """The first files' headers have the contract's columns. Raises: ObjectsUnavailable."""
    if "csv" not in held.job_type.formats or not held.asked.parameters.get("header", True):
        return
    for number, entry in enumerate(held.asked.inputs):
        try:
            for uri in filter(partial(is_read_as_csv, held), first_files(entry.uri, held.objects)):
                for fault in faults_of_file(uri, held):
                    text = f"The header of {uri} is not as contract {held.stored.ref} says. {fault}"
                    yield FieldProblem(f"/inputs/{number}/uri", text)
        except ObjectsForbidden as error:
            yield FieldProblem(f"/inputs/{number}/uri", error.detail)


STAGES: tuple[Callable[[Held], Problems], ...] = (columns_of_parameters, headers_of_files)


def is_read_as_csv(held: Held, uri: str) -> bool:
    """Whether a file is CSV to the run: a job type that reads several formats goes by its parameter, then by names."""
    if held.job_type.formats == ("csv",):
        return True
    return str(held.asked.parameters.get("format", "csv" if is_named_csv(uri) else "")) == "csv"


def faults_of_file(uri: str, held: Held) -> Iterator[str]:
    """What is wrong with a file's header, if it can be read here."""
    head = held.objects.read_head(uri, HEAD_BYTES)
    names = None if head is None else header_of(head, uri, held.asked.parameters)
    if names is not None:
        yield from header_faults(held.stored.contract, names)


def first_files(uri: str, objects: Inputs) -> list[str]:
    """The object of this URI, or the first files of the folder that Spark would read, by their names."""
    if uri.endswith("/") or not objects.is_object(uri):
        folder = f"{uri.rstrip('/')}/"
        found = [each for each in objects.first_below(folder) if not is_hidden(each.removeprefix(folder))]
    else:
        found = [uri]
    return [each for each in found if is_plain_csv(each)][:FILES_LOOKED_AT]
