"""What the runbooks tell operators to type can be typed."""

import re
import shlex
from pathlib import Path

import click
import pytest

from cli.__main__ import main
from shared.models import FailureReason
from shared.orphans import Fault
from shared.replays.dead_letter_replay import Pace, Replayer, read_all, replay, to_replay
from shared.replays.dead_letters import Kind, Selection
from shared.replays.held_messages import HeldMessages
from shared.replays.job_replay import Orders
from shared.replays.replay_lease import ReplayLease
from tests.unit.cli_ops.operations import Ops

RUNBOOKS = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
# What a page leaves to its reader.
EXAMPLES = {"FILE": __file__, "TIME": "2026-11-26T09:00:00Z"}
DEAD_LETTERS = (RUNBOOKS / "dead-letters.md").read_text()
STUCK = (RUNBOOKS / "stuck-and-orphaned.md").read_text()
PAGES = [path.read_text() for path in sorted(RUNBOOKS.glob("*.md"))]
COMMANDS = [line.strip() for page in PAGES for line in page.splitlines() if line.strip()[:4] == "cdp "]
INLINE = [command for page in PAGES for command in re.findall(r"`(cdp [a-z][^`]+)`", page)]


@pytest.mark.parametrize("line", sorted({*COMMANDS, *INLINE}))
def test_every_command_can_be_typed_as_it_stands(line):
    command: click.Command = main
    words = [EXAMPLES.get(word, word) for word in shlex.split(line)[1:]]
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]

    assert command.make_context("cdp", words)


def test_every_kind_reason_and_fault_is_explained():
    assert all(f"| `{kind}` |" in DEAD_LETTERS for kind in Kind)
    assert all(f"`{reason}`" in DEAD_LETTERS for reason in FailureReason)
    assert all(f"| {fault} |" in STUCK for fault in Fault)


def test_the_replay_from_code_replays():
    ops = Ops()
    ops.fail(1)
    ops.fail(2, failure_reason=FailureReason.CAPACITY)
    (code,) = re.findall(r"```python\n(.*?)```", DEAD_LETTERS, re.DOTALL)
    names = {
        **{each.__name__: each for each in (HeldMessages, Orders, Pace, ReplayLease, Replayer, Selection)},
        **{each.__name__: each for each in (read_all, replay, to_replay)},
        "FailureReason": FailureReason,
        "dynamodb": ops.world.client(ops.world.dynamodb),
        "dead_letters": ops.queue,
        "jobs_queue": ops.world.jobs_queue,
        "store": ops.store,
        "runner": ops.runner,
        "settings": ops.settings,
        "clock": ops.clock,
        "pause": ops.pause,
        "tell": lambda outcome: None,
    }

    exec(code, names)

    assert len(names["done"]) == len(ops.new_jobs()) == len(ops.bodies()) == 1
