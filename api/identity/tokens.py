"""Access tokens: JWTs (RFC 9068) that the issuer has signed for this service, read into a caller or refused.

PyJWT checks the signature, the issuer and the audience. What depends on the time is checked here, by the clock of
the service, and so is what PyJWT does not look at: the type of the token, its lifetime, and its scopes.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

import jwt

from api.identity.callers import Anybody, Caller, Callers
from api.identity.issuer import Issuer
from api.identity.jwks import KeyCache
from shared.errors import InvalidToken, Unauthenticated
from shared.settings import Settings

MOST_CHARACTERS = 8192
MOST_OWNER_CHARACTERS = 255
END_OF_TIME_SECONDS = 10**11
BEARER = re.compile(r"bearer +(.*)", re.IGNORECASE)
REQUIRED = ("iss", "aud", "exp", "iat", "sub")
ACCESS_TOKEN = "at+jwt"  # noqa: S105 (a media type)
SCOPE_CLAIMS = ("scope", "scp")
# Only an ID token has these (OpenID Connect Core, sections 2 and 3.3.2.11).
OF_ID_TOKENS = ("nonce", "at_hash", "c_hash")
# What a client is told; PyJWT's own sentences can hold parts of the token.
REFUSALS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.InvalidAudienceError, "The token is not meant for this service."),
    (jwt.InvalidIssuerError, "The token is from another issuer."),
    (jwt.MissingRequiredClaimError, f"The token must have the claims {', '.join(REQUIRED)}."),
    (jwt.InvalidSignatureError, "The signature of the token is wrong."),
    (jwt.PyJWTError, "The token is damaged, or is no JWT."),
)


class TokenBearers:
    """AUTH_MODE=oidc: callers are known by the tokens that they bear."""

    def __init__(self, settings: Settings, keys: KeyCache) -> None:
        self._settings = settings
        self._keys = keys

    def identify(self, authorization: str | None, now: datetime) -> Caller:
        """The caller. Raises: Unauthenticated without a token; InvalidToken; IssuerUnavailable."""
        bearer = BEARER.fullmatch(authorization or "")
        if bearer is None:
            raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
        claims = verified_claims(bearer[1], self._settings, self._keys)
        check_times(claims, self._settings, now)
        return Caller(owner_of(claims, self._settings.oidc_owner_claim), scopes_of(claims))


def make_callers(settings: Settings) -> Callers:
    """The way of knowing callers that AUTH_MODE names."""
    if settings.auth_mode == "none":
        return Anybody()
    return TokenBearers(settings, KeyCache(Issuer(settings).fetch_keys, settings.oidc_keys_seconds))


def verified_claims(token: str, settings: Settings, keys: KeyCache) -> Mapping[str, Any]:
    """The claims of an access token that the issuer signed for this service.

    Raises: InvalidToken, IssuerUnavailable.
    """
    if len(token) > MOST_CHARACTERS:
        raise InvalidToken("The token is too long.")
    try:
        header = jwt.get_unverified_header(token)
        algorithm, token_type = header.get("alg"), token_type_of(header)
        if not isinstance(algorithm, str) or algorithm not in settings.oidc_algorithms:
            raise InvalidToken("The token is signed by an algorithm that is not allowed here.")
        if token_type not in map(str.lower, settings.oidc_token_types):
            raise InvalidToken("The token is of a type that is no access token.")
        key = keys.find((header.get("kid"), algorithm))
        if key is None:
            raise InvalidToken("The token is signed by a key that the issuer does not have.")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=settings.oidc_audience,
            issuer=settings.oidc_issuer,
            options={"require": [*REQUIRED], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.PyJWTError as error:
        _refuse(error)
    if token_type != ACCESS_TOKEN:
        refuse_id_tokens(claims)
    return claims


def token_type_of(header: Mapping[str, Any]) -> str:
    """The type in a header (RFC 7515, section 4.1.9), in lower case; a token without one is a JWT."""
    return str(header.get("typ", "JWT")).lower().removeprefix("application/")


def _refuse(error: jwt.PyJWTError) -> NoReturn:
    raise InvalidToken(next(text for kind, text in REFUSALS if isinstance(error, kind))) from None


def refuse_id_tokens(claims: Mapping[str, Any]) -> None:
    """A token of no telling type must have scopes, and nothing that belongs to the login of a person.

    Raises: InvalidToken.
    """
    if any(name in claims for name in OF_ID_TOKENS) or not any(name in claims for name in SCOPE_CLAIMS):
        raise InvalidToken("The token is no access token: it has no scopes, or is an ID token.")


def check_times(claims: Mapping[str, Any], settings: Settings, now: datetime) -> None:
    """Refuse a token before its time, after it, and one that lives for longer than is allowed. Raises: InvalidToken."""
    now_seconds, skew_seconds = now.timestamp(), settings.oidc_skew_seconds
    issued_at, expires_at = seconds_of(claims, "iat"), seconds_of(claims, "exp")
    not_before = seconds_of(claims, "nbf") if "nbf" in claims else issued_at
    if expires_at <= now_seconds - skew_seconds:
        raise InvalidToken("The token has expired.")
    if max(issued_at, not_before) > now_seconds + skew_seconds:
        raise InvalidToken("The token is not valid yet.")
    if expires_at - issued_at > settings.oidc_longest_token_seconds:
        raise InvalidToken("The token lives for longer than is allowed here.")


def seconds_of(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a time. Raises: InvalidToken unless it is a number of seconds that somebody may live to see."""
    value = claims[name]
    # Written so that NaN is refused too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < END_OF_TIME_SECONDS:
        raise InvalidToken(f"The claim {name} of the token is no time.")
    return value


def scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """What was granted: words in one text (RFC 9068), or a list of them, as some issuers send."""
    words: list[Any] = []
    for name in SCOPE_CLAIMS:
        value = claims.get(name)
        words += value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(word for word in words if isinstance(word, str) and word)


def owner_of(claims: Mapping[str, Any], claim: str) -> str:
    """Whose jobs the caller's are. Raises: InvalidToken unless the claim is a text that can be stored and shown."""
    owner = claims.get(claim)
    if not isinstance(owner, str) or not owner.strip() or not owner.isprintable() or len(owner) > MOST_OWNER_CHARACTERS:
        raise InvalidToken(f"The claim {claim} of the token must be a text of 1 to {MOST_OWNER_CHARACTERS} characters.")
    return owner
