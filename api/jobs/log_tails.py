"""The end of a compressed log, read once from its beginning and never held as a whole. Pure."""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

# gzip's own header and checksum, and as many members as there are.
GZIP = 16 + zlib.MAX_WBITS
STEP_BYTES = 256 * 1024


@dataclass(frozen=True)
class Window:
    """Which part of a log is wanted: what comes `after` so many bytes, of that the last lines, within so many bytes."""

    after: int
    lines: int
    most_bytes: int


@dataclass(frozen=True)
class Most:
    """How much of a log is worked through: of what S3 holds, and of what that unzips to."""

    fetched_bytes: int
    read_bytes: int


@dataclass(frozen=True)
class Tail:
    """A part of a log. `starts_at` and `next_after` count bytes of the log as it was written, not compressed.

    `is_cut` says that it goes on behind what was read, and `is_broken` that nothing could be read from there on.
    """

    text: str
    starts_at: int
    next_after: int
    is_cut: bool = False
    is_broken: bool = False


@dataclass
class Reading:
    """What is known of a log while it is read: its last bytes, and how many there were."""

    most_bytes: int
    kept: bytearray = field(default_factory=bytearray)
    size: int = 0

    def take(self, piece: bytes) -> None:
        """Go on by a piece; what no answer can hold is forgotten."""
        self.size += len(piece)
        self.kept += piece
        if len(self.kept) > 2 * self.most_bytes + STEP_BYTES:
            del self.kept[: -self.most_bytes]


class TooLong(Exception):
    """More came than is read."""


def tail_of(pieces: Iterable[bytes], window: Window, most: Most, *, is_whole: bool) -> Tail:
    """The wanted part of a log, as far as it is read.

    A log that is not whole yet may end within a character: that one comes with what follows it.
    """
    reading, is_cut, is_broken = Reading(window.most_bytes), False, False
    try:
        for piece in at_most(unzipped(at_most(pieces, most.fetched_bytes)), most.read_bytes):
            reading.take(piece)
    except TooLong:
        is_cut = True
    except zlib.error:
        is_broken = True
    content, starts_at = wanted_of(reading, window)
    text, pending = decoded(content, is_whole=is_whole and not is_cut)
    return Tail(text, starts_at, reading.size - pending, is_cut, is_broken)


def at_most(pieces: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """The pieces while they are no more than so many bytes. Raises: TooLong."""
    for piece in pieces:
        most_bytes -= len(piece)
        if most_bytes < 0:
            raise TooLong
        yield piece


def unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip stream, by pieces of `STEP_BYTES` at most. Raises: zlib.error."""
    unzip = zlib.decompressobj(GZIP)
    for piece in pieces:
        rest = piece
        while rest:
            yield unzip.decompress(rest, STEP_BYTES)
            rest = unzip.unconsumed_tail
            if unzip.eof and unzip.unused_data:
                rest, unzip = unzip.unused_data, zlib.decompressobj(GZIP)


def wanted_of(reading: Reading, window: Window) -> tuple[bytes, int]:
    """What an answer holds of what was read, and how many bytes come before that."""
    after = min(window.after, reading.size)
    last = bytes(reading.kept[-min(window.most_bytes, reading.size - after) :]) if reading.size > after else b""
    wanted = last_lines(last, window.lines)
    if reading.size - len(wanted) > after:
        wanted = wanted[broken_beginning(wanted) :]
    return wanted, reading.size - len(wanted)


def decoded(content: bytes, *, is_whole: bool) -> tuple[str, int]:
    """The text, and how many bytes at its end wait for the rest of their character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(content, final=is_whole), len(decoder.getstate()[0])


def last_lines(content: bytes, lines: int) -> bytes:
    """The last so many lines; one that has not ended yet is one."""
    parts = content.split(b"\n")
    return b"\n".join(parts[-(lines + (parts[-1] == b"")) :])


def broken_beginning(content: bytes) -> int:
    """How many bytes of a character stand at the front that begins before them."""
    return next((at for at, byte in enumerate(content[:3]) if byte & 0xC0 != 0x80), 0)
