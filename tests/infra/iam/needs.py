"""Which rights a call of AWS needs: the tables that AWS keeps in prose, for the operations that we use.

Sources: Service Authorization Reference; S3 User Guide, Required permissions for API operations, and Multipart upload
with KMS; SQS Developer Guide, Key management (who sends needs GenerateDataKey and Decrypt, who receives Decrypt).
DynamoDB asks for Decrypt in the caller's name for reads and writes alike (aws-cdk issues 10010 and 19531).

An operation that is not here raises: whoever adds a call adds its row.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.infra.iam.calls import Call
from tests.infra.iam.policies import Need
from tests.infra.templates import ACCOUNT, REGION, Resolved

DECRYPT, NEW_DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
# What each member of a transaction is, as an action.
WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
ITEM_OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "BatchGetItem", "Query", "Scan")
BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
KEYS_OF_QUEUES = {"SendMessage": (DECRYPT, NEW_DATA_KEY), "ReceiveMessage": (DECRYPT,)}
QUEUE_OPERATIONS = ("GetQueueUrl", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
# operation -> action, which keys it uses
OBJECT_OPERATIONS = {
    "HeadObject": ("GetObject", (DECRYPT,)),
    "GetObject": ("GetObject", (DECRYPT,)),
    "PutObject": ("PutObject", (NEW_DATA_KEY,)),
    "CreateMultipartUpload": ("PutObject", (NEW_DATA_KEY,)),
    "UploadPart": ("PutObject", (DECRYPT, NEW_DATA_KEY)),
    "CompleteMultipartUpload": ("PutObject", (DECRYPT, NEW_DATA_KEY)),
    "AbortMultipartUpload": ("AbortMultipartUpload", ()),
    "ListParts": ("ListMultipartUploadParts", ()),
    "GetObjectTagging": ("GetObjectTagging", ()),
    "PutObjectTagging": ("PutObjectTagging", ()),
}
OF_A_VERSION = {
    "GetObject": "GetObjectVersion",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
}
ON_RUNS = ("GetJobRun", "CancelJobRun", "GetDashboardForJobRun")


class UnknownCall(Exception):
    """A call whose rights are not written down here."""


@dataclass(frozen=True)
class Estate:
    """What the stacks of an environment make, by the ARNs that calls do not name."""

    data: Mapping[str, str]
    application: str
    runs: str
    job_role: str

    @classmethod
    def of(cls, stacks: Mapping[str, Resolved]) -> "Estate":
        """The estate of resolved stacks."""
        spark = stacks["spark"].outputs
        return cls(stacks["data"].outputs, spark["ApplicationArn"], spark["JobRunsArn"], spark["JobRoleArn"])

    @property
    def key(self) -> str:
        """The key of all that is kept."""
        return self.data["KeyArn"]

    def arn_of(self, place: str) -> str:
        """The ARN of a recorded place: of JOBS_TABLE/byDue that of the index. Raises: UnknownCall."""
        variable, _, rest = place.partition("/")
        output = f"{''.join(map(str.capitalize, variable.split('_')))}Arn"
        if output not in self.data:
            raise UnknownCall(f"No stack makes {place}.")
        inside = "index/" if variable.endswith("_TABLE") else ""
        return f"{self.data[output]}/{inside}{rest}" if rest else self.data[output]

    def key_through(self, actions: tuple[str, ...], service: str) -> Iterator[Need]:
        """Uses of the key that a service makes in the caller's name."""
        for action in actions:
            yield Need(action, self.key, (("kms:ViaService", f"{service}.{REGION}.amazonaws.com"),))


def needs_of(call: Call, estate: Estate) -> list[Need]:
    """The rights that a call needs. Raises: UnknownCall."""
    service, _, operation = call.operation.partition(":")
    rights = SERVICES.get(service)
    if rights is None:
        raise UnknownCall(str(call))
    return [*rights(call, operation, estate)]


def table_rights(call: Call, operation: str, estate: Estate) -> Iterator[Need]:
    """DynamoDB: a transaction needs the right of each of its members, a query of an index one on the index."""
    for place in call.places:
        kind, _, name = place.rpartition(" ")
        action = WRITES[kind] if operation == "TransactWriteItems" else operation
        if not kind and action not in ITEM_OPERATIONS:
            raise UnknownCall(str(call))
        yield Need(f"dynamodb:{action}", estate.arn_of(name))
    yield from estate.key_through((DECRYPT,), "dynamodb")


def object_rights(call: Call, operation: str, estate: Estate) -> Iterator[Need]:
    """S3: who may not list a bucket is told 403 of what is not there, where the product expects 404."""
    (place,) = call.places
    bucket = estate.arn_of(place.partition("/")[0])
    if operation == "ListObjectsV2":
        yield Need("s3:ListBucket", bucket)
        return
    if operation not in OBJECT_OPERATIONS or "ACL" in call.parameters:
        raise UnknownCall(str(call))
    action, keys = OBJECT_OPERATIONS[operation]
    if action == "GetObject":
        yield Need("s3:ListBucket", bucket)
    if "VersionId" in call.parameters:
        action = OF_A_VERSION[action]
    yield Need(f"s3:{action}", estate.arn_of(place))
    if "Tagging" in call.parameters and "Tagging" not in operation:
        yield Need("s3:PutObjectTagging", estate.arn_of(place))
    yield from estate.key_through(keys, "s3")


def queue_rights(call: Call, operation: str, estate: Estate) -> Iterator[Need]:
    """SQS: a batch needs the right of the single call."""
    action = BATCHES.get(operation, operation)
    if action not in QUEUE_OPERATIONS:
        raise UnknownCall(str(call))
    (queue,) = call.places
    yield Need(f"sqs:{action}", estate.arn_of(queue))
    yield from estate.key_through(KEYS_OF_QUEUES.get(action, ()), "sqs")


def run_rights(call: Call, operation: str, estate: Estate) -> Iterator[Need]:
    """EMR Serverless: a start hands on the role of the run, and gives it tags.

    The reference names both applications and runs for TagResource, and not which of them a start is checked against.
    """
    if operation in ON_RUNS:
        yield Need(f"emr-serverless:{operation}", estate.runs)
    elif operation in ("StartJobRun", "ListJobRuns"):
        yield Need(f"emr-serverless:{operation}", estate.application)
    else:
        raise UnknownCall(str(call))
    if "tags" in call.parameters:
        yield Need("emr-serverless:TagResource", estate.application)
        yield Need("emr-serverless:TagResource", estate.runs)
    if "executionRoleArn" in call.parameters:
        yield Need("iam:PassRole", estate.job_role, (("iam:PassedToService", "emr-serverless.amazonaws.com"),))


def arn(service: str, name: str) -> str:
    """An ARN of the account and region that the templates are resolved for."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


SERVICES: dict[str, Callable[[Call, str, Estate], Iterator[Need]]] = {
    "dynamodb": table_rights,
    "s3": object_rights,
    "sqs": queue_rights,
    "emr-serverless": run_rights,
}
