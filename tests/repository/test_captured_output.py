"""The look at what processes wrote (tests/captured_output.py) sees what it is there for."""

import json
import tempfile
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


def test_of_each_log_below_a_folder_the_first_line_with_a_secret_is_told():
    # Not below pytest's folder, which is looked at itself when tests of processes are part of the same run.
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        folder = Path(name)
        (folder / "logs").mkdir()
        (folder / "keys.json").write_text(json.dumps({"CURSOR_SIGNING_KEY": KEY}))
        (folder / "logs" / "api.log").write_text(f"fine\nkey={KEY}\nBearer another-one\n")
        (folder / "logs" / "worker-1.log").write_text("fine\n")

        assert list(lines_with_secrets(folder)) == [f"{folder}/logs/api.log:2: key={KEY}"]
