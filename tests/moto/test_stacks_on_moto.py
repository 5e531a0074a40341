"""The stacks that hold what the local cloud cannot make are made, changed and deleted on moto, in this process.

By plain calls and not by change sets, of which moto knows little. What it does not know either is listed.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation.parsing import get_model_map

from deployment.stacks import Stack, outputs_of_generations, parameters_of, read_environment, stacks_of
from tests.infra.templates import ENVIRONMENTS, RELEASE, declared_parameters, read_template, resolve_environment
from tests.integration.stacks.simulator import UNKNOWN_TYPES, without_references_to

# What neither of the two can make: these are linted, scanned and held to rules, and nothing more.
NOWHERE = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
    "AWS::CloudTrail::Trail",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::EMRServerless::Application",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
}
# Those that hold what the local cloud cannot make, and what they need. moto does not tell what a balancer is called, so
# what `edge` would give is made up.
HERE = ("base", "data", "spark", "roles", "app", "records")
# Both are there in each environment, so that all that depends on them is.
ASKED_FOR = {"NatGateway": True, "ReportsFromDrivers": "yes", "CallbackUrl": "https://reports.example.com"}
PARTS = 16


@pytest.fixture(autouse=True)
def nowhere_near_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "moto")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def body_for_moto(stack: Stack) -> str:
    """A template without the types that moto does not know, and with the parts of the network reckoned already."""
    template = copy.deepcopy(read_template(stack.path))
    resources = template["Resources"]
    gone = {name: each for name, each in resources.items() if each["Type"] not in get_model_map()}
    template["Resources"] = {name: each for name, each in resources.items() if name not in gone}
    return json.dumps(with_addresses(without_references_to(gone, template, "00app")), default=str)


def with_addresses(node: Any) -> Any:
    """A node of a template without Fn::Cidr, which moto does not know."""
    match node:
        case list():
            return [with_addresses(each) for each in node]
        case {"Fn::Select": [number, {"Fn::Cidr": _}]}:
            return f"10.40.{PARTS * number}.0/20"
        case dict():
            return {key: with_addresses(each) for key, each in node.items()}
    return node


def parameters_for(stack: Stack, environment: Mapping[str, Any], known: Mapping[str, str]) -> list[dict[str, str]]:
    declared = declared_parameters(read_template(stack.path))
    given = parameters_of(stack, declared, environment, known)
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]


def outputs_of(client: Any, name: str) -> dict[str, str]:
    (found,) = client.describe_stacks(StackName=name)["Stacks"]
    assert found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def types_in(client: Any, name: str) -> set[str]:
    rows = client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    return {row["ResourceType"] for row in rows}


def test_what_neither_the_local_cloud_nor_moto_can_make_is_known(capsys: pytest.CaptureFixture[str]):
    found = UNKNOWN_TYPES - set(get_model_map())

    with capsys.disabled():
        print("\nNeither the local cloud nor moto can make:", *sorted(found), sep="\n  ")
    assert found == NOWHERE


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_is_made_changed_and_deleted(name: str):
    client = boto3.client("cloudformation")
    environment = read_environment(name) | ASKED_FOR
    stacks = stacks_of(environment, HERE)
    known = {**RELEASE, **resolve_environment(name, **ASKED_FOR)["edge"].outputs}
    group = boto3.client("ec2").create_security_group(GroupName="balancer", Description="The balancer")
    known["LoadBalancerSecurityGroup"] = group["GroupId"]
    made = set()

    for stack in stacks:
        parameters = parameters_for(stack, environment, known)
        client.create_stack(
            StackName=stack.name,
            TemplateBody=body_for_moto(stack),
            Parameters=parameters,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        outputs = outputs_of(client, stack.name)
        known |= outputs_of_generations([outputs]) if stack.template == "spark" else outputs
        made |= types_in(client, stack.name)
    assert made >= UNKNOWN_TYPES - NOWHERE

    (app,) = [stack for stack in stacks if stack.template == "app"]
    parameters = parameters_for(app, environment | {"WorkerCpu": 512, "WorkerMemory": 1024}, known)
    client.update_stack(StackName=app.name, TemplateBody=body_for_moto(app), Parameters=parameters)
    outputs_of(client, app.name)
    worker = boto3.client("ecs").describe_task_definition(taskDefinition=f"cloud-data-platform-{name}-worker")
    assert worker["taskDefinition"]["revision"] == 2

    # moto deletes a network's parts in an order that it then refuses itself, so the first stack stays.
    for stack in reversed(stacks[1:]):
        client.delete_stack(StackName=stack.name)
    left = client.list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])["StackSummaries"]
    assert [stack["StackName"] for stack in left] == [stacks[0].name]
