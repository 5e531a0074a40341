"""Each role may do what the calls of the tests need of it, and nothing else; any change of it is noticed."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.session import get_session

from shared.session_policy import Reach, session_policy
from tests.infra.iam.calls import Call, kept_calls
from tests.infra.iam.needs import Estate, UnknownCall, needs_of
from tests.infra.iam.policies import Need, is_allowed, statements_from
from tests.infra.iam.proof import all_stacks, findings, grants_of, roles_of
from tests.infra.templates import ENVIRONMENTS, Resolved, resolve_environment

CALLS = kept_calls()
Statement = dict[str, Any]
# An action that none of our roles has, for each service that they have any of.
UNUSED = {
    "cloudformation": "cloudformation:DeleteStack",
    "cloudtrail": "cloudtrail:StopLogging",
    "dynamodb": "dynamodb:DeleteItem",
    "ecr": "ecr:PutImage",
    "ecs": "ecs:UpdateService",
    "events": "events:PutEvents",
    "emr-serverless": "emr-serverless:DeleteApplication",
    "iam": "iam:CreateRole",
    "kms": "kms:Encrypt",
    "logs": "logs:DeleteLogGroup",
    "s3": "s3:DeleteObjectVersion",
    "secretsmanager": "secretsmanager:PutSecretValue",
    "sqs": "sqs:PurgeQueue",
}
STACKS = all_stacks("dev")


def policies_of(stack: Resolved) -> Iterator[tuple[str, Statement]]:
    """Each role of a stack with each statement of its policies."""
    for name, role in stack.of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


ALL = [(template, role, row) for template, stack in STACKS.items() for role, row in policies_of(stack)]
PLACES = [(template, role, row["Sid"]) for template, role, row in ALL]
ACTIONS = [(template, role, row["Sid"], action) for template, role, row in ALL for action in as_list(row["Action"])]
CONDITIONAL = [place for place, (_, _, row) in zip(PLACES, ALL, strict=True) if "Condition" in row]


def findings_after(place: tuple[str, str, str], change: Callable[[Statement], None]) -> list[str]:
    """What the proof finds when one statement of the templates is another."""
    template, role, sid = place
    stack = copy.deepcopy(STACKS[template])
    (statement,) = (row for name, row in policies_of(stack) if (name, row["Sid"]) == (role, sid))
    change(statement)
    return findings({**STACKS, template: stack}, CALLS)


def is_told(found: list[str], place: tuple[str, str, str]) -> bool:
    """Whether it is said that the statement allows too much."""
    return any(each.startswith(f"{place[1]} may do what nothing needs ({place[2]}: ") for each in found)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_role_may_do_what_is_needed_and_nothing_else(environment):
    assert findings(all_stacks(environment), CALLS) == []


@pytest.mark.parametrize("place", ACTIONS, ids="/".join)
def test_taking_an_action_away_is_noticed(place):
    template, role, sid, action = place

    def change(statement):
        statement["Action"] = [each for each in as_list(statement["Action"]) if each != action]

    found = findings_after((template, role, sid), change)

    assert any(each.startswith(f"{role} may not {action} on") for each in found)


@pytest.mark.parametrize("place", PLACES, ids="/".join)
def test_allowing_one_action_more_is_noticed(place):
    def change(statement):
        actions = as_list(statement["Action"])
        statement["Action"] = [*actions, UNUSED[actions[0].partition(":")[0]]]

    assert is_told(findings_after(place, change), place)


@pytest.mark.parametrize("place", PLACES, ids="/".join)
def test_allowing_it_on_one_resource_more_is_noticed(place):
    def change(statement):
        statement["Resource"] = [*as_list(statement["Resource"]), "arn:aws:s3:::another/*"]

    assert is_told(findings_after(place, change), place)


@pytest.mark.parametrize("place", CONDITIONAL, ids="/".join)
def test_allowing_it_without_the_condition_is_noticed(place):
    assert is_told(findings_after(place, lambda statement: statement.pop("Condition")), place)


def test_allowing_the_same_twice_is_noticed():
    def change(statement):
        statement["Action"] = [*as_list(statement["Action"]), statement["Action"][0]]

    found = findings_after(("roles", "ApiTaskRole", "Jobs"), change)

    assert {each.partition(" (")[0] for each in found} == {"ApiTaskRole is allowed twice"}


@pytest.mark.parametrize(
    "call",
    [
        Call("api", "dynamodb:DeleteItem", ("JOBS_TABLE",)),
        Call("api", "s3:DeleteObject", ("RAW_BUCKET/*",)),
        Call("api", "s3:PutObject", ("RAW_BUCKET/uploads/*",), ("ACL",)),
        Call("api", "sqs:PurgeQueue", ("JOBS_QUEUE",)),
        Call("api", "sqs:SendMessage", ("anothers",)),
        Call("worker", "emr-serverless:StopApplication"),
        Call("worker", "sts:AssumeRole"),
    ],
)
def test_a_call_whose_rights_nobody_wrote_down_stops_the_proof(call):
    with pytest.raises(UnknownCall):
        needs_of(call, Estate.of(resolve_environment("dev")))


@pytest.mark.parametrize(
    ("caller", "role", "call"),
    [
        ("api", "ApiTaskRole", "dynamodb:UpdateItem"),
        ("worker", "WorkerTaskRole", "s3:PutObject"),
        ("operator", "OperatorRole", "sqs:ReceiveMessage"),
    ],
)
def test_a_call_that_its_role_does_not_allow_is_told_with_the_call(caller, role, call):
    place = {"dynamodb": "CONTRACTS_TABLE", "s3": "PROCESSED_BUCKET/jobs/*", "sqs": "EVENTS_QUEUE"}
    recorded = Call(caller, call, (place[call.partition(":")[0]],))

    found = findings(resolve_environment("dev"), {*CALLS, recorded})

    assert any(each.startswith(f"{role} may not {call} on") and str(recorded) in each for each in found)


# --- The Spark programs ---------------------------------------------------------------------------------------------


def reached(stacks, rows) -> list[str]:
    """Which tables and queues statements give any right to, out of all operations that their services have."""
    found = []
    for service, kinds in (("dynamodb", ("AWS::DynamoDB::Table", "Table")), ("sqs", ("AWS::SQS::Queue", "Queue"))):
        operations = get_session().get_service_model(service).operation_names
        for name in stacks["data"].of_type(kinds[0]):
            arn = stacks["data"].outputs[f"{name}Arn"]
            needs = [
                Need(f"{service}:{operation}", each) for operation in operations for each in (arn, f"{arn}/index/x")
            ]
            found += [str(need) for need in needs if is_allowed(rows, need)]
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_spark_programs_reach_no_table_and_no_queue(environment):
    stacks = resolve_environment(environment)
    rows = roles_of(stacks)["JobRole"]

    assert reached(stacks, rows) == []
    assert {action.partition(":")[0] for each in rows for action in each.actions} == {"kms", "s3", "secretsmanager"}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sqs:SendMessage", {"Ref": "EventsQueueArn"}),
        ("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/*"),
        ("dynamodb:*", "*"),
        ("*", "arn:aws:sqs:us-east-1:111111111111:*"),
    ],
)
def test_a_way_to_a_table_or_a_queue_is_noticed(action, resource):
    def edit(name, content):
        if name == "spark":
            policy = content["Resources"]["JobRole"]["Properties"]["Policies"][0]["PolicyDocument"]
            policy["Statement"].append({"Sid": "More", "Effect": "Allow", "Action": action, "Resource": resource})

    stacks = resolve_environment("dev", edit)

    assert reached(stacks, roles_of(stacks)["JobRole"]) != []


def test_no_policy_of_a_table_or_queue_lets_a_role_in():
    stacks = resolve_environment("dev")
    policies = [each["PolicyDocument"] for each in stacks["data"].of_type("AWS::SQS::QueuePolicy").values()]

    allowed = [row["Principal"] for policy in policies for row in policy["Statement"] if row["Effect"] == "Allow"]

    assert allowed
    assert all(set(principal) == {"Service"} for principal in allowed)
    assert not any("ResourcePolicy" in table for table in stacks["data"].of_type("AWS::DynamoDB::Table").values())


def test_a_run_is_let_do_nothing_that_its_role_may_not():
    stacks = resolve_environment("dev")
    data = {name: arn.rpartition(":")[2] for name, arn in stacks["data"].outputs.items() if name.endswith("BucketArn")}
    reach = Reach(
        reads=[
            f"s3://{data['RawBucketArn']}/flights/2013.csv",
            f"s3://{data['ArtifactsBucketArn']}/callbacks/job-1/",
            f"s3://{data['ProcessedBucketArn']}/jobs/job-0/attempt-1/",
        ],
        output=f"s3://{data['ProcessedBucketArn']}/jobs/job-1/",
        logs=f"s3://{data['LogsBucketArn']}/applications/00app/",
        partition="aws",
        secret=stacks["data"].outputs["MaskKeySecretArn"],
    )
    policy = statements_from(json.loads(session_policy(reach)))

    asked = {Need(grant.statement.actions[0], grant.resource) for grant in grants_of(policy)}
    asked = {need for need in asked if not need.action.startswith("kms:")}

    assert {need for need in asked if not is_allowed(roles_of(stacks)["JobRole"], need)} == set()
    assert reached(stacks, policy) == []
    assert {need.action for need in asked} == {
        *("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListBucket"),
        "secretsmanager:GetSecretValue",
    }
