"""The templates as CloudFormation would see them: read, and resolved for one environment as far as that goes offline.

What only AWS knows becomes an ARN or id of the right form, so that stacks fit together here as they would there.
"""

import copy
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deployment.stacks import (
    ORDER,
    Stack,
    outputs_of_generations,
    parameters_of,
    read_environment,
    stacks_of,
)

ENVIRONMENTS = ("dev", "staging", "production")
ACCOUNT, REGION = "111111111111", "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
DIGEST = "sha256:" + "0" * 64
# What a deployment makes for a release before it comes to the stack `app`.
RELEASE = {
    "SparkCodeUri": "s3://artifacts/spark/0123456789abcdef/",
    "ApiImage": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/api@{DIGEST}",
    "WorkerImage": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/worker@{DIGEST}",
}
NO_VALUE = object()


class Loader(yaml.SafeLoader):
    """Reads !Sub x as {"Fn::Sub": x}, which is what it stands for."""


def construct(loader: Any, tag: str, node: Any) -> Any:
    """A function of CloudFormation in its long form."""
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1)} if tag == "GetAtt" else {name: value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", construct)


@functools.cache
def read_template(stack_path: Path) -> dict[str, Any]:
    """A template with its functions in their long form. It is shared: copy it before you change it."""
    template: dict[str, Any] = yaml.load(stack_path.read_text(), Loader)  # a safe loader
    return template


def declared_parameters(template: Mapping[str, Any]) -> dict[str, str | None]:
    """Each parameter and its default, as CloudFormation's ValidateTemplate tells them."""
    return {name: str(each["Default"]) if "Default" in each else None for name, each in template["Parameters"].items()}


@dataclass(frozen=True)
class Resolved:
    """A stack as it would be: its resources, those of false conditions left out, and its outputs."""

    stack: Stack
    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    outputs: Mapping[str, str]

    def of_type(self, resource_type: str) -> dict[str, Any]:
        """The properties of all resources of a type, by logical id."""
        return {
            name: each.get("Properties", {}) for name, each in self.resources.items() if each["Type"] == resource_type
        }


Edit = Callable[[str, dict[str, Any]], None]


def leave_as_it_is(_stack: str, _template: dict[str, Any]) -> None:
    """No edit."""


def resolve_environment(name: str, edit: Edit = leave_as_it_is, **overrides: Any) -> dict[str, Resolved]:
    """All stacks of an environment, by template, each with the outputs of those before it; of Spark's, the first.

    `edit` is shown each template (its name and its content) before it is resolved, to try what a mistake would do.
    """
    environment = read_environment(name) | overrides
    known: dict[str, str] = dict(RELEASE)
    found: dict[str, Resolved] = {}
    for template in ORDER:
        stacks = [resolve(stack, environment, known, edit) for stack in stacks_of(environment, [template])]
        outputs = [stack.outputs for stack in stacks]
        known |= outputs_of_generations(outputs) if template == "spark" else outputs[0]
        found[template] = stacks[0]
    return found


def resolve(stack: Stack, environment: Mapping[str, Any], known: Mapping[str, str], edit: Edit) -> Resolved:
    """One stack, with the parameters that a deployment would give it."""
    template = copy.deepcopy(read_template(stack.path))
    edit(stack.template, template)
    declared = declared_parameters(template)
    given = parameters_of(stack, declared, environment, known)
    values = {name: given.get(name, default) for name, default in declared.items()}
    typed = {
        name: value.split(",") if template["Parameters"][name]["Type"].startswith(("List", "Comma")) else value
        for name, value in values.items()
        if value is not None
    }
    resolver = Resolver(template, typed)
    resources = {name: resolver.value(each) for name, each in template["Resources"].items() if resolver.is_there(each)}
    outputs = {name: resolver.value(each["Value"]) for name, each in template.get("Outputs", {}).items()}
    return Resolved(stack, typed, resources, outputs)


class Resolver:
    """Evaluates the functions of one template."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self._template = template
        self._parameters = parameters

    def is_there(self, resource: Mapping[str, Any]) -> bool:
        """Whether a resource's condition holds, if it has one."""
        return "Condition" not in resource or self.condition(resource["Condition"])

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        return bool(self.value(self._template["Conditions"][name]))

    def value(self, node: Any) -> Any:
        """A node of the template with all functions evaluated."""
        if isinstance(node, list):
            return [each for each in map(self.value, node) if each is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return self.ref(argument)
            if name == "Condition" and isinstance(argument, str) and argument in self._template.get("Conditions", {}):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return self.function(name.removeprefix("Fn::"), argument)
        pairs = ((key, self.value(each)) for key, each in node.items())
        return {key: each for key, each in pairs if each is not NO_VALUE}

    def ref(self, name: str) -> Any:
        """What !Ref gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._parameters:
            return self._parameters[name]
        return self.attribute(name, "Ref")

    def function(self, name: str, argument: Any) -> Any:
        """What another function gives."""
        match name, argument:
            case "If", [condition, yes, no]:
                return self.value(yes if self.condition(condition) else no)
            case "Equals", [left, right]:
                return str(self.value(left)) == str(self.value(right))
            case "Not", [inner]:
                return not self.value(inner)
            case "And", inner:
                return all(map(self.value, inner))
            case "Or", inner:
                return any(map(self.value, inner))
            case "GetAtt", [resource, attribute]:
                return self.attribute(resource, attribute)
            case "Sub", str(text):
                return self.sub(text, {})
            case "Sub", [text, variables]:
                return self.sub(text, {key: self.value(each) for key, each in variables.items()})
            case "Select", [index, items]:
                return self.value(items)[int(index)]
            case "Split", [separator, text]:
                return str(self.value(text)).split(separator)
            case "Join", [separator, items]:
                return separator.join(map(str, self.value(items)))
            case "GetAZs", _:
                return [f"{REGION}a", f"{REGION}b", f"{REGION}c"]
            case "Cidr", [_, count, _]:
                return [f"10.40.{index * 16}.0/20" for index in range(int(count))]
        raise NotImplementedError(f"Fn::{name} of {argument!r}")

    def sub(self, text: str, variables: Mapping[str, Any]) -> str:
        """What !Sub gives."""

        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return str(variables[name])
            resource, _, attribute = name.partition(".")
            return str(self.attribute(resource, attribute) if attribute else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)

    def attribute(self, name: str, attribute: str) -> str:
        """What AWS would say of a resource: an ARN or a name of the right form. Raises: KeyError if there is none."""
        resource = self._template["Resources"][name]
        properties = resource.get("Properties", {})

        def named(key: str) -> str:
            return str(self.value(properties[key])) if key in properties else f"{name.lower()}-0123456789"

        arn = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:{{}}".format
        forms: dict[tuple[str, str], Callable[[], str]] = {
            ("AWS::DynamoDB::Table", "Ref"): lambda: named("TableName"),
            ("AWS::DynamoDB::Table", "Arn"): lambda: arn("dynamodb", f"table/{named('TableName')}"),
            ("AWS::SQS::Queue", "Ref"): lambda: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{named('QueueName')}",
            ("AWS::SQS::Queue", "Arn"): lambda: arn("sqs", named("QueueName")),
            ("AWS::SQS::Queue", "QueueName"): lambda: named("QueueName"),
            ("AWS::S3::Bucket", "Ref"): lambda: named("BucketName"),
            ("AWS::S3::Bucket", "Arn"): lambda: f"arn:aws:s3:::{named('BucketName')}",
            ("AWS::KMS::Key", "Arn"): lambda: arn("kms", "key/00000000-0000-0000-0000-000000000000"),
            ("AWS::SecretsManager::Secret", "Id"): lambda: arn("secretsmanager", f"secret:{named('Name')}-AbCdEf"),
            ("AWS::IAM::Role", "Arn"): lambda: f"arn:aws:iam::{ACCOUNT}:role/{self._role_name(name, properties)}",
            ("AWS::IAM::ManagedPolicy", "Ref"): lambda: f"arn:aws:iam::{ACCOUNT}:policy/{named('ManagedPolicyName')}",
            ("AWS::EMRServerless::Application", "ApplicationId"): lambda: f"00{named('Name')}",
            ("AWS::EMRServerless::Application", "Arn"): lambda: arn(
                "emr-serverless", f"/applications/00{named('Name')}"
            ).replace(f":{ACCOUNT}:/", f":{ACCOUNT}:/"),
            ("AWS::Logs::LogGroup", "Ref"): lambda: named("LogGroupName"),
            ("AWS::Logs::LogGroup", "Arn"): lambda: arn("logs", f"log-group:{named('LogGroupName')}:*"),
            ("AWS::CloudWatch::Alarm", "Ref"): lambda: named("AlarmName"),
            ("AWS::CloudWatch::Alarm", "Arn"): lambda: arn("cloudwatch", f"alarm:{named('AlarmName')}"),
            ("AWS::ECS::Cluster", "Ref"): lambda: named("ClusterName"),
            ("AWS::ECS::Service", "Name"): lambda: named("ServiceName"),
            ("AWS::ECR::Repository", "RepositoryUri"): lambda: (
                f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{named('RepositoryName')}"
            ),
            ("AWS::Events::Rule", "Ref"): lambda: named("Name"),
            ("AWS::Events::Rule", "Arn"): lambda: arn("events", f"rule/{named('Name')}"),
        }
        form = forms.get((resource["Type"], attribute))
        if form is not None:
            return form()
        if attribute.endswith("Arn") or resource["Type"].startswith(("AWS::ElasticLoadBalancingV2", "AWS::SNS")):
            return arn(resource["Type"].split("::")[1].lower(), name)
        return f"{name.lower()}-0123456789"

    def _role_name(self, name: str, properties: Mapping[str, Any]) -> str:
        """Its own, or the one that CloudFormation makes up: the stack's, which begins as all of ours do, and the id."""
        if "RoleName" in properties:
            return str(self.value(properties["RoleName"]))
        return f"{self._parameters['ProjectName']}-{self._parameters['Environment']}-{name}-0123456789"


def all_resources(stacks: Mapping[str, Resolved]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each resource of an environment: its stack's template, its logical id, and itself."""
    for template, stack in stacks.items():
        for name, resource in stack.resources.items():
            yield template, name, resource
