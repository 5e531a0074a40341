"""`cdp datasets` against a server that answers by a script: what it sends, and what it makes of refusals."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cli.file_parts import PART_BYTES, WHOLE_BYTES, FileParts, Piece, read_parts
from shared.datasets.datasets import MOST_PARTS, joined_digest
from tests.unit.test_cli import PROBLEM, Server, cdp, server

__all__ = ["server"]
MIB = 1024 * 1024
BODY = b"carrier\nUA\n"


def dataset(server: Server, status: str = "REGISTERED", name: str = "d1") -> dict[str, Any]:
    """A dataset's record, whose link leads back to the server."""
    checksum = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    headers = {"Content-Length": str(len(BODY)), "x-amz-checksum-sha256": checksum, "If-None-Match": "*"}
    upload = {"kind": "put", "method": "PUT", "url": f"{server.url}/s3?X-Amz-Signature=secret", "headers": headers}
    return {"datasetId": name, "status": status, "upload": upload if status == "REGISTERED" else None}


def missing(*parts: int) -> dict[str, Any]:
    """The problem that names parts."""
    return {**PROBLEM, "code": "upload_missing", "errors": [], "missingParts": list(parts)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file."""
    path = tmp_path / "flights.csv"
    path.write_bytes(BODY)
    return path


def test_a_small_file_is_registered_sent_by_its_link_and_completed(server: Server, file: Path):
    server.will_answer(dataset(server), b"", dataset(server, "READY"))

    code, stdout, _ = cdp(server, "datasets", "upload", str(file), "--tag", "team=ops")

    (register, put, complete) = server.requests
    assert (code, json.loads(stdout)["status"]) == (0, "READY")
    assert json.loads(register[3]) == {
        "fileName": "flights.csv",
        "sizeBytes": len(BODY),
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "contentType": "text/csv",
        "tags": {"team": "ops"},
    }
    assert (put[0], put[1], put[3]) == ("PUT", "/s3?X-Amz-Signature=secret", BODY)
    assert (put[2]["Content-Length"], put[2]["If-None-Match"]) == (str(len(BODY)), "*")
    assert "Authorization" not in put[2]
    assert complete[:2] == ("POST", "/datasets/d1/complete")


def test_a_file_is_registered_as_of_a_type(server: Server, file: Path):
    server.will_answer(dataset(server, "READY"))

    assert cdp(server, "datasets", "upload", str(file), "--type", "reference")[0] == 0

    assert json.loads(server.requests[0][3])["datasetType"] == "reference"


def test_the_same_file_is_registered_under_the_same_key_and_not_sent_twice(server: Server, file: Path):
    server.will_answer(dataset(server, "READY"), dataset(server, "READY"))

    for _ in range(2):
        assert cdp(server, "datasets", "upload", str(file))[0] == 0

    first, second = (request[2]["Idempotency-Key"] for request in server.requests)
    assert first == second


def test_what_has_expired_is_registered_anew(server: Server, file: Path):
    server.will_answer(dataset(server, "EXPIRED"), dataset(server, name="d2"), b"", dataset(server, "READY", "d2"))

    assert cdp(server, "datasets", "upload", str(file))[0] == 0

    first, second = (request[2]["Idempotency-Key"] for request in server.requests[:2])
    assert first != second


def test_what_s3_has_already_is_completed(server: Server, file: Path):
    server.will_answer(dataset(server))
    server.will_answer(b"", status=412)
    server.will_answer(dataset(server, "READY"))

    assert cdp(server, "datasets", "upload", str(file))[0] == 0


def test_a_refusal_of_s3_is_told_without_the_link(server: Server, file: Path):
    server.will_answer(dataset(server))
    server.will_answer(b"<Error><Code>BadDigest</Code></Error>", status=400)

    code, stdout, stderr = cdp(server, "datasets", "upload", str(file))

    assert (code, "BadDigest" in stderr, "secret" in stdout + stderr) == (3, True, False)


def test_an_s3_that_is_away_is_told_without_the_link(server: Server, file: Path):
    record = dataset(server)
    record["upload"]["url"] = "http://127.0.0.1:9/s3?X-Amz-Signature=secret"
    server.will_answer(record)

    code, stdout, stderr = cdp(server, "datasets", "upload", str(file))

    assert (code, "S3 did not answer" in stderr, "secret" in stdout + stderr) == (3, True, False)


def test_only_the_parts_that_s3_does_not_have_are_sent(server: Server, tmp_path: Path):
    path = tmp_path / "large.bin"
    path.write_bytes(b"a" * 5 * MIB + b"b" * 5 * MIB + b"c")
    link = {"number": 3, "method": "PUT", "url": f"{server.url}/s3", "headers": {"Content-Length": "1"}}
    server.will_answer(dataset(server))
    server.will_answer(missing(3), status=409)
    server.will_answer({"parts": [link]}, b"", dataset(server, "READY"))

    assert cdp(server, "datasets", "upload", str(path), "--part-size", "5")[0] == 0

    register, _, links, part, _ = (request[3] for request in server.requests)
    assert json.loads(register)["partSizeBytes"] == 5 * MIB
    assert json.loads(links) == {"parts": [{"number": 3, "sha256": hashlib.sha256(b"c").hexdigest()}]}
    assert part == b"c"


def test_parts_that_stay_missing_although_they_were_sent_are_not_sent_for_ever(server: Server, tmp_path: Path):
    path = tmp_path / "large.bin"
    path.write_bytes(b"c")
    link = {"number": 1, "method": "PUT", "url": f"{server.url}/s3", "headers": {"Content-Length": "1"}}
    server.will_answer(dataset(server))
    server.will_answer(missing(1), status=409)
    server.will_answer({"parts": [link]}, b"")
    server.will_answer(missing(1), status=409)

    code, _, stderr = cdp(server, "datasets", "upload", str(path), "--part-size", "5")

    assert (code, "upload_missing" in stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "request_line"),
    [
        (("get", "d1"), ("GET", "/datasets/d1")),
        (("list",), ("GET", "/datasets")),
        (("list", "--limit", "2", "--cursor", "c"), ("GET", "/datasets?limit=2&cursor=c")),
    ],
)
def test_looking_is_one_request(server: Server, arguments: tuple[str, ...], request_line: tuple[str, str]):
    server.will_answer({"items": []})

    code, stdout, _ = cdp(server, "datasets", *arguments)

    assert (code, json.loads(stdout), server.requests[0][:2]) == (0, {"items": []}, request_line)


@pytest.mark.parametrize("wrong", [("--tag", "ops"), ("--part-size", "4")])
def test_a_wrong_option_is_usage(server: Server, file: Path, wrong: tuple[str, str]):
    assert cdp(server, "datasets", "upload", str(file), *wrong)[0] == 2


def test_an_empty_file_is_not_uploaded(server: Server, tmp_path: Path):
    (tmp_path / "empty.csv").touch()

    code, _, stderr = cdp(server, "datasets", "upload", str(tmp_path / "empty.csv"))

    assert (code, "it is empty" in stderr) == (2, True)


def sparse(tmp_path: Path, size_bytes: int) -> Path:
    """A file of that size which takes no room."""
    path = tmp_path / "sparse.bin"
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


@pytest.mark.parametrize(
    ("size_bytes", "part_size_bytes"), [(WHOLE_BYTES, None), (WHOLE_BYTES + 1, PART_BYTES)], ids=["whole", "in parts"]
)
def test_only_a_large_file_has_parts(tmp_path: Path, size_bytes: int, part_size_bytes: int | None):
    file = read_parts(sparse(tmp_path, size_bytes), None)

    assert file.part_size_bytes == part_size_bytes
    assert len(file.digests) == (1 if part_size_bytes is None else 2)


def test_the_largest_files_have_larger_parts_and_no_more_than_s3_lists_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.file_parts._digests", lambda *file: [])
    huge = Path("huge")
    monkeypatch.setattr(Path, "stat", lambda self: type("Stat", (), {"st_size": MOST_PARTS * PART_BYTES + 1})())

    assert read_parts(huge, None).part_size_bytes == PART_BYTES + 1


def test_the_checksum_of_a_file_in_parts_is_that_of_its_parts_checksums(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(BODY)

    file = read_parts(path, 4)

    pieces = [BODY[:4], BODY[4:8], BODY[8:]]
    assert file == FileParts(path, len(BODY), 4, tuple(hashlib.sha256(piece).digest() for piece in pieces))
    assert file.sha256 == joined_digest(file.digests)
    for number, piece in enumerate(pieces, 1):
        with file.read(number) as body:
            assert body.read() == piece


def test_a_piece_ends_where_it_must(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")

    with Piece(path, 1, 3) as piece:
        assert [piece.read(2), piece.read(2), piece.read(2)] == [b"bc", b"d", b""]
