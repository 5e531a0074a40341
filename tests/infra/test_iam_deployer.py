"""The deployment's role may do what deploying our templates needs, and nothing else, and cannot widen any role."""

import pytest

from tests.infra.iam.deployer import (
    BOUNDARY,
    DIRECT,
    MOST_CHARACTERS,
    MOST_POLICIES,
    ROTATOR,
    characters_of,
    findings,
    policies_of,
    resolve_deployer,
)
from tests.infra.iam.policies import Need, is_allowed
from tests.infra.templates import ACCOUNT, ENVIRONMENTS, REGION, resolve_environment

STACKS = resolve_environment("dev")
POLICIES = policies_of(resolve_deployer("dev"))
ACTIONS = [(name, each.sid, action) for name, rows in POLICIES.items() for each in rows for action in each.actions]
THROUGH = ("aws:CalledVia", "cloudformation.amazonaws.com")
OURS = ("aws:ResourceTag/project", "cloud-data-platform-dev")


def findings_after(policy, sid, change):
    """What is found when one statement of the template is another."""

    def edit(_name, content):
        properties = content["Resources"][policy]["Properties"]
        document = properties["Policies"][0]["PolicyDocument"] if policy == ROTATOR else properties["PolicyDocument"]
        for each in document["Statement"]:
            if each["Sid"] == sid:
                change(each)

    return [*findings(resolve_deployer("dev", edit), STACKS)]


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_deployment_may_do_what_is_needed_and_nothing_else(environment):
    assert [*findings(resolve_deployer(environment), resolve_environment(environment))] == []


@pytest.mark.parametrize("place", ACTIONS, ids="/".join)
def test_taking_an_action_away_is_noticed(place):
    policy, sid, action = place

    def change(statement):
        statement["Action"] = [each for each in as_list(statement["Action"]) if each != action]

    assert findings_after(policy, sid, change) != []


@pytest.mark.parametrize(
    ("policy", "sid", "action"),
    [
        (DIRECT, "ChangeStacks", "cloudformation:CreateStack"),
        ("DeployData", "Buckets", "s3:GetObject"),
        ("DeployData", "Tables", "dynamodb:DeleteTable"),
        ("DeployData", "Secrets", "secretsmanager:GetSecretValue"),
        ("DeployData", "OurKey", "kms:ScheduleKeyDeletion"),
        ("DeployNetwork", "MakeTheNetwork", "ec2:RunInstances"),
        ("DeployServices", "Services", "ecs:ExecuteCommand"),
        ("DeployRoles", "KeepRoles", "iam:DeleteRolePermissionsBoundary"),
        ("DeployRoles", "KeepRoles", "iam:CreateUser"),
        (BOUNDARY, "Tables", "dynamodb:DeleteTable"),
        (ROTATOR, "StartTheTasksAnew", "ecs:RunTask"),
        (ROTATOR, "ChangeTheKeysThatSign", "secretsmanager:DeleteSecret"),
    ],
)
def test_allowing_one_action_more_is_noticed(policy, sid, action):
    def change(statement):
        statement["Action"] = [*as_list(statement["Action"]), action]

    assert any(action in each for each in findings_after(policy, sid, change))


@pytest.mark.parametrize(
    ("policy", "sid"),
    [
        (name, each.sid)
        for name, rows in POLICIES.items()
        for each in rows
        if each.conditions and name not in (DIRECT, BOUNDARY, ROTATOR)
    ],
)
def test_a_right_that_is_of_use_without_cloudformation_is_noticed(policy, sid):
    found = findings_after(policy, sid, lambda statement: statement.pop("Condition"))

    assert f"{sid} is of use to others than CloudFormation" in found


def may(action, resource, *context):
    rows = [each for name, statements in POLICIES.items() if name not in (BOUNDARY, ROTATOR) for each in statements]
    return is_allowed(rows, Need(action, resource, (THROUGH, *context)))


ROLE = f"arn:aws:iam::{ACCOUNT}:role/cloud-data-platform-dev-roles-ApiTaskRole-1"
WITHIN = ("iam:PermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:policy/cloud-data-platform-dev-boundary")
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"


@pytest.mark.parametrize(
    ("action", "resource", "context", "expected"),
    [
        ("iam:CreateRole", ROLE, (WITHIN,), True),
        ("iam:CreateRole", ROLE, (), False),
        ("iam:CreateRole", ROLE, (("iam:PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess"),), False),
        ("iam:PutRolePolicy", ROLE, (WITHIN,), True),
        ("iam:PutRolePolicy", ROLE, (), False),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/another", (WITHIN,), False),
        ("iam:UpdateAssumeRolePolicy", ROLE, (), True),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/deployer-cloud-data-platform-dev", (), False),
        ("iam:PassRole", ROLE, (("iam:PassedToService", "ecs-tasks.amazonaws.com"),), True),
        ("iam:PassRole", ROLE, (("iam:PassedToService", "ec2.amazonaws.com"),), False),
        ("dynamodb:UpdateTable", f"{TABLE}/cloud-data-platform-dev-jobs", (), True),
        ("dynamodb:UpdateTable", f"{TABLE}/cloud-data-platform-production-jobs", (), False),
        ("kms:PutKeyPolicy", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", (OURS,), True),
        ("kms:PutKeyPolicy", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", (), False),
        ("ec2:DeleteVpc", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1", (OURS,), True),
        ("ec2:DeleteVpc", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1", (), False),
    ],
)
def test_a_deployment_changes_what_is_ours_and_makes_roles_below_the_boundary(action, resource, context, expected):
    assert may(action, resource, *context) is expected


@pytest.mark.parametrize(("secret", "expected"), [("cursor-key", True), ("callback-key", True), ("mask-key", False)])
def test_who_rotates_keys_sees_those_that_sign_and_no_other(secret, expected):
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:cloud-data-platform-dev-{secret}-AbCdEf"

    assert is_allowed(POLICIES[ROTATOR], Need("secretsmanager:GetSecretValue", arn)) is expected
    assert not is_allowed(
        POLICIES[ROTATOR], Need("secretsmanager:GetSecretValue", arn.replace("-dev-", "-production-"))
    )


def test_who_has_the_role_in_hand_changes_nothing_but_by_a_stack():
    rows = [each for name, statements in POLICIES.items() if name not in (BOUNDARY, ROTATOR) for each in statements]

    assert not is_allowed(rows, Need("iam:CreateRole", ROLE, (WITHIN,)))
    assert not is_allowed(rows, Need("dynamodb:UpdateTable", f"{TABLE}/cloud-data-platform-dev-jobs"))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_role_of_an_environment_is_below_its_boundary(environment):
    boundary = resolve_deployer(environment).outputs["PermissionsBoundaryArn"]
    stacks = resolve_environment(environment)

    roles = [role for stack in stacks.values() for role in stack.of_type("AWS::IAM::Role").values()]

    assert roles
    assert {role.get("PermissionsBoundary") for role in roles} == {boundary}


def test_without_a_boundary_roles_have_none():
    stacks = resolve_environment("dev", PermissionsBoundaryArn="none")

    assert not any("PermissionsBoundary" in role for role in stacks["roles"].of_type("AWS::IAM::Role").values())


def test_iam_takes_policies_of_this_length_and_number():
    lengths = characters_of(resolve_deployer("production"))

    assert max(lengths.values()) <= MOST_CHARACTERS
    assert len(lengths) - 1 <= MOST_POLICIES
