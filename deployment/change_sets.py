"""CloudFormation behind our words: what a stack would become, and making it so."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deployment.guards import Change
from deployment.stacks import DeploymentRefused, Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

POLL_SECONDS = 5.0
# More of them would hide the first, which most often is the cause.
MOST_REASONS = 5
LONGEST_SECONDS = 3600
# What CloudFormation answers where a template and its parameters are already what is there.
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed", "no changes")
WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
# A stack that never came to be; CloudFormation changes it no more.
NEVER_MADE = "ROLLBACK_COMPLETE"
NAME = "deployment"
# What it answers where there is none to delete: of no stack, or of a stack.
NO_CHANGE_SET = ("ValidationError", "ChangeSetNotFound", "ChangeSetNotFoundException")


@dataclass(frozen=True)
class Plan:
    """What would be done to a stack; nothing if there are no changes."""

    stack: Stack
    is_new: bool
    changes: tuple[Change, ...]


@contextmanager
def refusals(stack: Stack) -> Iterator[None]:
    """Say in a sentence what CloudFormation refuses at once: a value that does not fit, a stack that cannot change."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise DeploymentRefused(f"{stack.name} cannot become this: {error.response['Error']['Message']}") from error


class Stacks:
    """The stacks of an account and region."""

    def __init__(
        self,
        client: "CloudFormationClient",
        say: Callable[[str], None] = print,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._say = say
        self._pause = pause

    def status(self, name: str) -> str | None:
        """The status of a stack; None if there is none."""
        try:
            found = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
        # A change set that was made for a new stack and never executed leaves the stack like this, with nothing in it.
        return None if found[0]["StackStatus"] == "REVIEW_IN_PROGRESS" else found[0]["StackStatus"]

    def outputs(self, name: str) -> dict[str, str]:
        """The outputs of a stack that is there."""
        stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def declared(self, stack: Stack) -> dict[str, str | None]:
        """The parameters of a stack's template: their names and defaults, None without one."""
        found = self._client.validate_template(TemplateBody=stack.body())["Parameters"]
        return {each["ParameterKey"]: each.get("DefaultValue") for each in found}

    def plan(self, stack: Stack, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Plan:
        """Make the change set of a stack and read it. Raises: DeploymentRefused if CloudFormation makes none."""
        status = self.status(stack.name)
        if status == NEVER_MADE:
            raise DeploymentRefused(
                f"{stack.name} could not be made the last time; remove what is left of it and deploy again: "
                f"aws cloudformation delete-stack --stack-name {stack.name}"
            )
        is_new = status is None
        self._forget(stack)
        with refusals(stack):
            self._client.create_change_set(
                StackName=stack.name,
                ChangeSetName=NAME,
                ChangeSetType="CREATE" if is_new else "UPDATE",
                TemplateBody=stack.body(),
                Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
                Tags=[{"Key": name, "Value": value} for name, value in tags.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        found = self._wait_for_change_set(stack)
        if found["Status"] == "FAILED":
            self._forget(stack)
            if any(words in found.get("StatusReason", "") for words in NOTHING_TO_DO):
                return Plan(stack, is_new, ())
            raise DeploymentRefused(f"{stack.name} cannot become this: {found.get('StatusReason', 'no reason given')}")
        return Plan(stack, is_new, tuple(self._changes(stack)))

    def apply(self, plan: Plan) -> None:
        """Execute the change set of a plan and wait for its end. Raises: DeploymentRefused, with what went wrong."""
        # Without the flag what a failed creation has made would stay, and its names would be taken the next time.
        self._client.execute_change_set(StackName=plan.stack.name, ChangeSetName=NAME, RetainExceptOnCreate=True)
        status = self._wait_for_stack(plan.stack)
        if status not in WELL:
            raise DeploymentRefused(f"{plan.stack.name} ended as {status}: {'; '.join(self._reasons(plan.stack))}")

    def drop(self, plan: Plan) -> None:
        """Forget a change set that is not to be executed, and the empty stack that it may have made."""
        self._forget(plan.stack)
        if plan.is_new:
            self._client.delete_stack(StackName=plan.stack.name)

    def protect(self, name: str, policy: str) -> None:
        """Let nobody delete the stack by accident, and hold its updates to a stack policy (JSON)."""
        self._client.set_stack_policy(StackName=name, StackPolicyBody=policy)
        self._client.update_termination_protection(StackName=name, EnableTerminationProtection=True)

    def _forget(self, stack: Stack) -> None:
        try:
            self._client.delete_change_set(StackName=stack.name, ChangeSetName=NAME)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NO_CHANGE_SET:
                raise

    def _wait_for_change_set(self, stack: Stack) -> Any:
        for _ in range(int(LONGEST_SECONDS / POLL_SECONDS)):
            found = self._client.describe_change_set(StackName=stack.name, ChangeSetName=NAME)
            if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
                return found
            self._pause(POLL_SECONDS)
        raise DeploymentRefused(f"CloudFormation did not say within an hour what {stack.name} would become.")

    def _wait_for_stack(self, stack: Stack) -> str:
        for _ in range(int(LONGEST_SECONDS / POLL_SECONDS)):
            status = self.status(stack.name) or "gone"
            if not status.endswith("_IN_PROGRESS"):
                return status
            self._pause(POLL_SECONDS)
        raise DeploymentRefused(f"{stack.name} is not done after an hour; look at its events.")

    def _changes(self, stack: Stack) -> list[Change]:
        found: list[Change] = []
        request: dict[str, Any] = {"StackName": stack.name, "ChangeSetName": NAME}
        while True:
            page = self._client.describe_change_set(**request)
            found += [_change_from(each["ResourceChange"]) for each in page.get("Changes", [])]
            if not page.get("NextToken"):
                return found
            request["NextToken"] = page["NextToken"]

    def _reasons(self, stack: Stack) -> list[str]:
        """Why a stack did not become what it should: what was found before anything was made, or what failed."""
        found = [
            f"{each.get('LogicalResourceId', stack.name)}: {each.get('ValidationStatusReason', '')}"
            for each in self._client.describe_events(StackName=stack.name, Filters={"FailedEvents": True})[
                "OperationEvents"
            ]
            if each.get("EventType") == "VALIDATION_ERROR"
        ]
        if not found:
            events = self._client.describe_stack_events(StackName=stack.name)["StackEvents"]
            failed = [each for each in events if each.get("ResourceStatus", "").endswith("_FAILED")]
            found = [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}" for each in failed]
        return list(dict.fromkeys(found))[:MOST_REASONS]


def _change_from(row: Any) -> Change:
    return Change(row["Action"], row["LogicalResourceId"], row["ResourceType"], row.get("Replacement", "False"))
