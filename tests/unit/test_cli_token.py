"""The token of the `cdp` command: where it comes from, and where it goes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.client import ApiClient


class Server(ThreadingHTTPServer):
    """Keeps the tokens that it is sent, and sends on whoever asks for /moved."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url, self.elsewhere = f"http://127.0.0.1:{self.server_port}", ""
        self.tokens: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.tokens.append(self.headers.get("Authorization"))
        self.send_response(302 if self.server.elsewhere else 200)
        self.send_header("Location", self.server.elsewhere)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        return


def serve() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


server, other = pytest.fixture(serve, name="server"), pytest.fixture(serve, name="other")


@pytest.mark.parametrize(
    ("variables", "arguments", "sent"),
    [
        ({}, [], None),
        ({"CDP_TOKEN": ""}, [], None),
        ({"CDP_TOKEN": "t-1"}, [], "Bearer t-1"),
        ({}, ["--token-file", "{file}"], "Bearer t-file"),
        ({"CDP_TOKEN_FILE": "{file}"}, [], "Bearer t-file"),
        ({"CDP_TOKEN": "t-1", "CDP_TOKEN_FILE": "{file}"}, [], "Bearer t-1"),
    ],
)
def test_the_token_comes_from_the_environment_or_a_file(server, tmp_path: Path, variables, arguments, sent):
    (tmp_path / "token").write_text("t-file\n")
    place = str(tmp_path / "token")
    given = {name: value.format(file=place) for name, value in variables.items()}

    result = CliRunner().invoke(
        main, ["--url", server.url, *(word.format(file=place) for word in arguments), "list"], env=given
    )

    assert (result.exit_code, server.tokens) == (0, [sent])


def test_the_help_names_no_option_that_would_show_a_token_to_others():
    text = CliRunner().invoke(main, ["--help"]).output

    assert "--token-file" in text
    assert "--token " not in text


def test_a_redirect_does_not_take_the_token_along(server, other):
    server.elsewhere = f"{other.url}/jobs"

    ApiClient(server.url, "t-1").list_jobs()

    assert (server.tokens, other.tokens) == (["Bearer t-1"], [None])
