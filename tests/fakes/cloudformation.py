"""CloudFormation as far as a deployment asks it: stacks with a status and outputs, and one change set for each."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.seam import aws_error


@dataclass
class FakeStack:
    """A stack: where it is, what it gives, and what the next change sets would change in it."""

    status: str = "CREATE_COMPLETE"
    outputs: dict[str, str] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    protected: bool = False
    policy: str | None = None


def change(action: str, logical_id: str, kind: str, replacement: str | None = None) -> dict[str, Any]:
    """A change as DescribeChangeSet tells it."""
    row = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": kind}
    return {"ResourceChange": row | ({"Replacement": replacement} if replacement else {})}


class FakeCloudFormation:
    """The client. `declared` are the parameters of every template, with their defaults."""

    def __init__(self, **stacks: FakeStack) -> None:
        self.stacks = {name.replace("_", "-"): stack for name, stack in stacks.items()}
        self.change_sets: dict[str, str] = {}
        self.requests: list[dict[str, Any]] = []
        self.executed: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.declared: dict[str, str | None] = {}
        self.outputs_of_new: dict[str, str] = {}
        # What is to happen: a change set fails for a reason, a request is refused by a code and words, no request is
        # answered, a stack ends as something else, and what is said about that.
        self.answers_nothing = False
        self.change_set_reason = ""
        self.refuses: tuple[str, str] | None = None
        self.ends_as = ""
        self.events: list[dict[str, str]] = []
        self.validations: list[dict[str, str]] = []
        # How many looks it takes until anything is done.
        self.slowness = 0
        self._looks = 0

    def describe_stacks(self, StackName: str) -> Any:
        if self.answers_nothing:
            raise aws_error("DescribeStacks", "Throttling", "slow down")
        if StackName not in self.stacks:
            raise aws_error("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        stack = self.stacks[StackName]
        status = stack.status if self._is_done() else "UPDATE_IN_PROGRESS"
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items()]
        return {"Stacks": [{"StackStatus": status, **({"Outputs": outputs} if outputs else {})}]}

    def validate_template(self, TemplateBody: str) -> Any:
        return {
            "Parameters": [
                {"ParameterKey": name} | ({} if default is None else {"DefaultValue": default})
                for name, default in self.declared.items()
            ]
        }

    def create_change_set(self, **request: Any) -> None:
        if self.refuses:
            raise aws_error("CreateChangeSet", *self.refuses)
        self.requests.append(request)
        name = request["StackName"]
        added = [change("Add", "New", "AWS::SNS::Topic")]
        self.stacks.setdefault(name, FakeStack("REVIEW_IN_PROGRESS", dict(self.outputs_of_new), added))
        self.change_sets[name] = "FAILED" if self.change_set_reason else "CREATE_COMPLETE"
        self._looks = self.slowness

    def describe_change_set(self, StackName: str, ChangeSetName: str, NextToken: str = "0") -> Any:
        if not self._is_done():
            return {"Status": "CREATE_IN_PROGRESS"}
        at = int(NextToken)
        changes = self.stacks[StackName].changes
        more = {"NextToken": str(at + 1)} if at + 1 < len(changes) else {}
        answer = {"Status": self.change_sets[StackName], "Changes": changes[at : at + 1], **more}
        return answer | ({"StatusReason": self.change_set_reason} if self.change_set_reason else {})

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> None:
        if self.change_sets.pop(StackName, None) is None:
            raise aws_error("DeleteChangeSet", "ChangeSetNotFound")

    def execute_change_set(self, **request: Any) -> None:
        stack = self.stacks[request["StackName"]]
        made = "CREATE_COMPLETE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE_COMPLETE"
        stack.status, stack.changes = self.ends_as or made, []
        self.executed.append(request)
        self._looks = self.slowness

    def delete_stack(self, StackName: str) -> None:
        del self.stacks[StackName]
        self.deleted.append(StackName)

    def describe_events(self, StackName: str, Filters: Any) -> Any:
        return {"OperationEvents": self.validations}

    def describe_stack_events(self, StackName: str) -> Any:
        return {"StackEvents": self.events}

    def set_stack_policy(self, StackName: str, StackPolicyBody: str) -> None:
        self.stacks[StackName].policy = StackPolicyBody

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:
        self.stacks[StackName].protected = EnableTerminationProtection

    def _is_done(self) -> bool:
        self._looks -= 1
        return self._looks < 0
