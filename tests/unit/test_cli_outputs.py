"""`cdp outputs` against a server that plays the API and S3: what is found wrong, and how the command ends."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from cli.__main__ import main

JOB = "/jobs/job-1"
DATA = {"data/a.parquet": b"PAR1 one", "data/b.parquet": b"PAR1 two!" * 300_000}
OTHERS = {"rejectedFiles": {"rejected/r.json": b'{"line": ""}\n'}, "reportFiles": {"reports/p.html": b"<p>"}}


def listed(path: str, body: bytes, rows: int) -> dict[str, Any]:
    """A file as a manifest names it."""
    return {"path": path, "sizeBytes": len(body), "rows": rows, "sha256": hashlib.sha256(body).hexdigest()}


def manifest(**changes: Any) -> dict[str, Any]:
    """The manifest of what lies in S3 when nothing is wrong."""
    sizes = sum(map(len, DATA.values()))
    return {
        "files": [listed(path, body, 2) for path, body in DATA.items()],
        **{name: [listed(path, body, 1) for path, body in files.items()] for name, files in OTHERS.items()},
        "totals": {"files": 2, "rows": 4, "sizeBytes": sizes},
        "counts": {"rowsRead": 5, "rowsWritten": 4, "rowsRejected": 1},
        **changes,
    }


class Server(ThreadingHTTPServer):
    """The API of one job, and an S3 that gives `objects`; `refused` are links that it does not take once."""

    def __init__(self) -> None:
        self.objects = {**DATA, **OTHERS["rejectedFiles"], **OTHERS["reportFiles"]}
        self.held: str | None = None
        self.status = "SUCCEEDED"
        self.problem: dict[str, Any] | None = None
        self.refused: list[str] = []
        self.cut: set[str] = set()
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.write_manifest(manifest())
        self.held = hashlib.sha256(self.objects["_manifest.json"]).hexdigest()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def write_manifest(self, document: Any) -> None:
        """Put a manifest in S3; the job holds what it held."""
        self.objects["_manifest.json"] = document if isinstance(document, bytes) else json.dumps(document).encode()

    def outputs(self) -> dict[str, Any]:
        """What the API says of the job's outputs, by the manifest of before."""
        named = {"files": DATA, **OTHERS}
        lists = {
            name: [{"path": path, "url": f"{self.url}/s3/{path}"} for path in files] for name, files in named.items()
        }
        return {**lists, "manifest": {"url": f"{self.url}/s3/_manifest.json", "sha256": self.held}}

    def job(self) -> dict[str, Any]:
        """The job's record."""
        known = {"attempt": 1, "manifestUri": "s3://processed/jobs/job-1/attempt-1/_manifest.json"}
        return {"jobId": "job-1", "status": self.status, "manifestSha256": self.held, **known}


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    server: Server

    def do_GET(self) -> None:
        """One request."""
        self.server.asked.append(self.path)
        if self.path == JOB:
            self.answer(200, json.dumps(self.server.job()).encode())
        elif self.path == f"{JOB}/outputs" and self.server.problem is not None:
            self.answer(409, json.dumps(self.server.problem).encode())
        elif self.path == f"{JOB}/outputs":
            self.answer(200, json.dumps(self.server.outputs()).encode())
        else:
            self.give_object(self.path.removeprefix("/s3/"))

    def give_object(self, path: str) -> None:
        """What S3 answers."""
        if path in self.server.refused:
            self.server.refused.remove(path)
            self.answer(403, b"<Error/>")
        elif path not in self.server.objects:
            self.answer(404, b"<Error/>")
        else:
            body = self.server.objects[path]
            self.answer(200, body[:-1] if path in self.server.cut else body, len(body))

    def answer(self, status: int, body: bytes, length: int | None = None) -> None:
        """Send an answer that says to be so long."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def cdp(server: Server, *arguments: str) -> tuple[int, list[str], str]:
    """The exit code, the lines on stdout, and stderr."""
    result = CliRunner().invoke(main, ["--url", server.url, "outputs", *arguments])
    return result.exit_code, result.stdout.splitlines(), result.stderr


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_outputs_that_are_as_they_were_are_all_read_and_nothing_is_printed(server: Server):
    code, lines, told = cdp(server, "verify", "job-1")

    assert (code, lines) == (0, [])
    assert told == "Compared the manifest with the job, and 4 files with the manifest. Wrong: 0.\n"
    assert {path for path in server.asked if path.startswith("/s3/")} == {f"/s3/{path}" for path in server.objects}


def spoil(path: str, body: bytes | None):
    """A file that holds something else, or nothing any more."""

    def change(server: Server) -> None:
        if body is None:
            del server.objects[path]
        else:
            server.objects[path] = body

    return change


def rewrite(**changes: Any):
    """A manifest that says something else."""
    return lambda server: server.write_manifest(manifest(**changes))


HELD = sha256(json.dumps(manifest()).encode())
TWO = manifest(files=manifest()["files"][:1])
OTHER = sha256(json.dumps(TWO).encode())
SPOILT = sha256(b"PAR1 0ne")
WRONG = {
    "a file of the same size": (
        spoil("data/a.parquet", b"PAR1 0ne"),
        [f"data/a.parquet: was changed: its SHA-256 is {SPOILT}, and the manifest says {sha256(b'PAR1 one')}."],
    ),
    "a shorter file": (
        spoil("data/a.parquet", b"PAR1"),
        ["data/a.parquet: has 4 bytes, and the manifest says 8."],
    ),
    "a missing file": (spoil("data/b.parquet", None), ["data/b.parquet: is missing."]),
    "missing documents": (
        lambda server: (spoil("reports/p.html", None)(server), spoil("rejected/r.json", None)(server)),
        ["rejected/r.json: is missing.", "reports/p.html: is missing."],
    ),
    "a missing manifest": (
        spoil("_manifest.json", None),
        ["_manifest.json: is missing.", "_manifest.json: is no manifest of this platform."],
    ),
    "another manifest": (
        rewrite(files=TWO["files"]),
        [
            f"_manifest.json: was changed: its SHA-256 is {OTHER}, and the job holds {HELD}.",
            "_manifest.json: says 2 in totals/files, and its files come to 1.",
            "_manifest.json: says 4 in totals/rows, and its files come to 2.",
            "_manifest.json: says 2700008 in totals/sizeBytes, and its files come to 8.",
            "_manifest.json: says 4 in counts/rowsWritten, and its files come to 2.",
        ],
    ),
}


@pytest.mark.parametrize(("change", "expected"), WRONG.values(), ids=WRONG.keys())
def test_each_file_that_is_wrong_is_a_line_and_the_command_fails(server: Server, change: Any, expected: list[str]):
    change(server)

    code, lines, _ = cdp(server, "verify", "job-1")

    assert (code, lines) == (1, expected)


@pytest.mark.parametrize("document", [b"no json", b"[]", b"{}", {"files": [{"path": "a"}]}], ids=str)
def test_what_is_no_manifest_is_told_as_such(server: Server, document: Any):
    server.write_manifest(document)

    code, lines, _ = cdp(server, "verify", "job-1")

    assert (code, lines[-1]) == (1, "_manifest.json: is no manifest of this platform.")


def test_a_manifest_without_an_end_is_not_read_to_it(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.verification.MOST_MANIFEST_BYTES", 100)

    code, lines, _ = cdp(server, "verify", "job-1")

    assert (code, lines[0]) == (1, "_manifest.json: is larger than any manifest.")


def test_machines_get_one_document(server: Server):
    spoil("data/b.parquet", None)(server)

    code, lines, told = cdp(server, "verify", "job-1", "--json")

    assert (code, told) == (1, "")
    assert json.loads("\n".join(lines)) == {
        "jobId": "job-1",
        "attempt": 1,
        "manifestUri": "s3://processed/jobs/job-1/attempt-1/_manifest.json",
        "manifestSha256": HELD,
        "files": 4,
        "wrong": [{"path": "data/b.parquet", "text": "is missing."}],
    }


def test_a_job_of_before_holds_no_checksum_and_its_files_are_compared(server: Server):
    server.held = None
    server.write_manifest(manifest(more="said"))

    code, lines, told = cdp(server, "verify", "job-1")

    assert (code, lines) == (0, [])
    assert "the job holds no checksum" in told


def test_links_that_have_ended_are_asked_for_again(server: Server):
    server.refused = ["data/b.parquet"]

    assert cdp(server, "verify", "job-1")[0] == 0
    assert server.asked.count(f"{JOB}/outputs") == 2


def test_links_that_are_refused_again_end_the_command(server: Server):
    server.refused = ["data/b.parquet"] * 2

    code, _, told = cdp(server, "verify", "job-1")

    assert (code, told) == (3, "cdp: There is no link by which data/b.parquet can be read.\n")


def test_a_file_that_the_api_gives_no_link_to_cannot_be_compared(server: Server):
    server.write_manifest(manifest(files=[listed("data/c.parquet", b"new", 1)]))

    assert cdp(server, "verify", "job-1")[0] == 3


def test_an_answer_that_is_cut_short_is_no_wrong_file(server: Server):
    server.cut = {"data/a.parquet"}

    code, lines, told = cdp(server, "verify", "job-1")

    assert (code, lines) == (3, [])
    assert "S3 did not send all of data/a.parquet: 1 bytes did not come." in told


NOT_READY = {"code": "outputs_not_ready", "detail": "there is no manifest at s3://x", "correlationId": "c-1"}


def test_a_manifest_that_the_api_cannot_read_is_wrong_if_the_job_holds_its_checksum(server: Server):
    server.problem = NOT_READY

    assert cdp(server, "verify", "job-1")[:2] == (1, ["_manifest.json: there is no manifest at s3://x"])


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED"])
def test_a_job_without_outputs_is_refused_as_the_api_refuses_it(server: Server, status: str):
    server.problem, server.status, server.held = NOT_READY, status, None

    code, lines, told = cdp(server, "verify", "job-1")

    assert (code, lines) == (3, [])
    assert "there is no manifest at s3://x (409 outputs_not_ready" in told


def test_the_job_alone_shows_its_outputs_as_before(server: Server):
    code, lines, _ = cdp(server, "job-1")

    assert (code, json.loads("\n".join(lines))) == (0, server.outputs())
