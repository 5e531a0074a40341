"""CloudFormation behind our words."""

import pytest
from botocore.exceptions import ClientError

from deployment import change_sets
from deployment.change_sets import Plan, Stacks
from deployment.guards import Change
from deployment.stacks import DeploymentRefused, Stack
from tests.fakes.cloudformation import FakeCloudFormation, FakeStack, change

APP = Stack("app", "app", {})


def stacks_on(fake: FakeCloudFormation, paused: list[float] | None = None) -> Stacks:
    return Stacks(fake, pause=(paused if paused is not None else []).append)


def test_a_new_stack_is_planned_by_a_change_set_that_creates_it():
    fake = FakeCloudFormation()

    plan = stacks_on(fake).plan(APP, {"LogDays": "14"}, {"project": "cdp-dev"})

    (request,) = fake.requests
    assert request["ChangeSetType"] == "CREATE"
    assert request["Parameters"] == [{"ParameterKey": "LogDays", "ParameterValue": "14"}]
    assert request["Tags"] == [{"Key": "project", "Value": "cdp-dev"}]
    assert (plan.is_new, plan.changes) == (True, (Change("Add", "New", "AWS::SNS::Topic"),))


def test_all_changes_of_a_stack_are_read_however_many_pages_they_fill():
    changes = [change("Modify", "A", "AWS::S3::Bucket", "True"), change("Add", "B", "AWS::SNS::Topic")]

    plan = stacks_on(FakeCloudFormation(app=FakeStack(changes=changes))).plan(APP, {}, {})

    assert plan.changes == (Change("Modify", "A", "AWS::S3::Bucket", "True"), Change("Add", "B", "AWS::SNS::Topic"))
    assert not plan.is_new


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes.", "No updates are to be performed."]
)
def test_nothing_to_do_is_no_failure(reason):
    fake = FakeCloudFormation(app=FakeStack())
    fake.change_set_reason = reason

    assert stacks_on(fake).plan(APP, {}, {}).changes == ()
    assert fake.change_sets == {}


def test_a_change_set_that_fails_is_told_with_its_reason_and_forgotten():
    fake = FakeCloudFormation(app=FakeStack())
    fake.change_set_reason = "Circular dependency"

    with pytest.raises(DeploymentRefused, match="app cannot become this: Circular dependency"):
        stacks_on(fake).plan(APP, {}, {})
    assert fake.change_sets == {}


def test_a_value_that_cloudformation_refuses_is_told_in_its_words():
    fake = FakeCloudFormation(app=FakeStack())
    fake.refuses = ("ValidationError", "Parameter 'LogDays' must be one of AllowedValues")

    with pytest.raises(DeploymentRefused, match="app cannot become this: Parameter 'LogDays' must be one of"):
        stacks_on(fake).plan(APP, {}, {})


def test_other_errors_are_not_taken_for_refusals():
    fake = FakeCloudFormation(app=FakeStack())
    fake.refuses = ("AccessDenied", "not yours")

    with pytest.raises(ClientError, match="AccessDenied"):
        stacks_on(fake).plan(APP, {}, {})


def test_a_stack_that_never_came_to_be_must_be_removed_first():
    fake = FakeCloudFormation(app=FakeStack("ROLLBACK_COMPLETE"))

    with pytest.raises(DeploymentRefused, match="aws cloudformation delete-stack --stack-name app"):
        stacks_on(fake).plan(APP, {}, {})


def test_a_failed_stack_is_told_with_what_failed_in_it():
    fake = FakeCloudFormation(app=FakeStack())
    fake.ends_as = "UPDATE_ROLLBACK_COMPLETE"
    fake.events = [
        {
            "LogicalResourceId": "ApiService",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": "circuit breaker",
        },
        {"LogicalResourceId": "ApiTask", "ResourceStatus": "UPDATE_COMPLETE"},
    ]

    with pytest.raises(
        DeploymentRefused, match=r"^app ended as UPDATE_ROLLBACK_COMPLETE: ApiService: circuit breaker$"
    ):
        stacks_on(fake).apply(Plan(APP, False, ()))


def test_what_was_found_before_anything_was_made_is_told_instead_of_the_events():
    fake = FakeCloudFormation(app=FakeStack("REVIEW_IN_PROGRESS"))
    fake.ends_as = "ROLLBACK_COMPLETE"
    fake.events = [{"LogicalResourceId": "app", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "see there"}]
    fake.validations = [
        {"EventType": "VALIDATION_ERROR", "LogicalResourceId": "RawBucket", "ValidationStatusReason": "name taken"},
        {"EventType": "STACK_EVENT", "LogicalResourceId": "app"},
    ]

    with pytest.raises(DeploymentRefused, match=r"^app ended as ROLLBACK_COMPLETE: RawBucket: name taken$"):
        stacks_on(fake).apply(Plan(APP, True, ()))


def test_a_creation_that_fails_leaves_nothing_that_is_in_the_way_of_the_next():
    fake = FakeCloudFormation(app=FakeStack("REVIEW_IN_PROGRESS"))

    stacks_on(fake).apply(Plan(APP, True, ()))

    assert [request["RetainExceptOnCreate"] for request in fake.executed] == [True]


def test_a_deployment_waits_for_the_change_set_and_for_the_stack():
    fake, paused = FakeCloudFormation(app=FakeStack()), []
    fake.slowness = 3

    stacks = stacks_on(fake, paused)
    plan = stacks.plan(APP, {}, {})
    stacks.apply(plan)

    assert paused == [change_sets.POLL_SECONDS] * 6


def test_a_change_set_that_is_never_ready_is_given_up_after_an_hour():
    fake = FakeCloudFormation(app=FakeStack())
    fake.slowness = 10_000

    with pytest.raises(DeploymentRefused, match="did not say within an hour what app would become"):
        stacks_on(fake).plan(APP, {}, {})


def test_a_stack_that_is_never_done_is_given_up_after_an_hour():
    fake = FakeCloudFormation(app=FakeStack())
    fake.slowness = 10_000

    with pytest.raises(DeploymentRefused, match="app is not done after an hour"):
        stacks_on(fake).apply(Plan(APP, False, ()))


def test_a_plan_that_is_dropped_leaves_no_change_set_and_no_empty_stack():
    fake = FakeCloudFormation(data=FakeStack())
    stacks = stacks_on(fake)

    stacks.drop(stacks.plan(APP, {}, {}))
    stacks.drop(stacks.plan(Stack("data", "data", {}), {}, {}))

    assert fake.change_sets == {}
    assert fake.deleted == ["app"]


def test_an_error_of_forgetting_a_change_set_is_not_swallowed(monkeypatch):
    fake = FakeCloudFormation(app=FakeStack())
    monkeypatch.setattr(change_sets, "NO_CHANGE_SET", ())

    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        stacks_on(fake).plan(APP, {}, {})


def test_an_error_that_is_not_about_a_missing_stack_is_no_missing_stack():
    fake = FakeCloudFormation(app=FakeStack())
    fake.answers_nothing = True

    with pytest.raises(ClientError, match="Throttling"):
        stacks_on(fake).status("app")
