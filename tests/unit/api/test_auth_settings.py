"""With which settings identity works, and with which a process refuses to start."""

import dataclasses
from pathlib import Path

import pytest

from api.identity.callers import Anybody
from api.identity.tokens import TokenBearers, make_callers
from shared.config import ConfigurationError, read_settings
from shared.settings import API, Settings
from tests.unit.api.issuing import SETTINGS

OIDC = {
    "AUTH_MODE": "oidc",
    "OIDC_ISSUER": "https://login.example.com",
    "OIDC_AUDIENCE": "https://api.example.com",
}
COMPLETE = {
    field.metadata["variable"]: "x" * 40 for field in dataclasses.fields(Settings) if field.metadata["production"]
} | {"SPARK_CODE_URI": "s3://artifacts/spark/1/", **OIDC}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch):
    for field in dataclasses.fields(Settings):
        monkeypatch.delenv(field.metadata["variable"], raising=False)


REFUSED = [
    ("no identity in production", "production", {"AUTH_MODE": "none"}, "AUTH_MODE=oidc"),
    ("no identity in staging", "staging", {"AUTH_MODE": "none"}, "AUTH_MODE=oidc"),
    ("no identity in dev", "dev", {"AUTH_MODE": "none"}, "AUTH_MODE=oidc"),
    ("an unknown mode", "local", {"AUTH_MODE": "basic"}, "AUTH_MODE"),
    ("no issuer", "production", {"OIDC_ISSUER": ""}, "OIDC_ISSUER, for AUTH_MODE=oidc"),
    ("no issuer, on a laptop too", "local", {"OIDC_ISSUER": ""}, "OIDC_ISSUER, for AUTH_MODE=oidc"),
    ("no audience", "local", {"OIDC_AUDIENCE": ""}, "OIDC_AUDIENCE, for AUTH_MODE=oidc"),
    ("an issuer without TLS", "production", {"OIDC_ISSUER": "http://login.example.com"}, "an OIDC_ISSUER of https"),
    ("an issuer that is a file", "local", {"OIDC_ISSUER": "file:///etc/passwd"}, "OIDC_ISSUER"),
    ("an issuer with a line break", "local", {"OIDC_ISSUER": "https://a\n"}, "OIDC_ISSUER"),
    ("no algorithm", "local", {"OIDC_ALGORITHMS": ""}, "OIDC_ALGORITHMS"),
    ("the algorithm none", "local", {"OIDC_ALGORITHMS": "RS256,none"}, "OIDC_ALGORITHMS"),
    ("an algorithm of secrets", "local", {"OIDC_ALGORITHMS": "HS256"}, "OIDC_ALGORITHMS"),
    ("an algorithm in small letters", "local", {"OIDC_ALGORITHMS": "rs256"}, "OIDC_ALGORITHMS"),
    ("a type that ID tokens have", "local", {"OIDC_TOKEN_TYPES": "id+jwt"}, "OIDC_TOKEN_TYPES"),
    ("a skew of minutes", "local", {"OIDC_SKEW_SECONDS": "301"}, "OIDC_SKEW_SECONDS"),
    ("a skew below nothing", "local", {"OIDC_SKEW_SECONDS": "-1"}, "OIDC_SKEW_SECONDS"),
    ("tokens for ever", "local", {"OIDC_LONGEST_TOKEN_SECONDS": "999999"}, "OIDC_LONGEST_TOKEN_SECONDS"),
    ("keys for ever", "local", {"OIDC_KEYS_SECONDS": "3601"}, "OIDC_KEYS_SECONDS"),
    ("no owner", "local", {"OIDC_OWNER_CLAIM": ""}, "OIDC_OWNER_CLAIM"),
]


@pytest.mark.parametrize(
    ("environment", "changes", "why"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_settings_that_would_let_anybody_in_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: str, changes: dict[str, str], why: str
):
    for name, value in {**COMPLETE, "ENVIRONMENT": environment, **changes}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=why):
        read_settings(API)


@pytest.mark.parametrize(
    ("environment", "changes"),
    [
        ("production", {}),
        ("dev", {"OIDC_ALGORITHMS": "ES256, EdDSA", "OIDC_TOKEN_TYPES": "at+jwt"}),
        ("local", {"OIDC_ISSUER": "http://127.0.0.1:9000"}),
        ("ci", {"OIDC_SKEW_SECONDS": "0"}),
    ],
)
def test_settings_that_name_an_issuer_and_an_audience_are_enough(
    monkeypatch: pytest.MonkeyPatch, environment: str, changes: dict[str, str]
):
    for name, value in {**COMPLETE, "ENVIRONMENT": environment, **changes}.items():
        monkeypatch.setenv(name, value)

    settings = read_settings(API)

    assert settings.auth_mode == "oidc"
    assert isinstance(make_callers(settings), TokenBearers)


def test_no_algorithm_of_a_shared_secret_is_allowed_by_default():
    assert not {name for name in Settings().oidc_algorithms if name.startswith("HS") or name == "none"}


def test_only_the_mode_that_is_set_decides_how_callers_are_known():
    assert isinstance(make_callers(Settings()), Anybody)
    assert isinstance(make_callers(SETTINGS), TokenBearers)


def test_every_setting_of_identity_is_explained_to_clients_and_operators():
    page = (Path(__file__).parents[3] / "docs/api/authentication.md").read_text()
    variables = [field.metadata["variable"] for field in dataclasses.fields(Settings)]

    assert [name for name in variables if name.startswith(("OIDC_", "AUTH_")) and f"`{name}" not in page] == []
