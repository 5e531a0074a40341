"""Whether a job's outputs are still what they were when it SUCCEEDED, by its own checksum and those of its manifest."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException

from cli.client import ApiClient, Problem, Record, Unreachable

MANIFEST = "_manifest.json"
BLOCK_BYTES = 1024 * 1024
# What the API itself reads of a manifest.
MOST_MANIFEST_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 60
FORBIDDEN, MISSING = 403, 404
NOT_READY = "outputs_not_ready"
LISTS = ("files", "rejectedFiles", "reportFiles")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """A file that is not as it should be, and how."""

    path: str
    text: str


@dataclass(frozen=True)
class Verified:
    """What was compared: the manifest, and so many files that it names."""

    job: Record
    files: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Listed:
    """A file as the manifest names it; a document has no rows."""

    path: str
    size_bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class Manifest:
    """What a manifest says of files, and what it says they come to."""

    data: tuple[Listed, ...]
    others: tuple[Listed, ...]
    totals: Mapping[str, int]
    rows_written: int


class NoSuchFile(Exception):
    """S3 has no object at a link."""


class LinkRefused(Exception):
    """S3 does not take the link, or no longer."""


class Links:
    """Links to a job's files; they end after a while, and are asked for again then."""

    def __init__(self, client: ApiClient, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._urls = self._ask()

    def _ask(self) -> Mapping[str, str]:
        answer = self._client.outputs(self._job_id)
        urls = {file["path"]: file["url"] for name in LISTS for file in answer[name]}
        return {**urls, MANIFEST: answer["manifest"]["url"]}

    def read(self, path: str) -> Iterator[bytes]:
        """A file, block by block. Raises: NoSuchFile, Problem, Unreachable."""
        try:
            yield from self._read(path)
        except LinkRefused:
            self._urls = self._ask()
            try:
                yield from self._read(path)
            except LinkRefused:
                raise Unreachable(f"There is no link by which {path} can be read.") from None

    def _read(self, path: str) -> Iterator[bytes]:
        if path not in self._urls:
            raise LinkRefused
        yield from blocks_of(self._urls[path], path)


def verify(client: ApiClient, job_id: str, say: Say) -> Verified:
    """Compare a job's manifest with the job, and every file with the manifest; a file of any size is read once.

    Raises: Problem, also for a job that has no outputs; Unreachable.
    """
    job = client.get(job_id)
    try:
        links = Links(client, job_id)
    except Problem as problem:
        if problem.code != NOT_READY or job["manifestSha256"] is None:
            raise
        return Verified(job, 0, (Finding(MANIFEST, problem.detail),))  # the job says that there was one
    say(f"reading {MANIFEST}")
    body, findings = read_manifest(links, job["manifestSha256"])
    manifest = parsed(body)
    if manifest is None:
        return Verified(job, 0, (*findings, Finding(MANIFEST, "is no manifest of this platform.")))
    files = (*manifest.data, *manifest.others)
    for number, listed in enumerate(files, 1):
        say(f"reading file {number} of {len(files)}")
        findings += [Finding(listed.path, fault) for fault in faults_of(links, listed)]
    findings += [Finding(MANIFEST, fault) for fault in wrong_sums(manifest)]
    return Verified(job, len(files), tuple(findings))


def read_manifest(links: Links, held: str | None) -> tuple[bytes, list[Finding]]:
    """The manifest, and what is wrong with it by the checksum that the job holds, if it holds one."""
    body = b""
    try:
        for block in links.read(MANIFEST):
            body += block
            if len(body) > MOST_MANIFEST_BYTES:
                return b"", [Finding(MANIFEST, "is larger than any manifest.")]
    except NoSuchFile:
        return b"", [Finding(MANIFEST, "is missing.")]
    sha256 = hashlib.sha256(body).hexdigest()
    if held in (None, sha256):
        return body, []
    return body, [Finding(MANIFEST, f"was changed: its SHA-256 is {sha256}, and the job holds {held}.")]


def parsed(body: bytes) -> Manifest | None:
    """A manifest by its bytes; None if it is none."""
    try:
        document = json.loads(body)
        data = tuple(map(listed_of, document["files"]))
        others = tuple(listed_of(file) for name in LISTS[1:] for file in document.get(name, []))
        totals = {name: int(document["totals"][name]) for name in ("files", "rows", "sizeBytes")}
        return Manifest(data, others, totals, int(document["counts"]["rowsWritten"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def listed_of(file: Record) -> Listed:
    """A file of a manifest. Raises what reading a wrong one raises."""
    return Listed(str(file["path"]), int(file["sizeBytes"]), str(file["sha256"]), int(file.get("rows", 0)))


def faults_of(links: Links, listed: Listed) -> Iterator[str]:
    """How a file differs from what the manifest says; nothing if it does not."""
    size_bytes, digest = 0, hashlib.sha256()
    try:
        for block in links.read(listed.path):
            size_bytes += len(block)
            digest.update(block)
    except NoSuchFile:
        yield "is missing."
        return
    if size_bytes != listed.size_bytes:
        yield f"has {size_bytes} bytes, and the manifest says {listed.size_bytes}."
    elif digest.hexdigest() != listed.sha256:
        yield f"was changed: its SHA-256 is {digest.hexdigest()}, and the manifest says {listed.sha256}."


def wrong_sums(manifest: Manifest) -> Iterator[str]:
    """Totals of a manifest that its own files do not come to."""
    rows = sum(file.rows for file in manifest.data)
    size_bytes = sum(file.size_bytes for file in manifest.data)
    sums = {"files": len(manifest.data), "rows": rows, "sizeBytes": size_bytes}
    for name, found in sums.items():
        if found != manifest.totals[name]:
            yield f"says {manifest.totals[name]} in totals/{name}, and its files come to {found}."
    if manifest.rows_written != rows:
        yield f"says {manifest.rows_written} in counts/rowsWritten, and its files come to {rows}."


def blocks_of(url: str, path: str) -> Iterator[bytes]:
    """An object by its link, block by block. Raises: NoSuchFile, LinkRefused; Unreachable, which tells no link."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 (the link is the API's)
            left = int(answer.headers.get("Content-Length", 0))
            while block := answer.read(BLOCK_BYTES):
                left -= len(block)
                yield block
    except urllib.error.HTTPError as error:
        if error.code == MISSING:
            raise NoSuchFile(path) from None
        if error.code == FORBIDDEN:
            raise LinkRefused(path) from None
        raise Unreachable(f"S3 did not give {path}: {error.code}") from None
    except (OSError, ValueError, HTTPException) as error:
        raise Unreachable(f"S3 did not answer for {path}: {error}") from None
    if left > 0:
        raise Unreachable(f"S3 did not send all of {path}: {left} bytes did not come.")
