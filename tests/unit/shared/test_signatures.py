"""Signatures of callbacks."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from shared.signatures import callback_key, is_signed, sign

MASTER = "a master key of more than thirty-two characters"
BODY = b'{"status": "SUCCEEDED"}'
KEY = callback_key(MASTER, "job-1", 1)


def test_the_scheme_is_the_one_of_standard_webhooks():
    key, at = b"0123456789abcdef0123456789abcdef", datetime(2026, 11, 23, 12, tzinfo=UTC)
    theirs = Webhook(base64.b64encode(key).decode()).sign("msg_1", at, "{}")

    assert sign(key, "msg_1", int(at.timestamp()), b"{}") == theirs


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        ({"header": "v1,AAAA " + sign(KEY, "m-1", 100, BODY)}, True),
        ({"header": ""}, False),
        ({"header": "v1,AAAA"}, False),
        ({"header": "v1,ä"}, False),
        ({"body": BODY + b" "}, False),
        ({"timestamp_seconds": 101}, False),
        ({"message_id": "m-2"}, False),
        ({"key": callback_key(MASTER, "job-1", 2)}, False),
        ({"key": callback_key(MASTER, "job-2", 1)}, False),
        ({"key": callback_key(MASTER + "x", "job-1", 1)}, False),
    ],
)
def test_a_signature_holds_for_one_key_message_time_and_body_only(change, right):
    message = {"key": KEY, "message_id": "m-1", "timestamp_seconds": 100, "body": BODY}
    message["header"] = sign(**message)

    assert is_signed(**{**message, **change}) is right


def test_a_signature_is_right_if_the_comparison_of_constant_time_says_so(monkeypatch):
    compared: list[bytes] = []
    monkeypatch.setattr("hmac.compare_digest", lambda ours, given: compared.append(given) or given == b"v1,WRONG")

    assert is_signed(KEY, "m-1", 100, BODY, "v1,WRONG")
    assert not is_signed(KEY, "m-1", 100, BODY, sign(KEY, "m-1", 100, BODY))
    assert len(compared) == 2


def test_what_spark_programs_sign_is_right_here():
    """The same file is signed by tests/spark/test_reports.py: the two codes share nothing else."""
    told = json.loads((Path(__file__).parents[2] / "spark" / "signed_report.json").read_text())
    key = callback_key(told["masterKey"], told["jobId"], told["attempt"])

    assert base64.b64encode(key).decode() == told["key"]
    assert is_signed(key, told["messageId"], told["timestampSeconds"], told["body"].encode(), told["signature"])
