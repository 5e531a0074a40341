"""Whether S3 holds what was registered: by its own record, which is compared, and never by what a client says."""

from collections.abc import Sequence

from shared.datasets.datasets import Dataset
from shared.datasets.uploads import StoredObject, StoredPart, UploadStore, composite_of
from shared.errors import UploadMismatch, UploadMissing

MOST_NAMED = 100


def uploaded(dataset: Dataset, uploads: UploadStore) -> StoredObject:
    """S3's record of the dataset's bytes, which are those that were registered.

    Raises: UploadMissing, UploadMismatch, ObjectsUnavailable.
    """
    if dataset.part_count is not None:
        join(dataset, uploads)
    found = uploads.found(dataset)
    if found is None:
        raise UploadMissing("Nothing was uploaded yet.")
    check(dataset, found.size_bytes, found.checksum)
    return found


def join(dataset: Dataset, uploads: UploadStore) -> None:
    """Make one object of the parts, unless there is one. Raises: UploadMissing, UploadMismatch, ObjectsUnavailable."""
    if dataset.upload_id is None:
        raise missing(dataset, [])
    parts = uploads.parts(dataset)
    if parts is None:  # joined before, by a completion that did not come to its end
        return
    if len(parts) < (dataset.part_count or 0):
        raise missing(dataset, parts)
    check_parts(dataset, parts)
    uploads.join_parts(dataset, parts)


def missing(dataset: Dataset, parts: Sequence[StoredPart]) -> UploadMissing:
    """The error that names the parts which are not there yet."""
    there = {part.number for part in parts}
    numbers = [number for number in range(1, (dataset.part_count or 0) + 1) if number not in there]
    return UploadMissing(f"{len(numbers)} of {dataset.part_count} parts are not uploaded yet.", numbers[:MOST_NAMED])


def check_parts(dataset: Dataset, parts: Sequence[StoredPart]) -> None:
    """Return if the parts make the file. While they are apart, one can still be uploaded again."""
    for part in parts:
        if part.size_bytes != dataset.part_bytes(part.number):
            raise UploadMismatch(
                f"Part {part.number} has {part.size_bytes} bytes; it must have {dataset.part_bytes(part.number)}.",
                {"part": part.number, "sizeBytes": dataset.part_bytes(part.number)},
                {"part": part.number, "sizeBytes": part.size_bytes},
            )
    check(dataset, sum(part.size_bytes for part in parts), composite_of(parts))


def check(dataset: Dataset, size_bytes: int, checksum: str | None) -> None:
    """Return if size and checksum are those that were registered. Raises: UploadMismatch."""
    expected = {"sizeBytes": dataset.registration.size_bytes, "checksumSha256": dataset.s3_checksum}
    found = {"sizeBytes": size_bytes, "checksumSha256": checksum}
    wrong = [name for name, value in expected.items() if found[name] != value]
    if wrong:
        text = " and ".join(f"{name} {found[name]} instead of {expected[name]}" for name in wrong)
        raise UploadMismatch(f"S3 recorded {text}. Register the file as it is.", expected, found)
