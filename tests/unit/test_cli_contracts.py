"""`cdp contracts` against a real HTTP server that answers by a script."""

import json
import threading
from collections.abc import Iterator

import pytest

from tests.unit.test_cli import Server, cdp

DOCUMENT = {"name": "flights", "version": "1.0.0", "schema": []}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["get", "flights/1.0.0"], "/contracts/flights/1.0.0"),
        (["get", "flights"], "/contracts/flights"),
        (["get", "a b/../c"], "/contracts/a%20b/..%2Fc"),
        (["list"], "/contracts"),
        (["list", "--limit", "5", "--cursor", "flights"], "/contracts?limit=5&cursor=flights"),
    ],
)
def test_each_command_is_one_request_whose_answer_is_shown(server, arguments, path):
    server.will_answer({"answer": 1})

    code, out, _ = cdp(server, "contracts", *arguments)

    assert (code, json.loads(out)) == (0, {"answer": 1})
    assert [(method, where) for method, where, _, _ in server.requests] == [("GET", path)]


def test_a_document_is_put_where_it_says(server):
    server.will_answer({"reference": "flights/1.0.0"}, status=201)

    code, out, _ = cdp(server, "contracts", "put", "-", stdin=json.dumps(DOCUMENT))

    assert (code, json.loads(out)) == (0, {"reference": "flights/1.0.0"})
    ((method, path, _, body),) = server.requests
    assert (method, path, json.loads(body)) == ("PUT", "/contracts/flights/1.0.0", DOCUMENT)


def test_the_document_alone_can_be_shown(server):
    server.will_answer({"name": "flights", "document": DOCUMENT})

    code, out, _ = cdp(server, "contracts", "get", "flights/1.0.0", "--document")

    assert (code, json.loads(out)) == (0, DOCUMENT)


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["put", "-"], "{", "it is not JSON"),
        (["put", "-"], "{}", "it has no name and version"),
        (["put", "-"], "[]", "it has no name and version"),
        (["put", "no-such-file"], "", "No such file"),
        (["get", "flights", "--document"], "", "--document needs a version"),
    ],
)
def test_what_cannot_be_sent_is_not(server, arguments, stdin, words):
    code, _, err = cdp(server, "contracts", *arguments, stdin=stdin)

    assert code == 2
    assert words in err
    assert server.requests == []


def test_what_the_api_refuses_is_shown_with_its_places(server):
    problem = {
        "code": "contract_incompatible",
        "detail": "flights cannot be 1.1.0.",
        "errors": [{"pointer": "/schema/0/properties", "message": "Against 1.0.0: The column 'a' is gone."}],
    }
    server.will_answer(problem, status=422)

    code, _, err = cdp(server, "contracts", "put", "-", stdin=json.dumps(DOCUMENT))

    assert code == 3
    assert "/schema/0/properties: Against 1.0.0: The column 'a' is gone." in err
