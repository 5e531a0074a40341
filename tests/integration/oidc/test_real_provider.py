"""Tokens of a real provider: got, used, expired, forged, and signed by keys that come and go."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import jwt
import pytest
import requests

from local.marked import wait_until
from tests.integration.api.server import PATIENCE_SECONDS, ROOT, Server
from tests.integration.oidc.conftest import Start
from tests.integration.oidc.provider import AUDIENCE, CLIENTS, Provider, signing_keys

JOB = {"jobType": "simulated"}


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def status(server: Server, token: str) -> int:
    """What a token is answered."""
    return server.get("/jobs", headers=bearer(token)).status_code


def becomes(server: Server, token: str, wanted: int) -> bool:
    """Whether a token is answered so before the patience ends."""
    return wait_until(lambda: status(server, token) == wanted, PATIENCE_SECONDS)


def encoded(value: Any) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("client", ["ann", "bob"])
def test_a_client_logs_in_and_its_jobs_are_its_own(server: Server, provider: Provider, client: str):
    headers = bearer(provider.log_in(client))

    submitted = server.post("/jobs", json=JOB, headers=headers)

    record = submitted.json()
    assert (submitted.status_code, record["owner"]) == (202, client)
    shown = server.get(f"/jobs/{record['jobId']}", headers=headers).json()
    assert (shown["jobId"], shown["owner"]) == (record["jobId"], client)
    assert record["jobId"] in [item["jobId"] for item in server.get("/jobs", headers=headers).json()["items"]]


def test_nobody_gets_in_without_a_token(server: Server):
    response = server.get("/jobs")

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="cloud-data-platform"')


def test_two_owners_see_nothing_of_each_other_and_an_operator_sees_both(server: Server, provider: Provider):
    ann, bob, olga = (bearer(provider.log_in(client)) for client in ("ann", "bob", "olga"))
    job_id = server.post("/jobs", json=JOB, headers=ann).json()["jobId"]

    def listed(headers: dict[str, str], **query: str) -> set[str]:
        return {item["jobId"] for item in server.get("/jobs", headers=headers, params=query).json()["items"]}

    assert [server.get(f"/jobs/{job_id}", headers=who).status_code for who in (ann, bob, olga)] == [200, 404, 200]
    assert server.post(f"/jobs/{job_id}/cancel", headers=bob).status_code == 404
    assert (job_id in listed(ann), job_id in listed(bob), job_id in listed(olga, owner="ann")) == (True, False, True)
    assert job_id in listed(olga, owner="*")
    assert job_id in listed(olga, owner="*", status="SUBMITTED")
    assert server.get("/jobs?owner=ann", headers=bob).status_code == 403


def test_a_scope_that_the_provider_did_not_grant_is_missing(server: Server, provider: Provider):
    response = server.post("/jobs", json=JOB, headers=bearer(provider.log_in("reader")))

    assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
    assert 'scope="jobs:write"' in response.headers["WWW-Authenticate"]


def test_a_token_for_another_service_is_refused(server: Server, provider: Provider):
    response = server.get("/jobs", headers=bearer(provider.log_in("ann", audience="urn:another-service")))

    assert (response.status_code, response.json()["detail"]) == (401, "The token is not meant for this service.")


def test_a_token_works_until_it_expires(server: Server, provider: Provider):
    token = provider.log_in("brief")

    assert status(server, token) == 200
    assert becomes(server, token, 401)
    assert server.get("/jobs", headers=bearer(token)).json()["detail"] == "The token has expired."


def forgeries(provider: Provider) -> dict[str, str]:
    """A real token, forged in every way that somebody without the provider's keys has."""
    header, payload, signature = provider.log_in("ann").split(".")
    told = jwt.get_unverified_header(f"{header}.{payload}.{signature}")
    published = requests.get(f"{provider.issuer}/jwks", timeout=PATIENCE_SECONDS).json()["keys"]
    public = next(key for key in published if key["kid"] == told["kid"])
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    own_key = jwt.PyJWK(signing_keys("forged")[0]).key
    as_secret = base64.urlsafe_b64encode(json.dumps(public).encode()).decode()
    return {
        "none": f"{encoded({**told, 'alg': 'none'})}.{payload}.",
        "none, with the signature": f"{encoded({**told, 'alg': 'none'})}.{payload}.{signature}",
        "HMAC with the public key": jwt.encode(claims, as_secret, "HS256", headers=told | {"alg": "HS256"}),
        "HMAC with the signature": f"{encoded({**told, 'alg': 'HS256'})}.{payload}.{signature}",
        "another algorithm of the key": f"{encoded({**told, 'alg': 'PS256'})}.{payload}.{signature}",
        "the algorithm of another key": f"{encoded({**told, 'alg': 'ES256'})}.{payload}.{signature}",
        "more scopes": f"{header}.{encoded({**claims, 'scope': 'ops'})}.{signature}",
        "another owner": f"{header}.{encoded({**claims, 'sub': 'bob'})}.{signature}",
        "an own key under the known id": jwt.encode(claims, own_key, "RS256", headers=told),
        "an own key in the header": jwt.encode(claims, own_key, "RS256", headers={**told, "kid": "x", "jwk": public}),
    }


def test_no_forgery_of_a_real_token_is_taken(server: Server, provider: Provider):
    answers = {name: server.get("/jobs", headers=bearer(token)) for name, token in forgeries(provider).items()}

    assert {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()} == dict.fromkeys(
        answers, (401, "invalid_token")
    )


BACK = "http://127.0.0.1/back"


def log_in_as_a_person(provider: Provider) -> dict[str, Any]:
    """What a person's login gives: an access token that is no JWT, and an ID token."""
    client = CLIENTS[0]
    query = {"client_id": client.id, "response_type": "code", "scope": "openid", "nonce": "n", "redirect_uri": BACK}
    forms = iter(({"prompt": "login", "login": "ann", "password": "any"}, {"prompt": "consent"}))
    with requests.Session() as browser:
        answer = browser.get(f"{provider.issuer}/auth", params=query, allow_redirects=False)
        while not answer.headers.get("Location", "").startswith(BACK):
            if answer.is_redirect:
                page = urljoin(answer.url, answer.headers["Location"])
                answer = browser.get(page, allow_redirects=False)
            else:
                action = re.search(r'action="([^"]+)"', answer.text)
                assert action is not None, answer.text
                answer = browser.post(urljoin(answer.url, action[1]), data=next(forms), allow_redirects=False)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    secret = client.secret.replace(" ", "+")
    tokens: dict[str, Any] = requests.post(f"{provider.issuer}/token", auth=(client.id, secret), data=given).json()
    return tokens


def test_what_a_person_logs_in_with_is_no_token_for_this_service(start: Start, provider: Provider):
    # Even where an ID token's own audience, the client, is what the service listens to.
    server, tokens = start(provider.issuer, OIDC_AUDIENCE="ann"), log_in_as_a_person(provider)

    answers = [server.get("/jobs", headers=bearer(tokens[name])).json() for name in ("id_token", "access_token")]

    assert [answer["detail"] for answer in answers] == [
        "The token is no access token: it has no scopes, or is an ID token.",
        "The token is damaged, or is no JWT.",
    ]


def test_keys_are_rotated_under_tokens_that_are_in_use(start: Start, own_provider: Provider):
    old_keys, new_keys = signing_keys("old"), signing_keys("new")
    own_provider.start(*old_keys)
    server, old = start(own_provider.issuer), own_provider.log_in("ann")
    assert status(server, old) == 200

    own_provider.restart(*new_keys, *old_keys)
    new = own_provider.log_in("ann")
    assert jwt.get_unverified_header(new)["kid"] == "new-RS256"
    assert becomes(server, new, 200)
    assert status(server, old) == 200

    own_provider.restart(*new_keys)
    assert becomes(server, old, 401)
    assert status(server, new) == 200


def test_while_the_provider_is_away_known_keys_go_on_and_unknown_ones_have_to_wait(
    start: Start, own_provider: Provider
):
    keys, next_keys = signing_keys("first"), signing_keys("next")
    own_provider.start(*next_keys)
    unseen = own_provider.log_in("ann")
    own_provider.restart(*keys)
    server, seen = start(own_provider.issuer), own_provider.log_in("ann")
    assert status(server, seen) == 200

    own_provider.stop()

    assert becomes(server, unseen, 503)
    assert status(server, seen) == 200
    assert int(server.get("/jobs", headers=bearer(unseen)).headers["Retry-After"]) > 0
    own_provider.start(*next_keys, *keys)
    assert becomes(server, unseen, 200)


def test_an_api_starts_without_its_provider_and_finds_it_later(start: Start, own_provider: Provider):
    keys = signing_keys("late")
    own_provider.start(*keys)
    token = own_provider.log_in("ann")
    own_provider.stop()

    server = start(own_provider.issuer)
    before = server.get("/jobs", headers=bearer(token))

    assert (before.status_code, before.json()["code"]) == (503, "issuer_unavailable")
    assert [server.get(path).status_code for path in ("/health/live", "/health/ready", "/openapi.json")] == [200] * 3
    own_provider.start(*keys)
    assert becomes(server, token, 200)


def test_a_provider_that_calls_itself_otherwise_is_not_trusted(start: Start, provider: Provider):
    server = start(f"{provider.issuer}/")

    response = server.get("/jobs", headers=bearer(provider.log_in("ann")))

    assert (response.status_code, response.json()["code"]) == (503, "issuer_unavailable")


def test_no_token_is_in_the_log(start: Start, provider: Provider):
    server, good = start(provider.issuer, LOG_LEVEL="DEBUG"), provider.log_in("ann")
    wrong = provider.log_in("ann", audience="urn:another-service")
    for token in (good, wrong, f"{good}x"):
        server.get(f"/jobs?access_token={token}", headers=bearer(token))
        server.raw(f"GET /jobs HTTP/1.1\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode())

    server.stop()

    written = json.dumps(server.lines())
    assert "token_refused" in written
    assert [part for token in (good, wrong) for part in token.split(".")[1:] if part in written] == []


def test_without_identity_an_api_says_so_once_at_its_start(start: Start):
    server = start(API_PROCESSES="2")

    said = [line for line in server.lines() if line["event"] == "callers_are_not_identified"]

    assert [(line["level"], line["auth_mode"], line["environment"]) for line in said] == [("warning", "none", "local")]


def cdp(server: Server, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "--url", server.url, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_the_command_takes_its_token_from_the_environment_or_from_a_file(
    server: Server, provider: Provider, tmp_path: Path
):
    token = provider.log_in("reader")
    path = tmp_path / "token"
    path.write_text(f"{token}\n")

    by_environment = cdp(server, "list", CDP_TOKEN=token)
    by_file = cdp(server, "--token-file", str(path), "list")
    without = cdp(server, "list")

    assert [by_environment.returncode, by_file.returncode, without.returncode] == [0, 0, 3]
    assert "401 unauthenticated" in without.stderr
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert AUDIENCE in json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["aud"]
