"""Request bodies: what can be read, and how everything else is refused."""

import io
import json

import pytest

from tests.unit.api.service import Api, problem_of, submission

JSON = {"Content-Type": "application/json"}
REFUSED = [
    ("nothing", b"", 400, "malformed_request"),
    ("half of it", b'{"jobType": ', 400, "malformed_request"),
    ("no JSON", b"jobType=x", 400, "malformed_request"),
    ("two values", b"{} {}", 400, "malformed_request"),
    ("a list", b"[]", 400, "malformed_request"),
    ("a text", b'"x"', 400, "malformed_request"),
    ("null", b"null", 400, "malformed_request"),
    ("NaN", b'{"timeoutSeconds": NaN}', 400, "malformed_request"),
    ("Infinity", b'{"parameters": {"a": [-Infinity]}}', 400, "malformed_request"),
    ("a number beyond all floats", b'{"parameters": {"a": [1e999]}}', 400, "malformed_request"),
    ("a number of 5000 digits", b'{"timeoutSeconds": ' + b"9" * 5000 + b"}", 400, "malformed_request"),
    ("half a surrogate pair", b'{"jobType": "\\ud800"}', 400, "malformed_request"),
    ("half a pair as a name", b'{"\\udc00": 1}', 400, "malformed_request"),
    ("Latin-1", b'{"jobType": "caf\xe9"}', 400, "malformed_request"),
    ("UTF-16", '{"jobType": "x"}'.encode("utf-16"), 400, "malformed_request"),
    ("a byte order mark", b"\xef\xbb\xbf{}", 400, "malformed_request"),
    ("a field twice", b'{"jobType": "a", "jobType": "b"}', 400, "malformed_request"),
    ("a field twice, deep down", b'{"parameters": {"a": [{"b": 1, "b": 2}]}}', 400, "malformed_request"),
    ("a NUL", b'{"jobType": "a\\u0000"}', 400, "malformed_request"),
    ("a NUL in a name", b'{"tags": {"\\u0000": "x"}}', 400, "malformed_request"),
    ("33 levels", b'{"parameters":' + b"[" * 32 + b"]" * 32 + b"}", 400, "malformed_request"),
    ("30,000 levels", b'{"parameters":' + b"[" * 30000 + b"]" * 30000 + b"}", 400, "malformed_request"),
]


@pytest.mark.parametrize(("body", "status", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_body_that_is_no_proper_json_object_is_refused(api: Api, body: bytes, status: int, code: str):
    assert problem_of(api.post("/jobs", data=body, headers=JSON)) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        b'{"parameters": {"a": "\\\\u0000"}}',
        b'{"parameters": {"a": "\\ud83d\\ude00"}}',
        '{"parameters": {"a": "caf\u00e9"}}'.encode(),
        b'{"parameters":' + b"[" * 30 + b"]" * 30 + b"}",
        b'  {"parameters": {"a": 1e308}}\r\n',
    ],
    ids=["a spelt-out NUL", "a whole pair", "UTF-8", "31 levels", "blanks and a large number"],
)
def test_what_only_looks_suspicious_is_read(api: Api, body: bytes):
    # It gets past the reader: only then are fields looked at.
    assert problem_of(api.post("/jobs", data=body, headers=JSON)) == (422, "validation_failed")


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/jsonx"],
)
def test_another_content_type_is_refused(api: Api, content_type: str | None):
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = api.post("/jobs", data=json.dumps(submission()), headers=headers)

    assert problem_of(response) == (415, "unsupported_media_type")


def test_a_compressed_body_is_refused(api: Api):
    response = api.post("/jobs", data=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"})

    assert problem_of(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", "Application/JSON"])
def test_json_may_be_called_so_in_any_way(api: Api, content_type: str):
    response = api.post("/jobs", data=json.dumps(submission()), headers={"Content-Type": content_type})

    assert response.status_code == 202


def padded(size_bytes: int) -> bytes:
    """A submission of exactly so many bytes."""
    body = json.dumps(submission()).encode()
    return body + b" " * (size_bytes - len(body))


@pytest.mark.parametrize(("more_bytes", "status"), [(0, 202), (1, 413), (2, 413), (100_000, 413)])
@pytest.mark.parametrize("length_is_told", [True, False])
def test_a_body_may_have_as_many_bytes_as_allowed(api: Api, more_bytes: int, status: int, length_is_told: bool):
    body = padded(api.settings.max_body_bytes + more_bytes)
    if length_is_told:
        response = api.post("/jobs", data=body, headers=JSON)
    else:  # as a server that reads chunks hands it on
        environ = {"wsgi.input_terminated": True}
        headers = {**JSON, "Transfer-Encoding": "chunked"}
        response = api.post("/jobs", input_stream=io.BytesIO(body), headers=headers, environ_overrides=environ)

    assert response.status_code == status
    assert status == 202 or response.get_json()["code"] == "body_too_large"


class BrokenChunks(Exception):
    """What a server of its own kind raises."""


@pytest.mark.parametrize("error", [OSError("reset by peer"), BrokenChunks("zz")], ids=repr)
def test_a_body_that_breaks_off_is_the_callers_problem(api: Api, error: Exception):
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise error

        readinto = read

    environ = {"wsgi.input_terminated": True}

    response = api.post("/jobs", input_stream=Broken(), headers=JSON, environ_overrides=environ)

    assert problem_of(response) == (400, "malformed_request")
