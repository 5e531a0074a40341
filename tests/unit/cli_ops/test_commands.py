"""`cdp dlq` and `cdp jobs` as an operator types them."""

import getpass
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.aws import Aws, connect, user_name
from cli.output import ProgressLine, printable
from shared.config import ConfigurationError
from shared.models import FailureReason
from tests.fakes.clock import NOON
from tests.fakes.emr import runs_for
from tests.fakes.jobs import job_id, submitted_job, tracking_job
from tests.fakes.seam import no_answer, no_connection
from tests.unit.cli_ops.operations import Ops
from worker.envelopes import failed_job_envelope

ROOT = Path(__file__).resolve().parents[3]


def items(result) -> list[dict]:
    found: list[dict] = json.loads(result.stdout)["items"]
    return found


def test_the_list_is_one_json_document_for_machines():
    ops = Ops()
    ops.fail(1)
    ops.poison()

    result = ops.cdp("dlq", "list", "--json")

    failed, *others = items(result)
    assert (result.exit_code, result.stderr) == (0, "")
    assert failed == {
        "kind": "job-failed",
        "messageId": "message-1",
        "envelopeId": f"{job_id(1)}.failed",
        "jobId": job_id(1),
        "at": "2026-11-23T12:00:01.000+00:00",
        "jobType": "csv-to-parquet",
        "owner": "local",
        "failureReason": "RUN_FAILED",
        "attempt": 1,
        "text": "Boom.",
    }
    assert [other["kind"] for other in others] == ["unprocessable"] + ["unknown"] * 7
    assert (len(ops.bodies()), ops.hidden()) == (9, 0)


def test_the_list_is_a_table_for_people_in_which_no_message_moves_the_cursor():
    ops = Ops()
    ops.fail(1, failure_detail="a\x1b[2Jb\nc")
    ops.poison()

    result = ops.cdp("dlq", "list")

    assert result.stdout.splitlines()[0].split() == (
        ["FAILED", "AT", "KIND", "JOB", "OR", "MESSAGE", "TYPE", "OWNER", "REASON", "ATTEMPT", "WHAT"]
    )
    assert f"2026-11-23 12:00:01+00:00 job-failed {job_id(1)}" in " ".join(result.stdout.split())
    assert "\x1b" not in result.stdout
    assert result.stdout.splitlines()[2].split()[:2] == ["unprocessable", "message-2"]
    assert len(result.stdout.splitlines()) == 1 + 9
    assert result.stderr == "9 of 9 messages.\n"


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ([], [1, 2, 3]),
        (["--reason", "capacity"], [3]),
        (["--reason", "CAPACITY", "--reason", "RUN_FAILED"], [1, 2, 3]),
        (["--job-type", "sql"], []),
        (["--owner", "local", "--attempt", "1"], [1, 2, 3]),
        (["--attempt", "2"], []),
        (["--since", "2026-11-23T12:00:02Z"], [2, 3]),
        (["--until", "2026-11-23T12:00:02"], [1]),
        (["--since", "2026-11-23T13:00:02+01:00", "--until", "2026-11-23T12:00:03Z"], [2]),
        (["--id", job_id(2), "--id", f"{job_id(3)}.failed"], [2, 3]),
        (["--kind", "unknown"], []),
    ],
)
def test_filters_select(filters, numbers):
    ops = Ops()
    ops.fail(1, 2)
    ops.fail(3, failure_reason=FailureReason.CAPACITY)

    listed = ops.cdp("dlq", "list", "--json", *filters)
    planned = ops.cdp("dlq", "replay", "--json", *filters)

    for result in (listed, planned):
        assert [item["jobId"] for item in items(result)] == [job_id(number) for number in numbers]


def test_a_queue_that_was_not_read_to_its_end_is_said_so(monkeypatch):
    ops = Ops()
    ops.fail(*range(12))
    monkeypatch.setattr("shared.replays.held_messages.HeldMessages.__init__.__defaults__", (lambda: None, 10))

    result = ops.cdp("dlq", "list", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["isComplete"] is False
    assert "There are more than 10 messages" in result.stderr


@pytest.mark.parametrize("identifier", ["message-1", job_id(1), f"{job_id(1)}.failed"])
def test_a_dead_letter_is_shown_by_any_of_its_ids_with_all_of_its_text(identifier):
    ops = Ops()
    (job,) = ops.fail(1)

    result = ops.cdp("dlq", "show", identifier)

    (shown,) = items(result)
    assert result.exit_code == 0
    assert json.loads(shown["body"]) == failed_job_envelope(job, ops.settings)


def test_what_is_not_there_cannot_be_shown():
    result = Ops().cdp("dlq", "show", "nothing")

    assert (result.exit_code, items(result)) == (1, [])
    assert result.stderr == "None of 0 messages has the id nothing.\n"


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_replaying_is_only_told_unless_it_is_meant(flags):
    ops = Ops()
    ops.fail(1)

    result = ops.cdp("dlq", "replay", "--set", "size=medium", *flags)

    assert result.exit_code == 0
    assert f"1/1  replayed          {job_id(1)}  It becomes " in result.stdout
    assert ', with size="medium".' in result.stdout
    assert result.stderr == "Would be (--yes does it): 1 replayed.\n"
    assert (ops.new_jobs(), len(ops.bodies()), ops.hidden()) == ([], 1, 0)


def test_replaying_tells_each_job_and_leaves_the_rest():
    ops = Ops()
    ops.fail(1, 2)
    ops.poison()

    result = ops.cdp("dlq", "replay", "--yes", "--rate", "100", "--note", "The disk is larger now.")

    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["1/2", "replayed"], ["2/2", "replayed"]]
    assert "Done: 2 replayed.\n" in result.stderr
    assert "8 messages of other kinds were left alone" in result.stderr
    assert [new.history[0].message for new in ops.new_jobs()] == [
        f"Replayed from {job_id(number)}. The disk is larger now." for number in (1, 2)
    ]
    assert (len(ops.bodies()), ops.hidden()) == (8, 0)


def test_a_replay_for_machines_is_one_document():
    ops = Ops()
    (old, _) = ops.fail(1, 2)
    ops.send(failed_job_envelope(old, ops.settings))

    result = ops.cdp("dlq", "replay", "--yes", "--json", "--max", "2")

    document = json.loads(result.stdout)
    assert document["counts"] == {"replayed": 2, "already replayed": 1}
    assert (document["isDryRun"], document["isComplete"]) == (False, True)
    assert [item["jobId"] for item in document["items"]] == [job_id(1), job_id(1), job_id(2)]
    assert {item["newJobId"] for item in document["items"]} == {new.job_id for new in ops.new_jobs()}


def test_a_replay_that_leaves_something_says_so_with_its_exit_code():
    ops = Ops()
    ops.fail(1)

    result = ops.cdp("dlq", "replay", "--yes", "--set", "parameters.colour=red")

    assert result.exit_code == 1
    assert "left" in result.stdout
    assert 'There is no "colour"' in result.stdout
    assert result.stderr == "Done: 1 left.\n"


def test_a_second_operator_is_told_who_is_at_work_and_touches_nothing():
    ops = Ops()
    ops.fail(1)

    with ops.lease(holder="anna@laptop (process 7)"):
        result = ops.cdp("dlq", "replay", "--yes", operator="ben")

    assert result.exit_code == 1
    assert "cdp: anna@laptop (process 7) works on the dead-letter queue since" in result.stderr
    assert (ops.new_jobs(), len(ops.bodies()), result.stdout) == ([], 1, "")


def test_who_lost_the_lease_while_held_up_stops_at_once():
    ops = Ops()
    ops.fail(1, 2, 3)

    def is_held_up(operation, arguments):
        if operation == "delete_message_batch":
            ops.seam.before = lambda *_: None
            ops.clock.forward(121)
            ops.lease(holder="ben").__enter__()

    ops.seam.before = is_held_up

    result = ops.cdp("dlq", "replay", "--yes")

    assert result.exit_code == 1
    assert result.stdout.count("replayed") == 1
    assert "cdp: ben works on the dead-letter queue" in result.stderr
    assert (len(ops.new_jobs()), len(ops.bodies())) == (1, 2)


def test_a_replay_that_is_cut_short_tells_what_was_done_and_gives_the_rest_back():
    ops = Ops()
    ops.fail(1, 2, 3)
    creates = []

    def fails_at_the_second(operation, arguments):
        creates.append(operation == "transact_write_items")
        if sum(creates) == 2 and creates[-1]:
            raise no_answer()

    ops.seam.before = fails_at_the_second

    result = ops.cdp("dlq", "replay", "--yes", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (document["isComplete"], document["counts"]) == (False, {"replayed": 1})
    assert "cdp: DynamoDB did not answer" in result.stderr
    assert (len(ops.bodies()), ops.hidden()) == (2, 0)


def test_ctrl_c_gives_everything_back_and_frees_the_lease():
    ops = Ops()
    ops.fail(1, 2)

    def interrupts(operation, arguments):
        if operation == "send_message":
            raise KeyboardInterrupt

    ops.seam.before = interrupts

    result = ops.cdp("dlq", "replay", "--yes")

    assert result.exit_code == 1
    assert "Aborted!" in result.stderr
    assert (len(ops.bodies()), ops.hidden()) == (2, 0)
    ops.seam.before = lambda *_: None
    assert "already replayed" in ops.cdp("dlq", "replay", "--yes", operator="ben").stdout


def test_what_could_not_be_given_back_is_said_to_return():
    ops = Ops()
    ops.fail(1)
    ops.seam.fail_before("change_message_visibility_batch", no_connection())

    result = ops.cdp("dlq", "list", "--hold", "30")

    assert "they return by themselves within 30 s" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dlq", "replay", "--set", "size=huge"], "size must be one of small, medium, large"),
        (["dlq", "replay", "--set", "owner=me"], "There is no 'owner' to set"),
        (["dlq", "replay", "--yes", "--dry-run"], "cannot both be meant"),
        (["dlq", "replay", "--max", "0"], "x>=1"),
        (["dlq", "replay", "--rate", "0"], "0.01<=x<=1000"),
        (["dlq", "list", "--reason", "BAD_LUCK"], "BAD_LUCK"),
        (["dlq", "list", "--since", "yesterday"], "'yesterday' is no time in ISO 8601"),
        (["dlq", "list", "--hold", "2"], "3<=x<=3600"),
        (["dlq", "purge"], "Say which"),
        (["dlq", "purge", "--all", "--yes", "--dry-run"], "cannot both be meant"),
        (["jobs", "stuck", "--older-than", "-1"], "x>=0"),
    ],
)
def test_wrong_usage_is_exit_code_two_and_touches_nothing(arguments, told):
    ops = Ops()
    ops.fail(1)
    calls = len(ops.seam.calls)

    result = ops.cdp(*arguments)

    assert result.exit_code == 2
    assert told in result.stderr
    assert len(ops.seam.calls) == calls


@pytest.mark.parametrize(
    ("flags", "messages", "told"),
    [
        (["--all"], 9, "Would be (--yes does it): 2 purged."),
        (["--all", "--yes"], 7, "Done: 2 purged."),
        (["--kind", "unprocessable", "--yes"], 8, "Done: 1 purged."),
        (["--id", "message-3", "--yes"], 8, "Done: 1 purged."),
        (["--owner", "nobody", "--yes"], 9, "Done: nothing to do."),
    ],
)
def test_a_purge_takes_what_is_meant(flags, messages, told):
    ops = Ops()
    ops.fail(1)
    ops.poison()

    result = ops.cdp("dlq", "purge", *flags)

    assert (result.exit_code, len(ops.bodies()), ops.hidden()) == (0, messages, 0)
    assert told in result.stderr


def test_a_purge_that_leaves_something_says_so():
    ops = Ops()
    ops.store.create(submitted_job())
    ops.send({"kind": "job", "jobId": job_id()})

    result = ops.cdp("dlq", "purge", "--all", "--yes", "--json")

    assert result.exit_code == 1
    assert items(result)[0]["text"].endswith("Replay it: that makes its job due.")


def test_stuck_jobs_are_listed_with_since_when_and_why():
    ops = Ops()
    ops.store.create(tracking_job(number=1, due_at=NOON - timedelta(hours=1)))
    ops.store.create(tracking_job(number=2, due_at=NOON - timedelta(hours=2)))
    ops.world.item(tracking_job(number=2))["history"] = 0

    shown = ops.cdp("jobs", "stuck")
    spoilt, stuck = items(ops.cdp("jobs", "stuck", "--json"))

    assert shown.exit_code == 1
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["DUE", job_id(2), "2026-11-23"]
    assert shown.stderr == "Overdue by more than 300 s: 2.\n"
    assert stuck == {
        "jobId": job_id(1),
        "dueSince": "2026-11-23T11:00:00.000+00:00",
        "status": "RUNNING",
        "phase": "tracking",
        "attempt": 1,
        "lastInHistory": "2026-11-23T12:00:00+00:00 api:local: Submitted.",
        "waitsFor": "A worker has to look at run run-1.",
    }
    assert (spoilt["jobId"], spoilt["phase"], spoilt["dueSince"]) == (job_id(2), None, None)


def test_with_nothing_stuck_the_exit_code_is_zero():
    ops = Ops()
    ops.store.create(tracking_job(due_at=NOON - timedelta(seconds=10)))

    assert ops.cdp("jobs", "stuck").exit_code == 0
    assert ops.cdp("jobs", "stuck", "--older-than", "10").exit_code == 1


def orphan(ops: Ops) -> None:
    name = f"{job_id(3)}.1"
    ops.emr.plans[name] = runs_for(3600)
    ops.emr.start_job_run(clientToken=name, name=name, applicationId="00app")


def test_orphans_are_listed_mended_and_then_gone():
    ops = Ops()
    orphan(ops)
    ops.store.create(tracking_job(number=1, run_id="gone"))

    listed = ops.cdp("jobs", "orphans")
    mended = ops.cdp("jobs", "orphans", "--fix", "--json")
    ops.clock.forward(60)
    after = ops.cdp("jobs", "orphans")

    assert (listed.exit_code, listed.stderr) == (1, "2 found, 2 left (--fix mends what can be).\n")
    assert "run without a job" in listed.stdout
    assert [item["mended"] for item in items(mended)] == [
        "Run 0000000000000001 was told to end.",
        f"Job {job_id(1)} is due now; a worker decides.",
    ]
    assert mended.exit_code == 0
    assert after.exit_code == 1, "the job is left to a worker, and none is running"
    assert after.stderr.startswith("1 found")


def test_mending_that_is_cut_short_tells_what_was_mended():
    ops = Ops()
    for number in (3, 4):
        name = f"{job_id(number)}.1"
        ops.emr.plans[name] = runs_for(3600)
        ops.emr.start_job_run(clientToken=name, name=name, applicationId="00app")
    ops.seam.after = lambda operation, _: (
        ops.seam.fail_before("cancel_job_run", no_answer()) if operation == "cancel_job_run" else None
    )

    result = ops.cdp("jobs", "orphans", "--fix", "--json")

    assert result.exit_code == 3
    assert [item["mended"] is not None for item in items(result)] == [True, False]
    assert "cdp: EMR Serverless did not answer" in result.stderr


def test_pages_of_runs_are_read_a_second_apart():
    ops = Ops()
    for number in range(1, 5):
        name = f"{job_id(number)}.1"
        ops.emr.plans[name] = runs_for(3600)
        ops.emr.start_job_run(clientToken=name, name=name, applicationId="00app")

    ops.cdp("jobs", "orphans")

    assert ops.pauses == [1.0]


def test_without_an_application_there_are_no_runs_to_look_at():
    ops = Ops()
    ops.settings = replace(ops.settings, emr_application_id="")

    result = ops.cdp("jobs", "orphans")

    assert result.exit_code == 2
    assert "EMR_APPLICATION_ID" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["dlq", "list"], "get_item"),
        (["dlq", "list"], "receive_message"),
        (["jobs", "stuck"], "query"),
        (["jobs", "orphans"], "list_job_runs"),
    ],
)
def test_aws_that_does_not_answer_is_exit_code_three(arguments, call):
    ops = Ops()
    ops.seam.fail_before(call, no_connection())

    result = ops.cdp(*arguments)

    assert result.exit_code == 3
    assert "did not answer" in result.stderr


def run_cdp(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """The command in a process of its own, in whose environment nothing is set but this."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60
    )


def test_commands_over_http_need_no_settings_of_aws():
    result = run_cdp("--url", "http://127.0.0.1:9", "get", "job-1", ENVIRONMENT="production")

    assert result.returncode == 3
    assert result.stderr.startswith("cdp: http://127.0.0.1:9 did not answer")


def test_operators_in_production_are_told_all_settings_that_are_missing_but_need_no_secrets():
    result = run_cdp("dlq", "list", ENVIRONMENT="production")

    assert result.returncode == 2
    assert result.stderr.startswith("cdp: ENVIRONMENT=production needs: ")
    assert "DEAD_LETTER_QUEUE" in result.stderr
    assert "SIGNING_KEY" not in result.stderr


def test_help_needs_no_settings():
    assert run_cdp("dlq", "replay", "--help", ENVIRONMENT="production").returncode == 0


def test_the_operators_aws_is_made_of_the_settings(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("DEAD_LETTER_QUEUE", "the-dead")

    aws = connect()

    assert isinstance(aws, Aws)
    assert aws.dead_letters.name == "the-dead"
    assert aws.operator == f"{getpass.getuser()}@{os.uname().nodename}"
    aws.lease(60)


def test_settings_that_cannot_be_are_wrong_usage(monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "moon")

    with pytest.raises(ConfigurationError):
        connect()
    assert CliRunner().invoke(main, ["jobs", "stuck"]).exit_code == 2


def test_a_user_without_a_name_has_a_number(monkeypatch):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert user_name() == f"uid-{os.getuid()}"


def test_progress_is_written_over_one_line_where_somebody_looks(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine()

    line.say("1 of 2")
    line.say("2 of 2")
    line.close()
    line.close()

    assert capsys.readouterr().err == "\r\033[K1 of 2\r\033[K2 of 2\r\033[K"


@pytest.mark.parametrize(("text", "shown"), [("é ü 漢", "é ü 漢"), ("a\x1b]0;x\x07b", "a�]0;x�b"), ("\u202ex", "�x")])
def test_only_what_can_be_printed_is_printed(text, shown):
    assert printable(text) == shown
