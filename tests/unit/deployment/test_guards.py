"""What a deployment must not do by the way."""

import pytest

from deployment.guards import APPLICATION, HOLD_DATA, Change, changes_application, losses

TABLE = "AWS::DynamoDB::Table"


@pytest.mark.parametrize(
    ("action", "replacement", "loses"),
    [
        ("Add", "False", False),
        ("Modify", "False", False),
        ("Modify", "True", True),
        ("Modify", "Conditional", True),
        ("Remove", "False", True),
    ],
)
@pytest.mark.parametrize("kind", HOLD_DATA)
def test_what_holds_data_is_lost_by_its_removal_and_by_a_replacement_even_if_only_perhaps(
    kind, action, replacement, loses
):
    change = Change(action, "It", kind, replacement)

    assert losses([change], allowed=()) == ([change] if loses else [])


def test_what_holds_no_data_may_be_replaced():
    assert losses([Change("Modify", "Task", "AWS::ECS::TaskDefinition", "True")], allowed=()) == []


def test_only_what_is_named_may_be_lost():
    jobs, control = Change("Remove", "JobsTable", TABLE), Change("Remove", "ControlTable", TABLE)

    assert losses([jobs, control], allowed=["JobsTable"]) == [control]


@pytest.mark.parametrize(
    ("action", "kind", "changes"),
    [
        ("Add", APPLICATION, False),
        ("Modify", APPLICATION, True),
        ("Remove", APPLICATION, True),
        ("Modify", TABLE, False),
    ],
)
def test_an_application_that_is_there_is_changed_by_all_but_its_making(action, kind, changes):
    assert changes_application([Change(action, "It", kind)]) is changes


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("Add", "JobsTable", TABLE), "add JobsTable (AWS::DynamoDB::Table)"),
        (Change("Modify", "JobsTable", TABLE), "modify JobsTable (AWS::DynamoDB::Table)"),
        (Change("Modify", "JobsTable", TABLE, "True"), "replace JobsTable (AWS::DynamoDB::Table)"),
        (Change("Modify", "JobsTable", TABLE, "Conditional"), "replace (perhaps) JobsTable (AWS::DynamoDB::Table)"),
        (Change("Remove", "JobsTable", TABLE), "remove JobsTable (AWS::DynamoDB::Table)"),
    ],
)
def test_a_change_is_shown_in_words(change, text):
    assert str(change) == text
