"""Log lines: one form for all loggers, and no secrets."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog

from shared.log_setup import WRITTEN_HERE, redact, set_up_logging
from shared.redaction import REMEMBERED_CHARACTERS, without_secrets
from shared.settings import VERSION, Settings


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The lines of stdout, as JSON."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("_plain_logging_after")
def test_our_lines_and_the_libraries_have_one_form_and_one_context(capsys: pytest.CaptureFixture[str]):
    set_up_logging(Settings(), "api")
    structlog.contextvars.bind_contextvars(correlation_id="c-1")

    structlog.get_logger("ours").info("job_submitted", job_id="j-1")
    logging.getLogger("botocore.hooks").warning("retrying %s", "PutItem")

    ours, theirs = lines(capsys)
    assert (ours["event"], ours["job_id"], ours["level"], ours["logger"]) == ("job_submitted", "j-1", "info", "ours")
    assert (theirs["event"], theirs["level"]) == ("retrying PutItem", "warning")
    assert ours["correlation_id"] == theirs["correlation_id"] == "c-1"
    assert {(line["service"], line["version"]) for line in (ours, theirs)} == {("api", VERSION)}


@pytest.mark.usefixtures("_plain_logging_after")
def test_setting_up_twice_writes_each_line_once_and_no_level_below_the_settings(capsys: pytest.CaptureFixture[str]):
    for _ in range(2):
        set_up_logging(replace(Settings(), log_level="WARNING"), "api")

    structlog.get_logger().info("no")
    logging.getLogger("x").info("no")
    structlog.get_logger().warning("yes")

    assert [line["event"] for line in lines(capsys)] == ["yes"]


@pytest.mark.usefixtures("_plain_logging_after")
def test_the_aws_clients_debug_lines_stay_out(capsys: pytest.CaptureFixture[str]):
    set_up_logging(replace(Settings(), log_level="DEBUG"), "api")

    logging.getLogger("botocore.auth").debug("StringToSign")
    logging.getLogger("ours").debug("yes")

    assert [line["event"] for line in lines(capsys)] == ["yes"]


@pytest.mark.usefixtures("_plain_logging_after")
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_is_told_without_its_secrets(capsys: pytest.CaptureFixture[str], log_format: str):
    set_up_logging(replace(Settings(), log_format=log_format), "worker")

    try:
        raise ValueError("Bearer abc.def.ghi")
    except ValueError:
        structlog.get_logger().exception("failed")

    text = capsys.readouterr().out
    assert "ValueError" in text
    assert "abc.def" not in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "https://b.s3/k?X-Amz-Date=1&X-Amz-Signature=0123abc&x=1",
            "https://b.s3/k?X-Amz-Date=1&X-Amz-Signature=***&x=1",
        ),
        ("?X-Amz-Security-Token=FwoG%2B//x", "?X-Amz-Security-Token=***"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=c", "Authorization: ***"),
        ("{'Authorization': 'Basic abc', 'a': 1}", "{'Authorization': '***', 'a': 1}"),
        ("got Bearer abc.def and more", "got Bearer *** and more"),
        ("webhook-signature: v1,abc= v1,def=", "webhook-signature: ***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        ("jdbc:postgresql://ann:hunter2@db.example/x", "jdbc:postgresql://ann:***@db.example/x"),
        ("https://example.com:8443/a@b", "https://example.com:8443/a@b"),
        ("told ann.o+x@mail.example.co.uk twice", "told *** twice"),
        ("/a/Bearer abc/Bearer def/x", "/a/Bearer ***"),
        ("eyJhbGciOiJI.eyJzdWIiOi", "***"),
        ("https://db.example/x?user=ann&password=hunter2&x=1", "https://db.example/x?user=ann&password=***&x=1"),
        (r"{\"password\": \"hunter2\", \"x\": 1}", r"{\"password\": \"***\", \"x\": 1}"),
        ("Send Authorization: Bearer <token>.", "Send Authorization: Bearer <token>."),
        ("'password' is required: a text", "'password' is required: a text"),
        ("nothing secret: 1+1=2", "nothing secret: 1+1=2"),
    ],
)
def test_secrets_inside_of_texts_are_blotted_out(text: str, kept: str):
    assert without_secrets(text) == kept
    assert without_secrets(kept) == kept


@pytest.mark.parametrize(
    "piece", ["x", "a.", "eyJ-", "a://", "a:", "x@", "Bearer ", "://:", "password=", "x-amz-signature="]
)
def test_a_long_text_costs_time_in_proportion(piece: str):
    # What steps back at each letter would take minutes for this.
    assert len(without_secrets(piece * 200_000)) > 0


SAYS_TWO_LINES = """
import sys, structlog
from shared.log_setup import set_up_logging
from shared.settings import Settings
set_up_logging(Settings(), "worker")
for _ in range(2):
    structlog.get_logger().info("x" * 100_000)
sys.stderr.write("went on")
"""


def full_disk() -> int:
    """Where nothing can be written."""
    return os.open("/dev/full", os.O_WRONLY)


def closed_pipe() -> int:
    """A pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.parametrize("opened", [full_disk, closed_pipe])
def test_lines_that_cannot_be_written_stop_nothing(opened: Callable[[], int]):
    output = opened()

    ended = subprocess.run([sys.executable, "-c", SAYS_TWO_LINES], stdout=output, stderr=subprocess.PIPE, text=True)

    os.close(output)
    assert ended.stderr.startswith("went on")


def test_an_owner_who_is_named_by_an_address_can_be_found():
    event = {"owner": "ann@example.com", "reason": "ann@example.com has no room"}

    assert redact(None, "info", event) == {"owner": "ann@example.com", "reason": "*** has no room"}


def test_secrets_are_known_by_their_names_however_deep_they_lie():
    event = {
        "callback_signing_key": "k",
        "headers": {"webhook-signature": "v1,x", "accept": "json"},
        "list": [{"Authorization": "x"}, ("Bearer abc", 5, None, True)],
        "error": ValueError("Bearer abc"),
        "password": {"deep": 1},
    }

    assert redact(None, "info", event) == {
        "callback_signing_key": "***",
        "headers": {"webhook-signature": "***", "accept": "json"},
        "list": [{"Authorization": "***"}, ["Bearer ***", 5, None, True]],
        "error": "ValueError('Bearer ***')",
        "password": "***",
    }


@pytest.mark.parametrize("characters", [REMEMBERED_CHARACTERS, REMEMBERED_CHARACTERS + 1])
def test_secrets_are_blotted_out_of_texts_that_are_remembered_and_of_longer_ones(characters: int):
    event = {"reason": "Bearer abc".rjust(characters)}

    for _ in range(2):
        assert redact(None, "info", event) == {"reason": "Bearer ***".rjust(characters)}


@pytest.mark.usefixtures("_plain_logging_after")
def test_what_is_not_looked_through_is_never_a_callers(capsys: pytest.CaptureFixture[str]):
    set_up_logging(Settings(), "api")

    structlog.get_logger("ours").info("job_submitted", **dict.fromkeys(WRITTEN_HERE, "Bearer abc"))

    assert "Bearer abc" not in capsys.readouterr().out
