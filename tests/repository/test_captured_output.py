"""The look at what processes wrote (tests/captured_output.py) sees what it is there for."""

import json
from pathlib import Path

import pytest

from shared.redaction import clean_text
from tests.captured_output import lines_with_secrets, secrets_in

KEY = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "GET /x eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln",
        "{'Authorization': 'Bearer opaque-token'}",
        "https://b.s3/k?X-Amz-Date=1&X-Amz-Signature=0123abcd",
        "key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "webhook-signature: v1,abc=",
    ],
)
def test_a_secret_is_seen_until_it_is_blotted_out(text: str):
    assert secrets_in(text)
    assert not secrets_in(clean_text(text))


def test_what_only_speaks_of_secrets_is_none():
    assert not secrets_in("Send an access token: Authorization: Bearer <token>. Its type is JWT, eyJhbGciOiJSUzI1NiJ9.")


def test_of_each_log_below_a_folder_the_first_line_with_a_secret_is_told(tmp_path: Path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "keys.json").write_text(json.dumps({"CURSOR_SIGNING_KEY": KEY}))
    (tmp_path / "logs" / "api.log").write_text(f"fine\nkey={KEY}\nBearer another-one\n")
    (tmp_path / "logs" / "worker-1.log").write_text("fine\n")

    assert list(lines_with_secrets(tmp_path)) == [f"{tmp_path}/logs/api.log:2: key={KEY}"]
