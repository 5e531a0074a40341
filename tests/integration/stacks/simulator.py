"""CloudFormation of the local cloud, with what it does not know taken out of the templates and listed.

It takes no template with a type that it does not know. So those resources are left out, and what would have referred to
them gets a name or an ARN of the right form.
"""

import functools
import json
import re
import string
from collections.abc import Mapping
from typing import Any

import yaml

from tests.infra.templates import ACCOUNT, REGION, Loader

# All that is left out, by template. A test asks the local cloud, and fails if it knows one of these types by now.
NOT_MADE = {
    "base": {"AWS::EC2::EIP", "AWS::EC2::NatGateway"},
    "spark": {"AWS::EMRServerless::Application"},
    "edge": {"AWS::WAFv2::LoggingConfiguration", "AWS::WAFv2::WebACLAssociation"},
    "app": {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::EC2::SecurityGroupIngress",
    },
    "records": {"AWS::CloudTrail::Trail", "AWS::EC2::FlowLog"},
    "watch": {"AWS::Budgets::Budget", "AWS::CloudWatch::CompositeAlarm"},
}
UNKNOWN_TYPES = set().union(*NOT_MADE.values())
ALARM = "AWS::CloudWatch::Alarm"


def is_unknown(resource: Mapping[str, Any]) -> bool:
    """Whether the local cloud cannot make a resource: its type, or an alarm over several metrics."""
    kind = resource["Type"]
    return kind in UNKNOWN_TYPES or (kind == ALARM and "Metrics" in resource["Properties"])


@functools.cache
def without_unknown(body: str, application_id: str) -> str:
    """A template without what the local cloud cannot make, as JSON."""
    template = yaml.load(body, Loader)  # a safe loader
    resources = template["Resources"]
    gone = {name: resource for name, resource in resources.items() if is_unknown(resource)}
    template["Resources"] = {name: resource for name, resource in resources.items() if name not in gone}
    return json.dumps(without_references_to(gone, template, application_id), default=str)


def without_references_to(gone: Mapping[str, Any], node: Any, application_id: str) -> Any:
    """A node of a template in which nothing refers to what is gone."""
    if isinstance(node, list):
        return [without_references_to(gone, each, application_id) for each in node]
    match node:
        case {"Type": _, "DependsOn": str(name), **others} if name in gone:
            return without_references_to(gone, {"Type": node["Type"], **others}, application_id)
        case {"Ref": str(name)} if name in gone:
            return _stand_in(name, "Ref", application_id)
        case {"Fn::GetAtt": [name, attribute]} if name in gone:
            return _stand_in(name, attribute, application_id)
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _without_references(text, gone, application_id)}
        case {"ExcludePunctuation": True, **others}:  # which it does not heed
            return {**others, "ExcludeCharacters": string.punctuation}
        case dict():
            return {key: without_references_to(gone, each, application_id) for key, each in node.items()}
    return node


def _without_references(text: str, gone: Mapping[str, Any], application_id: str) -> str:
    def stand_in(match: re.Match[str]) -> str:
        name, _, attribute = match[1].partition(".")
        return _stand_in(name, attribute or "Ref", application_id) if name in gone else match[0]

    return re.sub(r"\$\{([A-Za-z.]+)\}", stand_in, text)


def _stand_in(name: str, attribute: str, application_id: str) -> str:
    if name == "Application":
        arn = f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{application_id}"
        return arn if attribute == "Arn" else application_id
    return f"arn:aws:stand-in:{REGION}:{ACCOUNT}:{name}" if attribute.endswith("Arn") else name


class Simulator:
    """A CloudFormation client that takes our templates. `applications` are the EMR applications by generation."""

    def __init__(self, client: Any, applications: Mapping[str, str]) -> None:
        self._client = client
        self._applications = applications

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_change_set(self, **request: Any) -> Any:
        """As the client's."""
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in request["Parameters"]}
        return self._client.create_change_set(**request | {"TemplateBody": self._known(request, parameters)})

    def validate_template(self, **request: Any) -> Any:
        """As the client's."""
        return self._client.validate_template(**request | {"TemplateBody": self._known(request, {})})

    def _known(self, request: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
        generation = parameters.get("Generation", "none")
        return without_unknown(request["TemplateBody"], self._applications.get(generation, f"00{generation}"))
