"""Whether the inputs are still what they were when the job began: what is made of moving data is no result."""

from contextlib import contextmanager
from typing import Iterator, Optional, Sequence, Tuple

from py4j.protocol import Py4JJavaError
from pyspark.errors.exceptions.captured import CapturedException

from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles, find_input
from spark_jobs.job import Input
from spark_jobs.object_store import ObjectStore, StoredFile

WHAT_TO_DO = (
    "The result could be made of both, so it is not given. Submit the job again once nothing writes there; "
    "objects that are written once and never again are safe inputs."
)


@contextmanager
def held_to(store: ObjectStore, inputs: Sequence[InputFiles]) -> Iterator[None]:
    """Run a block that reads the inputs, and look at its end whether they changed meanwhile.

    A block that failed may have failed of that, by a file that was not found or rows that were counted twice: then
    the change is told. Raises: InvalidInput, besides what the block raises.
    """
    try:
        yield
    except Exception as error:
        change = _change_if_known(store, inputs)
        if change is not None:
            raise InvalidInput(change) from error
        raise
    change = change_of(store, inputs)
    if change is not None:
        raise InvalidInput(change)


def _change_if_known(store: ObjectStore, inputs: Sequence[InputFiles]) -> Optional[str]:
    try:
        return change_of(store, inputs)
    except (Py4JJavaError, CapturedException):  # a store that does not answer must not hide why the block failed
        return None


def change_of(store: ObjectStore, inputs: Sequence[InputFiles]) -> Optional[str]:
    """What changed since the inputs were found, as sentences; None if nothing did."""
    for before in inputs:
        try:
            now = find_input(store, Input(before.name, before.uri)).files
        except InvalidInput as error:
            return f"Input {before.name!r} changed while the job ran. Now it is: {error} {WHAT_TO_DO}"
        difference = difference_of(before.files, now)
        if difference is not None:
            return f"Input {before.name!r} changed while the job ran: {difference}. {WHAT_TO_DO}"
    return None


def difference_of(before: Sequence[StoredFile], now: Sequence[StoredFile]) -> Optional[str]:
    """The first file that is gone, another one, or new, in words."""
    then_by_uri, now_by_uri = ({file.uri: file for file in files} for files in (before, now))
    for uri, file in then_by_uri.items():
        if uri not in now_by_uri:
            return f"{uri} is gone or empty"
        if mark_of(file) != mark_of(now_by_uri[uri]):
            return f"{uri} was written again"
    added = [uri for uri in now_by_uri if uri not in then_by_uri]
    return f"{added[0]} was added" if added else None


def mark_of(file: StoredFile) -> Tuple[object, ...]:
    """What is the same as long as a file's content is: S3's mark of it, or else its size and time."""
    return (file.etag,) if file.etag is not None else (file.size_bytes, file.modified_at)
