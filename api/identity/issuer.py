"""What an OpenID provider publishes: its configuration, and its keys as a table of those that can be used."""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWTError

from api.identity.jwks import KeyName, KeyTable
from shared.errors import IssuerUnavailable
from shared.settings import Settings

DISCOVERY = "/.well-known/openid-configuration"
MOST_BYTES = 512 * 1024
SILENCE_SECONDS = 3.0
ANSWER_SECONDS = 5.0
# Shorter ones can be broken (NIST SP 800-131A).
SHORTEST_RSA_BITS = 2048
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# What a key can verify, by its type and its curve. Secret keys (oct) are not here: none of them is ours to know.
ALGORITHMS: dict[tuple[Any, Any], tuple[str, ...]] = {
    ("RSA", None): RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from where the configuration says, and from nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing; the redirect is then an error."""


class Issuer:
    """The provider that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer
        self._algorithms = settings.oidc_algorithms
        self._schemes = ("https", "http") if settings.is_development else ("https",)
        self._opener = urllib.request.build_opener(NoRedirects)

    def fetch_keys(self) -> KeyTable:
        """Its keys as they are now. Raises: IssuerUnavailable, also if what it says cannot be used."""
        configuration = self._read_json(self._issuer.rstrip("/") + DISCOVERY)
        if configuration.get("issuer") != self._issuer:
            raise IssuerUnavailable("The configuration at OIDC_ISSUER is that of another issuer.")
        table = key_table(self._read_json(str(configuration.get("jwks_uri"))), self._algorithms)
        if not table:  # rather a mistake than a wish to let nobody in
            raise IssuerUnavailable("The issuer publishes no key that can be used.")
        return table

    def _read_json(self, url: str) -> Mapping[str, Any]:
        try:
            if urlsplit(url).scheme not in self._schemes:
                raise ValueError(f"it is no address of {' or '.join(self._schemes)}")
            request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 (checked)
            with self._opener.open(request, timeout=SILENCE_SECONDS) as answer:
                found = json.loads(b"".join(_bounded(answer)))
        except (OSError, ValueError, RecursionError, HTTPException) as error:
            raise IssuerUnavailable(f"{url} gave no answer that can be used: {error}.") from error
        if not isinstance(found, dict):
            raise IssuerUnavailable(f"{url} did not answer with a JSON object.")
        return found


def _bounded(answer: Any) -> Iterator[bytes]:
    """The parts of an answer. Raises: ValueError if there are too many of them, or they come too slowly."""
    until, left_bytes = time.monotonic() + ANSWER_SECONDS, MOST_BYTES
    while part := answer.read1(left_bytes + 1):
        left_bytes -= len(part)
        if left_bytes < 0 or time.monotonic() > until:
            raise ValueError("it is too long, or takes too long")
        yield part


def key_table(document: Mapping[str, Any], algorithms: Sequence[str]) -> KeyTable:
    """The keys of a JWK Set (RFC 7517) that can be used, each under every name that a token may call it by.

    A name holds the algorithm, so that a token cannot choose what its key is used for.
    """
    listed = document.get("keys")
    found = [table for jwk in (listed if isinstance(listed, list) else []) if (table := _names_of(jwk, algorithms))]
    table = {name: key for each in found for name, key in each.items()}
    if len(found) == 1:  # a token need not name the only key there is
        table |= {(None, algorithm): key for (_, algorithm), key in table.items()}
        return table
    return {name: key for name, key in table.items() if name[0] is not None}


def _names_of(jwk: Any, algorithms: Sequence[str]) -> dict[KeyName, PyJWK]:
    """One key by its names; nothing if it cannot be used, as an issuer may have keys for other things too."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or "d" in jwk:
        return {}
    key_id = jwk.get("kid")
    if not isinstance(key_id, str | None):
        return {}
    try:
        possible = ALGORITHMS.get((jwk.get("kty"), jwk.get("crv")), ())
        wanted = [each for each in possible if each in algorithms and jwk.get("alg", each) == each]
        keys = {(key_id, algorithm): PyJWK(jwk, algorithm) for algorithm in wanted}
    except (PyJWTError, TypeError):
        return {}
    return {name: key for name, key in keys.items() if _is_strong(key)}


def _is_strong(key: PyJWK) -> bool:
    return key.key_type != "RSA" or bool(key.key.key_size >= SHORTEST_RSA_BITS)
