"""Which tokens are taken: every row of the tables is a token that is right or wrong in one thing."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from shared.settings import Settings
from tests.unit.api.issuing import (
    AUDIENCE,
    ISSUER,
    NOW,
    SETTINGS,
    bearer,
    callers,
    claims,
    part,
    private_key,
    public_jwk,
    signed,
    token,
)
from tests.unit.api.service import Api, problem_of

HMAC_KEY = "k" * 64
BY_HAND = {"alg": "RS256", "kid": "RSA-1"}
CLAIMS = ("iss", "aud", "exp", "iat", "sub")


def public_pem() -> str:
    """The public key in the form that careless code takes for a secret."""
    key = private_key("RSA").public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def by_hand(header: Any, payload: Any = None, signature: bytes = b"x") -> str:
    """A token put together without a library."""
    return f"{part(header)}.{part(claims() if payload is None else payload)}.{part(signature)}"


def payload(raw: bytes) -> str:
    """A token of any payload, truly signed by the issuer."""
    return signed(raw, private_key("RSA"), "RS256", {"kid": "RSA-1"})


def hmac_token(key: str) -> str:
    """A token signed with a public key as if it were a secret; libraries refuse to make one."""
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed_part = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'RSA-1'})}.{part(claims())}"
    return f"{signed_part}.{part(algorithm.sign(signed_part.encode(), key.encode()))}"


def resigned(change: Callable[[list[str]], None]) -> str:
    """A good token, changed after it was signed."""
    parts = token().split(".")
    change(parts)
    return ".".join(parts)


def put(parts: list[str], index: int, value: str) -> None:
    """Replace one part."""
    parts[index] = value


ALGORITHM = "The token is signed by an algorithm that is not allowed here."
DAMAGED = "The token is damaged, or is no JWT."
UNKNOWN_KEY = "The token is signed by a key that the issuer does not have."
SIGNATURE = "The signature of the token is wrong."
REQUIRED = "The token must have the claims iss, aud, exp, iat, sub."
EXPIRED = "The token has expired."
EARLY = "The token is not valid yet."
LONG = "The token lives for longer than is allowed here."
TYPE = "The token is of a type that is no access token."
NO_ACCESS_TOKEN = "The token is no access token: it has no scopes, or is an ID token."
ELSEWHERE = "The token is not meant for this service."
ISSUED_ELSEWHERE = "The token is from another issuer."
NO_TIME = "The claim {} of the token is no time."
NO_OWNER = "The claim sub of the token must be a text of 1 to 255 characters."
PLAIN = {"typ": "JWT"}

REFUSED: list[tuple[str, Callable[[], str], str]] = [
    # No token at all, or not of the form of one.
    ("no parts", lambda: "x", DAMAGED),
    ("two parts", lambda: "a.b", DAMAGED),
    ("five parts, as of an encrypted one", lambda: by_hand({"alg": "RSA-OAEP", "enc": "A256GCM"}) + ".a.b", DAMAGED),
    ("two tokens", lambda: f"{token()},Bearer {token()}", DAMAGED),
    ("a token and a blank", lambda: f"{token()} x", DAMAGED),
    ("too long", lambda: token(filling="x" * 8192), "The token is too long."),
    ("a header that is a list", lambda: by_hand([]), DAMAGED),
    ("a header that is no JSON", lambda: by_hand(b"{"), DAMAGED),
    ("a header that is no UTF-8", lambda: by_hand(b"\xff"), DAMAGED),
    ("a header thousands of levels deep", lambda: by_hand(b"[" * 5000), DAMAGED),
    ("a payload that is a list", lambda: payload(b"[]"), DAMAGED),
    ("a payload that is no JSON", lambda: payload(b"{"), DAMAGED),
    ("a payload that is no UTF-8", lambda: payload(b"\xff"), DAMAGED),
    ("a payload thousands of levels deep", lambda: payload(b"[" * 5000), DAMAGED),
    # Algorithms.
    ("alg none", lambda: by_hand({"alg": "none", "kid": "RSA-1"}), ALGORITHM),
    ("alg none without a signature", lambda: by_hand({"alg": "none", "kid": "RSA-1"}, signature=b""), ALGORITHM),
    ("alg None", lambda: by_hand({"alg": "None", "kid": "RSA-1"}), ALGORITHM),
    ("no alg", lambda: by_hand({"kid": "RSA-1"}), ALGORITHM),
    ("an alg that is a list", lambda: by_hand({"alg": ["RS256"], "kid": "RSA-1"}), ALGORITHM),
    ("an alg that is null", lambda: by_hand({"alg": None, "kid": "RSA-1"}), ALGORITHM),
    ("HMAC with the public key", lambda: hmac_token(public_pem()), ALGORITHM),
    ("HMAC with the public key as a JWK", lambda: hmac_token(json.dumps(public_jwk())), ALGORITHM),
    ("HMAC", lambda: token(key=HMAC_KEY, algorithm="HS256"), ALGORITHM),
    ("an algorithm that is not listed", lambda: token(algorithm="RS512"), ALGORITHM),
    ("ES256 by the id of an RSA key", lambda: token("P-256", header={"kid": "RSA-1"}), UNKNOWN_KEY),
    ("RS256 by the id of an EC key", lambda: token(header={"kid": "P-256-1"}), UNKNOWN_KEY),
    ("an algorithm that only its header names", lambda: by_hand({"alg": "EdDSA", "kid": "RSA-1"}), UNKNOWN_KEY),
    # Keys.
    ("an unknown key", lambda: token(number=2), UNKNOWN_KEY),
    ("another key under a known id", lambda: token(number=2, header={"kid": "RSA-1"}), SIGNATURE),
    ("no key id, where there are several", lambda: token(header={"kid": None}), UNKNOWN_KEY),
    ("a key id that is a number", lambda: by_hand({"alg": "RS256", "kid": 1}), DAMAGED),
    ("a key in its own header", lambda: token(number=2, header={"jwk": public_jwk(number=2)}), UNKNOWN_KEY),
    ("an address of a key", lambda: token(number=2, header={"jku": "https://evil.example/"}), UNKNOWN_KEY),
    # Signatures.
    ("no signature", lambda: resigned(lambda parts: put(parts, 2, "")), SIGNATURE),
    ("half a signature", lambda: resigned(lambda parts: put(parts, 2, parts[2][:100])), SIGNATURE),
    ("an EC signature of another length", lambda: f"{token('P-256').rpartition('.')[0]}.AAAA", SIGNATURE),
    ("another payload", lambda: resigned(lambda parts: put(parts, 1, part(claims(sub="bob")))), SIGNATURE),
    ("another header", lambda: resigned(lambda parts: put(parts, 0, part(BY_HAND))), SIGNATURE),
    ("an extension that must be known", lambda: token(header={"crit": ["exp"], "exp": 1}), DAMAGED),
    ("a payload that is not encoded", lambda: by_hand({**BY_HAND, "b64": False, "crit": ["b64"]}), DAMAGED),
    # Types.
    ("an ID token by its type", lambda: token(header={"typ": "id+jwt"}), TYPE),
    ("a logout token", lambda: token(header={"typ": "logout+jwt"}), TYPE),
    ("a proof of possession", lambda: token(header={"typ": "dpop+jwt"}), TYPE),
    ("a type that is a number", lambda: token(header={"typ": 5}), TYPE),
    ("an ID token by its nonce", lambda: token(header=PLAIN, nonce="n"), NO_ACCESS_TOKEN),
    ("an ID token by its hash", lambda: token(header=PLAIN, at_hash="h"), NO_ACCESS_TOKEN),
    ("an ID token by its lack of scopes", lambda: token(header=PLAIN, scope=None), NO_ACCESS_TOKEN),
    ("an ID token without any type", lambda: token(header={"typ": None}, scope=None), NO_ACCESS_TOKEN),
    # Issuer and audience.
    ("another issuer", lambda: token(iss="https://login.example.com/other"), ISSUED_ELSEWHERE),
    ("an issuer with a slash more", lambda: token(iss=f"{ISSUER}/"), ISSUED_ELSEWHERE),
    ("an issuer that is a list", lambda: token(iss=[ISSUER]), ISSUED_ELSEWHERE),
    ("another audience", lambda: token(aud="https://other.example.com"), ELSEWHERE),
    ("only a part of the audience", lambda: token(aud=AUDIENCE[:-1]), ELSEWHERE),
    ("an empty list of audiences", lambda: token(aud=[]), REQUIRED),
    ("a list of other audiences", lambda: token(aud=["a", "b"]), ELSEWHERE),
    ("an audience that is a number", lambda: token(aud=5), ELSEWHERE),
    *((f"no {name}", lambda name=name: token(**{name: None}), REQUIRED) for name in CLAIMS),
    # Times.
    ("expired", lambda: token(iat=NOW - 600, exp=NOW - 30), EXPIRED),
    ("issued in the future", lambda: token(iat=NOW + 31), EARLY),
    ("not valid before the future", lambda: token(nbf=NOW + 31), EARLY),
    ("a life of more than a day", lambda: token(exp=NOW + 86401), LONG),
    ("an expiry as a text", lambda: token(exp=str(NOW + 600)), NO_TIME.format("exp")),
    ("an expiry that is true", lambda: token(exp=True), NO_TIME.format("exp")),
    ("an expiry beyond all times", lambda: token(exp=1e20), NO_TIME.format("exp")),
    ("an expiry of 400 digits", lambda: token(exp=10**400), NO_TIME.format("exp")),
    ("an expiry that is infinite", lambda: token(exp=float("inf")), NO_TIME.format("exp")),
    ("an expiry that is no number", lambda: token(exp=float("nan")), NO_TIME.format("exp")),
    ("an expiry before all times", lambda: token(exp=-1), NO_TIME.format("exp")),
    ("an issue as a text", lambda: token(iat="now"), NO_TIME.format("iat")),
    ("a beginning that is no number", lambda: token(nbf=float("nan")), NO_TIME.format("nbf")),
    ("a beginning that is a list", lambda: token(nbf=[NOW]), NO_TIME.format("nbf")),
    # Owners.
    ("a subject that is a number", lambda: token(sub=5), DAMAGED),
    ("a subject that is empty", lambda: token(sub=""), NO_OWNER),
    ("a subject of blanks", lambda: token(sub="  "), NO_OWNER),
    ("a subject with a NUL", lambda: token(sub="a\0b"), NO_OWNER),
    ("a subject with a line break", lambda: token(sub="a\nb"), NO_OWNER),
    ("a subject too long", lambda: token(sub="x" * 256), NO_OWNER),
]  # fmt: skip


@pytest.fixture
def api() -> Api:
    """An API whose issuer has an RSA and an EC key."""
    return Api(callers())


@pytest.mark.parametrize(("make", "why"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_token_that_is_wrong_in_one_thing_is_refused_and_told_why(api: Api, make: Callable[[], str], why: str):
    response = api.get("/jobs", headers=bearer(make()))

    assert problem_of(response) == (401, "invalid_token")
    assert response.get_json()["detail"] == why
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="cloud-data-platform", error="invalid_token", error_description="{why}"'
    )
    assert api.seam.calls == []


TAKEN: list[tuple[str, Callable[[], str]]] = [
    ("RS256", token),
    ("ES256", lambda: token("P-256")),
    ("PS256", lambda: token(algorithm="PS256")),
    ("a list of audiences", lambda: token(aud=["other", AUDIENCE])),
    ("the long name of its type", lambda: token(header={"typ": "application/at+JWT"})),
    ("a plain type, with a scope", lambda: token(header=PLAIN)),
    ("no type, with a scope", lambda: token(header={"typ": None})),
    ("a type of its own, and a nonce", lambda: token(nonce="n")),
    ("expired for less than the skew", lambda: token(exp=NOW - 29, iat=NOW - 60)),
    ("issued in a future within the skew", lambda: token(iat=NOW + 30)),
    ("beginning in a future within the skew", lambda: token(nbf=NOW + 30)),
    ("a life of a day", lambda: token(exp=NOW + 86400)),
    ("times with fractions", lambda: token(exp=NOW + 0.5, iat=NOW - 0.5)),
    ("scopes as a list", lambda: token(scope=None, scp=["jobs:read"])),
    ("scopes as a list, of a plain type", lambda: token(header=PLAIN, scope=None, scp=["jobs:read"])),
    ("scopes as a text in scp", lambda: token(scope=None, scp="openid jobs:read")),
    ("scopes as a list in scope", lambda: token(scope=["jobs:read"])),
    ("scopes with blanks and foreign things", lambda: token(scope=" a  jobs:read ", scp=[5, None])),
    ("a subject of 255 characters", lambda: token(sub="x" * 255)),
    ("a subject with letters of any language", lambda: token(sub="zo\u00eb|\u6771\u4eac")),
    ("a key of somebody else in its header", lambda: token(header={"jwk": public_jwk(number=2)})),
]  # fmt: skip


@pytest.mark.parametrize("make", [case[1] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_a_token_that_is_right_in_all_things_is_taken(api: Api, make: Callable[[], str]):
    assert api.get("/jobs", headers=bearer(make())).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_may_be_written_in_any_way(api: Api, scheme: str):
    assert api.get("/jobs", headers={"Authorization": f"{scheme} {token()}"}).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Basic YW5uOmFubg==", "Bearer", "Bearertoken", "Token x", "DPoP x.y.z"])
def test_without_a_token_the_answer_names_the_scheme_and_no_error(api: Api, header: str | None):
    response = api.get("/jobs", headers={} if header is None else {"Authorization": header})

    assert problem_of(response) == (401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="cloud-data-platform"'


def test_a_token_in_the_query_or_in_the_body_is_no_token(api: Api):
    assert problem_of(api.get(f"/jobs?access_token={token()}")) == (401, "unauthenticated")
    assert problem_of(api.post("/jobs", data={"access_token": token()})) == (401, "unauthenticated")


OTHERWISE: list[tuple[str, dict[str, Any], Callable[[], str], int]] = [
    ("only at+jwt, and a plain type", {"oidc_token_types": ("at+jwt",)}, lambda: token(header=PLAIN), 401),
    ("only at+jwt, and no type", {"oidc_token_types": ("at+jwt",)}, lambda: token(header={"typ": None}), 401),
    ("only at+jwt, and at+jwt", {"oidc_token_types": ("at+jwt",)}, token, 200),
    ("only ES256, and RS256", {"oidc_algorithms": ("ES256",)}, token, 401),
    ("only ES256, and ES256", {"oidc_algorithms": ("ES256",)}, lambda: token("P-256"), 200),
    ("no skew, and just expired", {"oidc_skew_seconds": 0}, lambda: token(iat=NOW - 9, exp=NOW), 401),
    ("no skew, and about to expire", {"oidc_skew_seconds": 0}, lambda: token(iat=NOW - 9, exp=NOW + 1), 200),
    ("a short life, and a longer one", {"oidc_longest_token_seconds": 300}, lambda: token(exp=NOW + 301), 401),
    ("another owner, who is missing", {"oidc_owner_claim": "tenant"}, token, 401),
    ("another owner, who is a list", {"oidc_owner_claim": "tenant"}, lambda: token(tenant=["a"]), 401),
    ("another owner", {"oidc_owner_claim": "tenant"}, lambda: token(tenant="a"), 200),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "make", "status"), [case[1:] for case in OTHERWISE], ids=[case[0] for case in OTHERWISE]
)
def test_settings_decide_what_is_taken(changes: dict[str, Any], make: Callable[[], str], status: int):
    settings: Settings = replace(SETTINGS, **changes)

    assert Api(callers(settings=settings)).get("/jobs", headers=bearer(make())).status_code == status


def test_the_owner_is_the_claim_that_the_settings_name():
    api = Api(callers(settings=replace(SETTINGS, oidc_owner_claim="https://example.com/team")))

    record = api.post(
        "/jobs", json={"jobType": "simulated"}, headers=bearer(token(**{"https://example.com/team": "ops|7"}))
    ).get_json()

    assert record["owner"] == "ops|7"
    assert api.stored(record["jobId"]).history[0].by == "api:ops|7"


def test_a_token_need_not_name_the_only_key_there_is():
    api = Api(callers(public_jwk(kid=None)))

    assert api.get("/jobs", headers=bearer(token(header={"kid": None}))).status_code == 200
    assert api.get("/jobs", headers=bearer(token(number=2, header={"kid": None}))).status_code == 401


def test_a_token_expires_while_it_is_used(api: Api):
    given = bearer(token(exp=NOW + 60))
    before = api.get("/jobs", headers=given)
    api.clock.forward(60 + SETTINGS.oidc_skew_seconds)

    after = api.get("/jobs", headers=given)

    assert (before.status_code, after.status_code) == (200, 401)


# Whose parts are too long to be found in an id by chance.
UNSIGNED = by_hand({"alg": "none"}, signature=b"no signature")


@pytest.mark.parametrize("make", [token, lambda: token(exp=NOW - 60), lambda: f"{token()}x", lambda: UNSIGNED])
def test_no_part_of_a_token_is_ever_written_down(make: Callable[[], str], capsys: pytest.CaptureFixture[str]):
    given = make()
    response = Api(callers()).get(f"/jobs?access_token={given}", headers=bearer(given))

    written = capsys.readouterr().out + response.text + str(response.headers)
    assert "request_answered" in written
    for secret in given.split("."):
        assert secret not in written


def test_a_description_is_made_of_what_its_header_may_hold():
    settings = replace(SETTINGS, oidc_owner_claim='te"am\\caf\u00e9')

    header = Api(callers(settings=settings)).get("/jobs", headers=bearer(token())).headers["WWW-Authenticate"]

    assert re.fullmatch(r'Bearer realm="[a-z-]+", error="invalid_token", error_description="[ !#-\[\]-~]+"', header)
