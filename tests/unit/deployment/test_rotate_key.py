"""A key is rotated in steps, none of which makes a task meet a signature that it does not take."""

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import deployment.rotate_key as command
from deployment.key_steps import KEYS, STEPS, Phase, keys_after, phase_of
from deployment.rotate_key import Place, Rotation
from deployment.stacks import DeploymentRefused
from tests.fakes.clock import Clock
from tests.fakes.cloudformation import FakeCloudFormation, FakeStack
from tests.fakes.rotating import FakeEcs, FakeSecrets
from tests.fakes.seam import aws_error

OLD, NEW = "o" * 64, "n" * 64
# Written by hand: each step in each phase; None where it is not its turn.
RESTING, ADDED, PROMOTED = ([OLD], []), ([OLD, NEW], [OLD]), ([NEW, OLD], [OLD, NEW])
TABLE = [
    ("add", RESTING, [OLD, NEW]),
    ("add", ADDED, [OLD, NEW]),
    ("add", PROMOTED, None),
    ("promote", RESTING, None),
    ("promote", ADDED, [NEW, OLD]),
    ("promote", PROMOTED, [NEW, OLD]),
    ("drop", RESTING, [OLD]),
    ("drop", ADDED, None),
    ("drop", PROMOTED, [NEW]),
]


@pytest.mark.parametrize(("step", "keys", "after"), TABLE)
def test_a_step_is_taken_in_its_turn_and_repeating_it_changes_nothing(step, keys, after):
    current, previous = keys
    phase = phase_of(current, previous)

    if after is None:
        with pytest.raises(DeploymentRefused, match=f"It is not the turn of {step}"):
            keys_after(step, phase, current, NEW)
    else:
        assert keys_after(step, phase, current, NEW) == after


@pytest.mark.parametrize(
    ("current", "previous"), [([OLD, NEW], []), ([OLD, NEW], [NEW]), ([OLD, NEW, "x"], [OLD, NEW]), ([], [OLD])]
)
def test_keys_that_somebody_put_there_by_hand_are_left_alone(current, previous):
    with pytest.raises(DeploymentRefused, match="no step of a rotation left"):
        phase_of(current, previous)


class Fleet:
    """A key, the tasks that read it, and its rotation."""

    def __init__(self, key: str = "callback") -> None:
        self.clock = Clock()
        self.secrets, self.ecs = FakeSecrets(OLD, self.clock), FakeEcs(self.clock)
        place = Place(KEYS[key], "arn", "cluster", tuple(name.lower() for name in KEYS[key].services))
        self.rotation = Rotation(place, self.secrets, self.ecs, self.clock, self.clock.forward)

    def values(self) -> list[str]:
        return self.secrets.versions["AWSCURRENT"][0].split(",")


def test_a_whole_rotation_leaves_one_new_key():
    fleet = Fleet()

    phases = []
    for step in STEPS:
        fleet.clock.forward(8 * 24 * 3600)
        phases.append(fleet.rotation.take(step).phase)

    assert phases == [Phase.ADDED, Phase.PROMOTED, Phase.RESTING]
    (key,) = fleet.values()
    assert key != OLD
    assert len(key) == 64


def test_tasks_of_two_neighbouring_steps_take_what_the_others_sign():
    fleet = Fleet()
    told = [fleet.values()]
    for step in STEPS:
        fleet.clock.forward(8 * 24 * 3600)
        fleet.rotation.take(step)
        told.append(fleet.values())

    assert all(one[0] in other and other[0] in one for one, other in pairwise(told))


@pytest.mark.parametrize(
    ("key", "services"), [("cursor", ["apiservicename"]), ("callback", ["apiservicename", "workerservicename"])]
)
def test_who_reads_a_key_is_started_anew_and_waited_for(key, services):
    fleet = Fleet(key)
    began = fleet.clock()

    fleet.rotation.take("add")

    assert fleet.ecs.restarted == services
    assert fleet.clock() - began == timedelta(seconds=20)


def test_a_step_that_was_cut_short_is_repeated_before_the_next():
    fleet = Fleet()
    fleet.ecs.is_stuck = True
    with pytest.raises(DeploymentRefused, match="not all started anew within half an hour"):
        fleet.rotation.take("add")
    added = fleet.values()

    with pytest.raises(DeploymentRefused, match="Not every task has started since the last step"):
        fleet.rotation.take("promote")

    fleet.ecs.is_stuck = False
    fleet.rotation.take("add")
    assert fleet.values() == added
    fleet.rotation.take("promote")
    assert fleet.values() == added[::-1]


@pytest.mark.parametrize(("key", "hours"), [("cursor", 24), ("callback", 7 * 24)])
def test_a_key_is_dropped_when_nothing_is_used_that_it_signed_or_when_it_leaked(key, hours):
    fleet = Fleet(key)
    fleet.rotation.take("add")
    fleet.rotation.take("promote")
    promoted_at = fleet.rotation.look().since

    fleet.clock.now = promoted_at + timedelta(hours=hours, seconds=-1)
    with pytest.raises(DeploymentRefused, match="is used until"):
        fleet.rotation.take("drop")
    assert len(fleet.values()) == 2

    assert fleet.rotation.take("drop", at_once=True).phase is Phase.RESTING


def test_a_key_is_dropped_in_time():
    fleet = Fleet("cursor")
    fleet.rotation.take("add")
    fleet.rotation.take("promote")
    fleet.clock.now = fleet.rotation.look().since + timedelta(hours=24)

    assert fleet.rotation.take("drop").phase is Phase.RESTING


def test_an_error_of_secrets_manager_is_not_taken_for_a_key_that_never_changed():
    fleet = Fleet()
    fleet.secrets.error = aws_error("GetSecretValue", "AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDeniedException"):
        fleet.rotation.look()


# The command line


@pytest.fixture
def fleet(monkeypatch) -> Fleet:
    """The stacks of dev, and what the command finds in its account."""
    fleet, stacks = Fleet(), FakeCloudFormation()
    stacks.stacks["cloud-data-platform-dev-data"] = FakeStack(
        outputs={"CursorKeySecretArn": "arn:cursor", "CallbackKeySecretArn": "arn:callback"}
    )
    stacks.stacks["cloud-data-platform-dev-app"] = FakeStack(
        outputs={"ClusterName": "c", "ApiServiceName": "api", "WorkerServiceName": "worker"}
    )
    clients = {"cloudformation": stacks, "secretsmanager": fleet.secrets, "ecs": fleet.ecs}

    class Session:
        client = staticmethod(clients.__getitem__)

    fleet.stacks = stacks.stacks
    monkeypatch.setattr(command.boto3.session, "Session", lambda region_name: Session())
    monkeypatch.setattr(command, "POLL_SECONDS", 0.0)
    return fleet


def test_a_step_says_how_far_the_rotation_is_and_shows_no_key(fleet, capsys):
    assert command.main(["dev", "callback", "add"]) == 0

    said = capsys.readouterr()
    assert said.out == "callback: the old key signs, the new one is taken, since 2026-11-23 12:00 UTC\n"
    assert fleet.ecs.restarted == ["api", "worker"]
    assert not any(key in said.out + said.err for key in fleet.values())


def test_showing_changes_nothing(fleet, capsys):
    assert command.main(["dev", "cursor", "show"]) == 0

    assert capsys.readouterr().out == "cursor: one key, since 2026-11-23 12:00 UTC\n"
    assert fleet.ecs.restarted == []


def test_what_is_refused_is_one_sentence_and_exit_code_1(fleet, capsys):
    assert command.main(["dev", "callback", "drop"]) == 0
    assert command.main(["dev", "callback", "promote"]) == 1

    assert capsys.readouterr().err == "rotate_key: It is not the turn of promote (one key): the next step is add.\n"


def test_a_leaked_key_goes_now(fleet):
    for step in ("add", "promote"):
        command.main(["dev", "callback", step])

    assert command.main(["dev", "callback", "drop", "--now"]) == 0
    assert len(fleet.values()) == 1


def test_without_an_environment_or_its_stacks_there_is_nothing_to_rotate(fleet, capsys):
    del fleet.stacks["cloud-data-platform-dev-app"]

    assert command.main(["dev", "cursor", "add"]) == 1
    assert command.main(["prod", "cursor", "add"]) == 1

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "rotate_key: cloud-data-platform-dev-app is not there: deploy it first."
    assert said[1].startswith("rotate_key: There is no environment 'prod'")


def test_every_step_that_the_runbook_types_is_one():
    page = (Path(__file__).resolve().parents[3] / "docs" / "runbooks" / "key-rotation.md").read_text()
    typed = re.findall(r"^make rotate-key ENV=(\w+) KEY=(\w+) STEP=(\w+)", page, re.MULTILINE)

    parsed = [command.parse_arguments(words) for words in typed]

    assert [arguments.step for arguments in parsed] == ["show", *STEPS, "drop"]
    assert all(f"| {phase} |" in page for phase in Phase)
