"""Runbooks and alarms know each other, and what runbooks say of AWS's command line is in AWS's own models."""

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from tests.infra.iam.looks import OF_ADMINISTRATORS, OF_CDP, commands_of_runbooks, looks, unexplained
from tests.infra.templates import resolve_environment

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
PAGES = {path.name: path.read_text() for path in sorted(RUNBOOKS.glob("*.md"))}
# What the command line adds to every operation (aws help).
GLOBAL_OPTIONS = {"query", "max-items", "output", "region"}
SERVICES = {"s3api": "s3"}


def blocks(page: str) -> list[str]:
    """The commands of a page's shell blocks, each on one line."""
    text = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).replace("\\\n", " ")
    return [line.strip() for line in text.splitlines()]


WHOLE = sorted({line for page in PAGES.values() for line in blocks(page) if line.startswith("aws ")})
MENTIONED = sorted({found for page in PAGES.values() for found in re.findall(r"`(aws [a-z0-9-]+ [^`]+)`", page)})


def problems_of(command: str, *, is_whole: bool) -> list[str]:
    """What the models of AWS do not know of a command; of a whole one also what it lacks."""
    _, service, operation, *words = shlex.split(command)
    model = botocore.session.get_session().get_service_model(SERVICES.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in operations:
        return [f"{service} has no {operation}"]
    shape = model.operation_model(operations[operation]).input_shape
    members = {xform_name(name, "-") for name in shape.members} if shape else set()
    given = {word.removeprefix("--").removeprefix("no-") for word in words if word.startswith("--")}
    required = {xform_name(name, "-") for name in shape.required_members} if shape and is_whole else set()
    return [
        *(f"{operation} has no --{name}" for name in sorted(given - members - GLOBAL_OPTIONS)),
        *(f"{operation} needs --{name}" for name in sorted(required - given)),
    ]


@pytest.mark.parametrize("command", WHOLE)
def test_a_command_of_aws_can_be_typed_as_it_stands(command):
    assert problems_of(command, is_whole=True) == []


@pytest.mark.parametrize("command", MENTIONED)
def test_an_operation_that_is_mentioned_is_one_of_aws(command):
    assert problems_of(command, is_whole=False) == []


@pytest.mark.parametrize(
    ("command", "problems"),
    [
        ("aws sqs get-attributes --queue-url x", ["sqs has no get-attributes"]),
        ("aws sqs get-queue-attributes --queue x", ["get-queue-attributes has no --queue"]),
    ],
)
def test_a_command_that_aws_does_not_have_is_found(command, problems):
    assert problems_of(command, is_whole=True)[: len(problems)] == problems


def alarms() -> dict[str, str]:
    """Each alarm of production, by the last part of its name, with the page that it links to."""
    prefix = "cloud-data-platform-production-"
    found = {}
    for stack in resolve_environment("production").values():
        kinds = (stack.of_type("AWS::CloudWatch::Alarm"), stack.of_type("AWS::CloudWatch::CompositeAlarm"))
        for alarm in (alarm for kind in kinds for alarm in kind.values()):
            linked = re.search(r"([a-zA-Z-]+\.md)$", alarm["AlarmDescription"].strip())
            found[alarm["AlarmName"].removeprefix(prefix)] = linked[1] if linked else ""
    return found


def test_each_alarm_is_named_by_the_page_that_it_links_to():
    pages = {name: set(re.findall(r"`([a-z-]+)`", page)) for name, page in PAGES.items()}
    # One sentence for the tables that have the same alarms.
    of_tables = {
        f"{table}-{kind}-throttled" for table in ("control", "datasets", "contracts") for kind in ("reads", "writes")
    }
    pages["dynamodb-throttling.md"] |= of_tables

    assert [alarm for alarm, page in alarms().items() if page != "README.md" and alarm not in pages[page]] == []


def test_each_alarm_that_a_page_names_is_there():
    lines = [line for page in PAGES.values() for line in page.splitlines() if re.search(r"\bAlarms? `", line)]
    named = {name for line in lines for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", line)}

    assert named - set(alarms()) == set()


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"README.md"}))
def test_each_page_says_how_to_notice_what_to_do_and_when_it_is_over(name):
    headings = re.findall(r"^## (.+)$", PAGES[name], re.MULTILINE)

    needed = ["How you notice", "What to look at first", "What to do", "How to know it is over"]
    if name in ("key-rotation.md", "dead-letters.md"):  # work that is planned, and a page with a section for each deed
        needed = ["How you notice", "How to know it is over"]
    assert [heading for heading in needed if heading not in headings] == []
    assert name in PAGES["README.md"]


def test_each_command_of_aws_is_one_that_operators_may_or_an_administrators():
    stacks, commands = resolve_environment("dev"), commands_of_runbooks()

    assert unexplained(commands, stacks) == set()
    assert {*looks(stacks), *OF_ADMINISTRATORS, *OF_CDP} - {*commands} == set()
    assert unexplained(["iam delete-role"], stacks) == {"iam delete-role"}
