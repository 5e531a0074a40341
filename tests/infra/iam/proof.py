"""The proof: what a role may do is what is needed of it. Findings are sentences; none means proven."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from deployment.stacks import Stack, read_environment
from tests.infra.iam.calls import Call
from tests.infra.iam.declared import declared_needs
from tests.infra.iam.needs import Estate, needs_of
from tests.infra.iam.policies import Condition, Need, Statement, is_allowed, statements_from
from tests.infra.templates import Resolved, leave_as_it_is, resolve, resolve_environment

# Whose calls are recorded, and the role that they have in AWS.
RECORDED = {"api": "ApiTaskRole", "worker": "WorkerTaskRole", "operator": "OperatorRole"}
Stacks = Mapping[str, Resolved]


@dataclass(frozen=True)
class Grant:
    """The least that a policy can give: one action on one resource under one value of each condition."""

    statement: Statement

    @property
    def resource(self) -> str:
        """The one resource."""
        return self.statement.resources[0]

    def is_for(self, need: Need) -> bool:
        """Whether the need is just this: a narrower one, or one under a condition, is no reason for a wider grant."""
        held = {condition.key for condition in self.statement.conditions}
        return self.resource == need.resource and held == dict(need.context).keys() and self.statement.speaks_of(need)

    def __str__(self) -> str:
        statement = self.statement
        under = "".join(f", {each.key} {'/'.join(each.values)}" for each in statement.conditions)
        return f"{statement.sid}: {statement.actions[0]} on {self.resource}{under}"


def all_stacks(environment: str) -> dict[str, Resolved]:
    """The stacks of an environment, and that of the account with the role that it may have."""
    stacks = resolve_environment(environment)
    data = stacks["data"].outputs
    of_account = {"RawBucketName": data["RawBucketName"], "KeyId": data["KeyArn"].rpartition("/")[2]}
    given = {**read_environment(environment), **of_account, "MalwareScans": "yes"}
    return {**stacks, "account": resolve(Stack("account", "account", {}), given, {}, leave_as_it_is)}


def roles_of(stacks: Stacks) -> dict[str, list[Statement]]:
    """The statements of each role of an environment, by its logical id."""
    return {
        name: [each for policy in role.get("Policies", []) for each in statements_from(policy["PolicyDocument"])]
        for stack in stacks.values()
        for name, role in stack.of_type("AWS::IAM::Role").items()
    }


def grants_of(statements: Iterable[Statement]) -> Iterator[Grant]:
    """All that these statements allow, each by itself."""
    for each in statements:
        if not each.allows:
            continue
        choices = [[replace(one, values=(value,)) for value in one.values] for one in each.conditions]
        for action, resource, *conditions in product(each.actions, each.resources, *choices):
            held: tuple[Condition, ...] = tuple(conditions)
            yield Grant(Statement(each.sid, True, (action,), (resource,), held))


def needs_by_role(stacks: Stacks, calls: Iterable[Call]) -> dict[str, dict[Need, str]]:
    """What each role needs, and what for: a recorded call, or what is declared with its reason."""
    estate, needs = Estate.of(stacks), declared_needs(stacks)
    for call in sorted(calls):
        if call.by in RECORDED:
            for need in needs_of(call, estate):
                needs.setdefault(RECORDED[call.by], {}).setdefault(need, str(call))
    return needs


def findings(stacks: Stacks, calls: Iterable[Call]) -> list[str]:
    """What is needed and not allowed, and what is allowed and not needed."""
    needs = needs_by_role(stacks, calls)
    roles = roles_of(stacks)
    strangers = [f"{role} is no role of the templates" for role in needs if role not in roles]
    return strangers + [
        f"{role} {each}" for role, statements in roles.items() for each in of_role(statements, needs.get(role, {}))
    ]


def of_role(statements: Sequence[Statement], needs: Mapping[Need, str]) -> Iterator[str]:
    """The findings about one role."""
    for need, purpose in needs.items():
        if not is_allowed(statements, need):
            yield f"may not {need} (for {purpose})"
    grants = [*grants_of(statements)]
    for place, grant in enumerate(grants):
        fitting = [need for need in needs if grant.is_for(need)]
        others = [each.statement for number, each in enumerate(grants) if number != place]
        if not fitting:
            yield f"may do what nothing needs ({grant})"
        elif all(is_allowed(others, need) for need in fitting):
            yield f"is allowed twice ({grant})"
