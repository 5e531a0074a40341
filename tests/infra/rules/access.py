"""Rules about who may do what, and who may come in."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.infra.templates import Resolved

Stacks = Mapping[str, Resolved]
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "api" / "openapi.json"
# Besides the paths of the document: the document itself, and the page that shows it.
OTHER_PATHS = ("/openapi.json", "/docs", "/docs/index.css")
# AWS knows no resource for these actions.
OF_NO_RESOURCE = {
    "cloudtrail:LookupEvents",
    "ecr:GetAuthorizationToken",
    "emr-serverless:ListApplications",
    "logs:GetQueryResults",
    "servicequotas:ListServiceQuotas",
}
OF_APPLICATIONS = {"emr-serverless:StartJobRun", "emr-serverless:ListJobRuns"}
OF_RUNS = {
    "emr-serverless:GetJobRun",
    "emr-serverless:CancelJobRun",
    "emr-serverless:GetDashboardForJobRun",
}
ALWAYS_BLOCKS = "NothingInternal"


def roles_of(stacks: Stacks) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each role of an environment."""
    for stack in stacks.values():
        yield from stack.of_type("AWS::IAM::Role").items()


def statements_of(stacks: Stacks) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each statement of each role, with its actions and resources as lists."""
    for name, role in roles_of(stacks):
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield (
                    name,
                    {**statement, "Action": listed(statement["Action"]), "Resource": listed(statement["Resource"])},
                )


def listed(value: Any) -> list[str]:
    """One or many, as many."""
    return value if isinstance(value, list) else [value]


def nothing_is_allowed_on_everything(stacks: Stacks) -> Iterator[str]:
    """No wildcard in an action; a bare * as the resource only where AWS knows no other."""
    for role, statement in statements_of(stacks):
        yield from (f"{role} may {action}" for action in statement["Action"] if "*" in action)
        if "*" in statement["Resource"] and not set(statement["Action"]) <= OF_NO_RESOURCE:
            yield f"{role} may {statement['Action']} on everything"


def emr_actions_name_what_they_work_on(stacks: Stacks) -> Iterator[str]:
    """Runs are started on applications and looked at as runs; the wrong kind of ARN allows nothing."""
    for role, statement in statements_of(stacks):
        for action in statement["Action"]:
            on_runs = all(arn.endswith("/jobruns/*") for arn in statement["Resource"])
            on_applications = all(re.search(r":/applications/[^/]+$", arn) for arn in statement["Resource"])
            if (action in OF_RUNS and not on_runs) or (action in OF_APPLICATIONS and not on_applications):
                yield f"{role} may {action} on {statement['Resource']}"


def only_the_role_of_spark_is_passed_on(stacks: Stacks) -> Iterator[str]:
    """PassRole on the Spark programs' role alone, and to EMR Serverless alone."""
    spark = stacks["spark"].outputs["JobRoleArn"]
    for role, statement in statements_of(stacks):
        if "iam:PassRole" in statement["Action"]:
            condition = {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}
            if statement["Resource"] != [spark] or statement.get("Condition") != condition:
                yield f"{role} may pass on {statement['Resource']}"


def services_act_for_this_account_alone(stacks: Stacks) -> Iterator[str]:
    """A service that takes a role must do so for something of ours (the confused deputy)."""
    for name, role in roles_of(stacks):
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            if "Service" in statement["Principal"] and "aws:SourceAccount" not in json.dumps(statement):
                yield f"{name} may be taken for anybody's sake"
            if "AWS" in statement["Principal"] and "MultiFactorAuthPresent" not in json.dumps(statement):
                yield f"{name} may be taken without a second factor"


def the_firewall_blocks_in_production(stacks: Stacks) -> Iterator[str]:
    """Blocks in production, counts elsewhere; what is inside is blocked everywhere."""
    is_production = stacks["edge"].parameters["Environment"] == "production"
    for acl in stacks["edge"].of_type("AWS::WAFv2::WebACL").values():
        for rule in acl["Rules"]:
            blocks = "Block" in rule.get("Action", {}) or "None" in rule.get("OverrideAction", {})
            if blocks is not (is_production or rule["Name"] == ALWAYS_BLOCKS):
                yield f"{rule['Name']} {'blocks' if blocks else 'only counts'}"


def the_firewall_stands_before_the_balancer(stacks: Stacks) -> Iterator[str]:
    """Associated, and its logs hold no token."""
    edge = stacks["edge"]
    associated = [each["ResourceArn"] for each in edge.of_type("AWS::WAFv2::WebACLAssociation").values()]
    if len(associated) != 1:
        yield "no balancer has the firewall"
    for logging in edge.of_type("AWS::WAFv2::LoggingConfiguration").values():
        redacted = [each["SingleHeader"]["Name"] for each in logging["RedactedFields"]]
        if "authorization" not in redacted:
            yield "the firewall logs tokens"
        if any(arn.endswith(":*") for arn in logging["LogDestinationConfigs"]):
            yield "WAF refuses a log group's ARN that ends with :*"


def the_firewall_knows_the_paths_of_the_document(stacks: Stacks) -> Iterator[str]:
    """Every path that clients use, and no other: not inside, not a level deeper, not by another name."""
    acl = next(iter(stacks["edge"].of_type("AWS::WAFv2::WebACL").values()))
    rules = {rule["Name"]: rule["Statement"] for rule in acl["Rules"]}
    known = rules["KnownPaths"]["NotStatement"]["Statement"]["OrStatement"]["Statements"]
    patterns = [re.compile(each["RegexMatchStatement"]["RegexString"]) for each in known]
    documented = json.loads(DOCUMENT.read_text())["paths"]
    wanted = [path for path in documented if not path.startswith("/internal")]
    for path in [re.sub(r"\{[^}]+\}", "0190-a_b", each) for each in wanted] + [*OTHER_PATHS]:
        if not any(pattern.search(path) for pattern in patterns):
            yield f"{path} is not known to the firewall"
    unknown = [
        "/",
        "/metrics",
        "/internal/jobs/x/status",
        "/jobs/x/y/z",
        "/jobs/x/outputs/y",
        "/admin",
        "/jobs/x/delete",
    ]
    yield from (f"{path} is let through" for path in unknown if any(each.search(path) for each in patterns))
    for pattern in patterns:
        yield from (f"{pattern.pattern} allows {word}" for word in words_of(pattern.pattern) - words_in(documented))


def words_of(pattern: str) -> set[str]:
    """The names of folders and verbs in a pattern."""
    return set(re.findall(r"[a-z][a-z.-]+", pattern.replace("\\", "")))


def words_in(documented: Mapping[str, Any]) -> set[str]:
    """The names of folders and verbs that clients' paths have."""
    paths = [*documented, *OTHER_PATHS]
    return {word for path in paths for word in path.split("/") if word and not word.startswith("{")}


def nothing_inside_is_reached_from_outside(stacks: Stacks) -> Iterator[str]:
    """The balancer itself answers 404, whatever the firewall does."""
    edge = stacks["edge"]
    answers = [
        rule["Conditions"][0]["PathPatternConfig"]["Values"]
        for rule in edge.of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values()
        if rule["Actions"][0]["Type"] == "fixed-response"
    ]
    if answers != [["/internal", "/internal/*", "/metrics"]]:
        yield "the balancer hands on what is inside"


def the_door_speaks_tls(stacks: Stacks) -> Iterator[str]:
    """TLS 1.2 and later on 443; 80 does nothing but lead there."""
    for name, listener in stacks["edge"].of_type("AWS::ElasticLoadBalancingV2::Listener").items():
        if listener["Port"] == 443 and not listener.get("SslPolicy", "").startswith("ELBSecurityPolicy-TLS13-1-2"):
            yield f"{name} has SslPolicy {listener.get('SslPolicy')}"
        if listener["Port"] != 443 and listener["DefaultActions"][0]["Type"] != "redirect":
            yield f"{name} answers without TLS"


RULES = (
    nothing_is_allowed_on_everything,
    emr_actions_name_what_they_work_on,
    only_the_role_of_spark_is_passed_on,
    services_act_for_this_account_alone,
    the_firewall_blocks_in_production,
    the_firewall_stands_before_the_balancer,
    the_firewall_knows_the_paths_of_the_document,
    nothing_inside_is_reached_from_outside,
    the_door_speaks_tls,
)
