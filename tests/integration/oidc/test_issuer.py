"""What the API makes of a provider that answers strangely, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from api.identity import issuer
from api.identity.issuer import DISCOVERY, MOST_BYTES, Issuer
from shared.errors import IssuerUnavailable
from shared.settings import Settings
from tests.unit.api.issuing import public_jwk


class Strange(ThreadingHTTPServer):
    """Answers each path as `answers` says: a body, or (status, headers, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, Any] = {
            DISCOVERY: {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": [public_jwk()]},
        }
        self.asked: list[str] = []
        self.ended = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Strange

    def do_GET(self) -> None:
        """Answer as told; None is silence."""
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path, (404, {}, b""))
        if answer is None:
            self.server.ended.wait(30)
            return
        status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        """Write nothing."""


@pytest.fixture
def strange() -> Iterator[Strange]:
    """A provider that answers as it is told."""
    server = Strange()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()


def settings(url: str, **changes: Any) -> Settings:
    """Settings that name the provider."""
    return replace(Settings(), **{"oidc_issuer": url, "auth_mode": "oidc", "oidc_audience": "api", **changes})


def test_the_keys_are_found_by_the_configuration(strange: Strange):
    table = Issuer(settings(strange.url)).fetch_keys()

    assert ("RSA-1", "RS256") in table
    assert strange.asked == [DISCOVERY, "/keys"]


def test_an_issuer_may_be_a_path_with_a_slash_at_its_end(strange: Strange):
    name = f"{strange.url}/tenant/"
    strange.answers[f"/tenant{DISCOVERY}"] = {"issuer": name, "jwks_uri": f"{strange.url}/keys"}

    assert Issuer(settings(name)).fetch_keys()


DEEP = b"[" * 100_000
STRANGE: list[tuple[str, dict[str, Any]]] = [
    ("no configuration", {DISCOVERY: (404, {}, b"")}),
    ("a configuration that fails", {DISCOVERY: (500, {}, b"{}")}),
    ("a configuration of another", {DISCOVERY: {"issuer": "https://other.example", "jwks_uri": "{url}/keys"}}),
    ("a configuration of nobody", {DISCOVERY: {"jwks_uri": "{url}/keys"}}),
    ("a configuration without keys", {DISCOVERY: {"issuer": "{url}"}}),
    ("keys in a file", {DISCOVERY: {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"}}),
    ("keys by FTP", {DISCOVERY: {"issuer": "{url}", "jwks_uri": "ftp://127.0.0.1/keys"}}),
    ("keys at a broken address", {DISCOVERY: {"issuer": "{url}", "jwks_uri": "http://[::1/keys"}}),
    ("keys at an address with blanks", {DISCOVERY: {"issuer": "{url}", "jwks_uri": "http://127.0.0.1:9/a b\r\nx"}}),
    ("keys at a port where nobody is", {DISCOVERY: {"issuer": "{url}", "jwks_uri": "http://127.0.0.1:9/keys"}}),
    ("an address of keys that is a list", {DISCOVERY: {"issuer": "{url}", "jwks_uri": ["{url}/keys"]}}),
    ("keys somewhere else", {"/keys": (302, {"Location": "/other"}, b""), "/other": {"keys": [public_jwk()]}}),
    ("keys that are no JSON", {"/keys": b"<html>"}),
    ("keys that are no UTF-8", {"/keys": b"\xff\xfe\xff"}),
    ("keys that are a list", {"/keys": [public_jwk()]}),
    ("keys thousands of levels deep", {"/keys": DEEP}),
    ("no keys", {"/keys": {"keys": []}}),
    ("no key that can be used", {"/keys": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
    ("keys without end", {"/keys": b" " * (MOST_BYTES + 1)}),
    ("half of the keys", {"/keys": (200, {"Content-Length": "1000"}, b'{"keys": []}')}),
    ("keys that are nothing", {"/keys": b""}),
]


def placed(value: Any, url: str) -> Any:
    """An answer with the address of the server in it."""
    return json.loads(json.dumps(value).replace("{url}", url)) if isinstance(value, dict) else value


@pytest.mark.parametrize("answers", [case[1] for case in STRANGE], ids=[case[0] for case in STRANGE])
def test_a_strange_answer_is_an_outage_and_no_keys(strange: Strange, answers: dict[str, Any]):
    strange.answers |= {path: placed(answer, strange.url) for path, answer in answers.items()}

    with pytest.raises(IssuerUnavailable):
        Issuer(settings(strange.url)).fetch_keys()

    assert "/other" not in strange.asked


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
def test_silence_is_an_outage_too(strange: Strange, path: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(issuer, "SILENCE_SECONDS", 0.05)
    strange.answers[path] = None

    with pytest.raises(IssuerUnavailable):
        Issuer(settings(strange.url)).fetch_keys()


def test_an_answer_that_comes_too_slowly_is_an_outage(strange: Strange, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(issuer, "ANSWER_SECONDS", -1.0)

    with pytest.raises(IssuerUnavailable, match="takes too long"):
        Issuer(settings(strange.url)).fetch_keys()


def test_outside_of_development_keys_come_by_https_only(strange: Strange):
    with pytest.raises(IssuerUnavailable, match="https"):
        Issuer(settings(strange.url, environment="production")).fetch_keys()

    assert strange.asked == []
