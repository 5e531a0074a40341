"""A file as it is uploaded: its parts, their checksums, and the bytes of each."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.datasets.datasets import MOST_PARTS, joined_digest, parts_of

BLOCK_BYTES = 1024 * 1024
# A file that is no larger is uploaded in one request, unless somebody wants parts.
WHOLE_BYTES = 100 * 1024 * 1024
PART_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class FileParts:
    """A file that was read once. `part_size_bytes` is None if it goes in one request; it is then its own only part."""

    path: Path
    size_bytes: int
    part_size_bytes: int | None
    digests: tuple[bytes, ...]

    @property
    def sha256(self) -> str:
        """What the file is registered by: its checksum, or that of its parts' checksums."""
        return self.digests[0].hex() if self.part_size_bytes is None else joined_digest(self.digests)

    def read(self, number: int) -> "Piece":
        """The bytes of a part, counted from 1."""
        part_size_bytes = self.part_size_bytes or self.size_bytes
        return Piece(self.path, (number - 1) * part_size_bytes, part_size_bytes)


class Piece:
    """A piece of a file, as an HTTP request reads its body: block by block, however large it is."""

    def __init__(self, path: Path, start: int, most_bytes: int) -> None:
        self._file = path.open("rb")
        self._file.seek(start)
        self._left = most_bytes

    def __enter__(self) -> "Piece":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, most_bytes: int = -1) -> bytes:
        """The next bytes; none at the end of the piece."""
        wanted = self._left if most_bytes < 0 else min(most_bytes, self._left)
        block = self._file.read(wanted)
        self._left -= len(block)
        return block


def read_parts(path: Path, part_size_bytes: int | None) -> FileParts:
    """The file with the checksums of its parts; how large they are is chosen, unless it is said. Raises: OSError."""
    size_bytes = path.stat().st_size
    if part_size_bytes is None and size_bytes > WHOLE_BYTES:
        part_size_bytes = max(PART_BYTES, parts_of(size_bytes, MOST_PARTS))
    return FileParts(path, size_bytes, part_size_bytes, tuple(_digests(path, size_bytes, part_size_bytes)))


def _digests(path: Path, size_bytes: int, part_size_bytes: int | None) -> Iterator[bytes]:
    piece_bytes = part_size_bytes or size_bytes
    for start in range(0, size_bytes, piece_bytes or 1):
        digest = hashlib.sha256()
        with Piece(path, start, piece_bytes) as piece:
            while block := piece.read(BLOCK_BYTES):
                digest.update(block)
        yield digest.digest()
