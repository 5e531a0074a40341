"""What a deployment must not do by the way: lose what holds data, or change what cannot be changed. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

HOLD_DATA = (
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
)
APPLICATION = "AWS::EMRServerless::Application"


@dataclass(frozen=True)
class Change:
    """One change of a change set. `replacement` is True, False or Conditional, as CloudFormation says it."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str = "False"

    @property
    def loses(self) -> bool:
        """Whether what is there may be gone afterwards."""
        return self.action == "Remove" or self.replacement in ("True", "Conditional")

    def __str__(self) -> str:
        how = "replace" if self.action == "Modify" and self.loses else self.action.lower()
        doubt = " (perhaps)" if self.replacement == "Conditional" else ""
        return f"{how}{doubt} {self.logical_id} ({self.resource_type})"


def losses(changes: Iterable[Change], allowed: Collection[str]) -> list[Change]:
    """The changes that would replace or remove what holds data, but for those allowed by their logical id."""
    return [
        each for each in changes if each.resource_type in HOLD_DATA and each.loses and each.logical_id not in allowed
    ]


def changes_application(changes: Iterable[Change]) -> bool:
    """Whether an EMR application that is there would be changed, which AWS refuses while it is started."""
    return any(each.resource_type == APPLICATION and each.action != "Add" for each in changes)
