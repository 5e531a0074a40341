"""An issuer of tokens for tests: its keys, what it publishes, and tokens of every kind, good and bad."""

import base64
import functools
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from api.identity.callers import Callers
from api.identity.issuer import key_table
from api.identity.jwks import KeyCache
from api.identity.tokens import TokenBearers
from shared.settings import Settings
from tests.fakes.clock import NOON

ISSUER = "https://login.example.com/tenant"
AUDIENCE = "https://api.example.com"
SETTINGS = Settings(auth_mode="oidc", oidc_issuer=ISSUER, oidc_audience=AUDIENCE)
NOW = int(NOON.timestamp())


def private_key(kind: str, number: int = 1) -> Any:
    """A key of its own for every kind and number, made once."""
    return _made(kind, number)


@functools.cache
def _made(kind: str, _number: int) -> Any:
    if kind == "RSA-1024":
        return rsa.generate_private_key(65537, 1024)
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}[kind])


ALGORITHM_OF = {"RSA-1024": "RS256", "RSA": "RS256", "Ed25519": "EdDSA", "P-256": "ES256", "P-384": "ES384"}


def public_jwk(kind: str = "RSA", number: int = 1, **changes: Any) -> dict[str, Any]:
    """A key as its issuer publishes it; a change to None takes a member away."""
    algorithm = ALGORITHM_OF[kind]
    key = private_key(kind, number).public_key()
    made = json.loads(get_default_algorithms()[algorithm].to_jwk(key))
    made.pop("key_ops", None)
    members = {**made, "kid": f"{kind}-{number}", "use": "sig", **changes}
    return {name: value for name, value in members.items() if value is not None}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to None takes a claim away."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "iat": NOW,
        "exp": NOW + 600,
        "scope": "jobs:read jobs:write",
        "client_id": "ann",
        "jti": "token-1",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(
    kind: str = "RSA",
    number: int = 1,
    algorithm: str | None = None,
    header: dict[str, Any] | None = None,
    key: Any = None,
    **changes: Any,
) -> str:
    """A token signed by a key of the issuer, or by `key`; `header` and `changes` replace what a good one has."""
    members = {"typ": "at+jwt", "kid": f"{kind}-{number}", **(header or {})}
    members = {name: value for name, value in members.items() if value is not None}
    signing = private_key(kind, number) if key is None else key
    return signed(json.dumps(claims(**changes)).encode(), signing, algorithm or ALGORITHM_OF[kind], members)


def signed(payload: bytes, key: Any, algorithm: str, header: dict[str, Any]) -> str:
    """A token of any payload: jwt.encode would refuse to write what it would refuse to read."""
    header = {"typ": None, **header} if "typ" not in header else header
    return jwt.PyJWS().encode(payload, key, algorithm, header)


def part(value: Any) -> str:
    """One part of a token made by hand."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bearer(text: str) -> dict[str, str]:
    """The header that a client sends."""
    return {"Authorization": f"Bearer {text}"}


def callers(*jwks: dict[str, Any], settings: Settings = SETTINGS) -> Callers:
    """Callers by tokens of an issuer that has these keys."""
    published = {"keys": list(jwks) or [public_jwk(), public_jwk("P-256")]}
    table = key_table(published, settings.oidc_algorithms)
    return TokenBearers(settings, KeyCache(lambda: table, settings.oidc_keys_seconds))
