"""What a deployment may do, against what CloudFormation does for the types of our templates.

Each type's schema says which rights its handlers use; cfn-lint brings those schemas along. They name the rights of all
properties that a type has, so what ours do without is listed in without.toml, with the reasons.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from deployment.stacks import ORDER, TEMPLATES, Stack, read_environment
from tests.infra.iam.code import written_calls
from tests.infra.iam.policies import Need, Statement, is_allowed, statements_from
from tests.infra.iam.proof import grants_of, roles_of
from tests.infra.templates import Edit, Resolved, leave_as_it_is, read_template, resolve

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = "lib/python3*/site-packages/cfnlint/data/schemas/resources/*.json"
WORK = ("create", "read", "update", "delete")
BOUNDARY = "Boundary"
# The rights that a deployment uses itself; all others are of use through CloudFormation alone.
DIRECT = "DeployStacks"
THROUGH = ("aws:CalledVia", "cloudformation.amazonaws.com")
# IAM User Guide, IAM and STS quotas: characters of a managed policy without white space, and policies of a role.
MOST_CHARACTERS, MOST_POLICIES = 6144, 10
SERVICES = ("cloudformation", "s3", "ecr", "emr-serverless")
# Which rights the calls of deployment/ need, where it is not the one of the same name alone.
RIGHTS = {
    "s3:HeadObject": {"s3:GetObject", "s3:ListBucket"},
    "s3:PutObject": {"s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"},
    "secretsmanager:GetSecretValue": {"secretsmanager:GetSecretValue", "kms:Decrypt"},
    "secretsmanager:PutSecretValue": {"secretsmanager:PutSecretValue", "kms:GenerateDataKey", "kms:Decrypt"},
    # Stacks are given tags.
    "cloudformation:CreateChangeSet": {"cloudformation:CreateChangeSet", "cloudformation:TagResource"},
}
# On the key and on its alias, so they stand in two statements (KMS Developer Guide, Controlling access to aliases).
CHECKED_TWICE = ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")
# A step of a rotation also finds its stacks, by code that deployments have too.
FIND_STACKS = {"cloudformation:DescribeStacks"}
OF_ROTATION = ("secretsmanager", "ecs")
ROTATOR = "RotatorRole"
CI = "arn:aws:iam::111111111111:role/ci"
# docker login and docker push, which make images prints (ECR User Guide, IAM permissions for pushing an image).
PUSH = {
    "ecr:GetAuthorizationToken",
    *(f"ecr:{each}" for each in ("BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload")),
    *(f"ecr:{each}" for each in ("InitiateLayerUpload", "PutImage", "UploadLayerPart")),
}


def resolve_deployer(environment: str, edit: Edit = leave_as_it_is) -> Resolved:
    """The template that an administrator applies, for an environment."""
    given = {**read_environment(environment), "DeployerPrincipalArn": CI, "RotatorPrincipalArn": CI}
    return resolve(Stack(f"{environment}-deployer", "deployer", {}), given, {}, edit)


def policies_of(deployer: Resolved) -> dict[str, list[Statement]]:
    """The statements of each policy of the template; those of the one who rotates keys by the role's name."""
    found = deployer.of_type("AWS::IAM::ManagedPolicy")
    policies = {name: statements_from(policy["PolicyDocument"]) for name, policy in found.items()}
    return {**policies, ROTATOR: roles_of({"deployer": deployer})[ROTATOR]}


@cache
def rights_of_handlers() -> frozenset[str]:
    """All rights that CloudFormation's handlers of our types may use. Raises: FileNotFoundError without the schemas."""
    wanted = types_of_templates()
    rights: set[str] = set()
    for schema in all_schemas():
        if schema["typeName"] in wanted:
            wanted.discard(schema["typeName"])
            handlers = schema.get("handlers", {})
            rights |= {right for work in WORK for right in handlers.get(work, {}).get("permissions", [])}
    if wanted:
        raise FileNotFoundError(f"No schema tells of {sorted(wanted)}: make infra brings those of cfn-lint.")
    return frozenset(f"{service.lower()}:{name}" for service, _, name in (right.partition(":") for right in rights))


def types_of_templates() -> set[str]:
    """The types of all resources that a deployment makes."""
    templates = [read_template(TEMPLATES / f"{name}.yaml") for name in ORDER]
    return {resource["Type"] for template in templates for resource in template["Resources"].values()}


def all_schemas() -> Iterator[dict[str, Any]]:
    """The schemas of all types that cfn-lint knows."""
    for path in (ROOT / ".venv" / "infra").glob(SCHEMAS):
        yield json.loads(path.read_text())


@cache
def left_out() -> dict[str, str]:
    """The patterns of what a deployment does without, and the reason of each."""
    rows = tomllib.loads(Path(__file__).with_name("without.toml").read_text())["without"]
    return {action: row["reason"] for row in rows for action in row["actions"]}


@cache
def calls_of_deployment() -> frozenset[str]:
    """Each operation that the code of deployments calls, as service:Operation."""
    return frozenset(call for path in (ROOT / "deployment").glob("*.py") for call in written_calls(path, SERVICES))


@cache
def calls_of_rotation() -> frozenset[str]:
    """Each operation that the rotation of a key calls."""
    return frozenset(written_calls(ROOT / "deployment" / "rotate_key.py", OF_ROTATION))


def findings(deployer: Resolved, stacks: Mapping[str, Resolved]) -> Iterator[str]:
    """What a deployment may not do and needs, or may do and does not need; what roles may have and none has."""
    policies = policies_of(deployer)
    through = [each for name, rows in policies.items() if name not in (DIRECT, BOUNDARY, ROTATOR) for each in rows]
    yield from of_handlers(through)
    yield from of_our_own(
        policies[DIRECT], PUSH | {right for call in calls_of_deployment() for right in rights_of(call)}
    )
    yield from of_our_own(
        policies[ROTATOR], FIND_STACKS | {right for call in calls_of_rotation() for right in rights_of(call)}
    )
    yield from of_boundary(policies[BOUNDARY], stacks)


def of_handlers(statements: list[Statement]) -> Iterator[str]:
    """CloudFormation's part: each right of a handler is allowed or left out with a reason, never both."""
    allowed = {action for each in statements for action in each.actions}
    used = rights_of_handlers()
    without = {right for right in used | allowed if reason_without(right)}
    for statement in statements:
        if THROUGH not in {(each.key, each.values[0]) for each in statement.conditions}:
            yield f"{statement.sid} is of use to others than CloudFormation"
    times = Counter(action for each in statements for action in each.actions)
    for right, number in times.items():
        if number != (2 if right in CHECKED_TWICE else 1):
            yield f"{right} is allowed {number} times"
    yield from (f"{right} is allowed, and no handler needs it" for right in sorted(allowed - (used - without)))
    yield from (f"{right} is not allowed, and a handler uses it" for right in sorted(used - without - allowed))
    yield from (f"{each} is left out, and no handler uses it" for each in unused_patterns())


@cache
def reason_without(right: str) -> str | None:
    """Why a deployment does without a right; None if it does not."""
    return next((reason for pattern, reason in left_out().items() if fnmatchcase(right, pattern)), None)


@cache
def unused_patterns() -> tuple[str, ...]:
    """What is left out although no handler uses it."""
    return tuple(each for each in left_out() if not any(fnmatchcase(name, each) for name in rights_of_handlers()))


def rights_of(call: str) -> set[str]:
    """The rights that a call of the deployment needs."""
    return RIGHTS.get(call, {call})


def of_our_own(statements: list[Statement], needed: set[str]) -> Iterator[str]:
    """Our own part: what our code calls is allowed once, and nothing else."""
    allowed = Counter(action for each in statements for action in each.actions)
    yield from (f"{right} is not allowed, and our code needs it" for right in sorted(needed - allowed.keys()))
    yield from (f"{right} is allowed, and our code does not need it" for right in sorted(allowed.keys() - needed))
    yield from (f"{right} is allowed {number} times" for right, number in allowed.items() if number > 1)


def of_boundary(statements: list[Statement], stacks: Mapping[str, Resolved]) -> Iterator[str]:
    """The boundary: all that our roles may do is within it, and it has no action that none of them has."""
    roles = roles_of(stacks)
    project = next(iter(stacks.values())).parameters
    ours = ("aws:ResourceTag/project", f"{project['ProjectName']}-{project['Environment']}")
    used = set()
    for role, rows in roles.items():
        for grant in grants_of(rows):
            context = ((each.key, each.values[0]) for each in grant.statement.conditions)
            need = Need(grant.statement.actions[0], grant.resource, (*context, ours))
            used.add(need.action)
            if not is_allowed(statements, need):
                yield f"{role} may not {need}: the boundary does not let it"
    for statement in statements:
        yield from (f"no role may {each}, and the boundary lets it" for each in statement.actions if each not in used)


def characters_of(deployer: Resolved) -> dict[str, int]:
    """The length of each policy, as IAM counts it."""
    found = deployer.of_type("AWS::IAM::ManagedPolicy")
    return {name: len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) for name, policy in found.items()}
