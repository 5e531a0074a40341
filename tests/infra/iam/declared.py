"""Rights that no recorded call shows, each with its reason: AWS itself uses them, or a program on EMR does."""

from collections.abc import Mapping

from tests.infra.iam.looks import of_operators
from tests.infra.iam.needs import DECRYPT, NEW_DATA_KEY, Estate, arn
from tests.infra.iam.policies import Need
from tests.infra.templates import Resolved

SCANNER = "malware-protection-plan.guardduty.amazonaws.com"
CHANGES_OF_RULES = ("PutRule", "DeleteRule", "PutTargets", "RemoveTargets")
Needs = dict[str, dict[Need, str]]


def declared_needs(stacks: Mapping[str, Resolved]) -> Needs:
    """The declared needs of each role, with their reasons."""
    estate = Estate.of(stacks)
    return {
        "ExecutionRole": of_ecs(stacks, estate),
        "JobRole": of_spark(stacks, estate),
        "TrailRole": of_the_trail(stacks),
        "FlowLogRole": of_the_flow_log(stacks),
        "OperatorRole": of_operators(stacks),
        **({"ScannerRole": of_the_scanner(stacks, estate)} if "account" in stacks else {}),
    }


def of_ecs(stacks: Mapping[str, Resolved], estate: Estate) -> dict[Need, str]:
    """What ECS does before a task runs (ECS Developer Guide, Task execution IAM role)."""
    project = stacks["roles"].parameters
    name = f"{project['ProjectName']}-{project['Environment']}"
    repositories = [arn("ecr", f"repository/{name}-{image}") for image in ("api", "worker")]
    logs = arn("logs", f"log-group:/{project['ProjectName']}/{project['Environment']}/*")
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    secrets = [stacks["data"].outputs[f"{secret}KeySecretArn"] for secret in ("Cursor", "Callback")]
    return {
        Need("ecr:GetAuthorizationToken", "*"): "ECS logs in to the registry; AWS knows no resource for this action",
        **{Need(action, each): "ECS pulls the image" for action in pull for each in repositories},
        **{
            Need(f"logs:{action}", logs): "ECS writes what a task prints"
            for action in ("CreateLogStream", "PutLogEvents")
        },
        **{Need("secretsmanager:GetSecretValue", each): "ECS hands the task its secrets" for each in secrets},
        **dict.fromkeys(estate.key_through((DECRYPT,), "secretsmanager"), "the secrets are encrypted"),
    }


def of_spark(stacks: Mapping[str, Resolved], estate: Estate) -> dict[Need, str]:
    """What a program does on EMR: its session policy is what it may do of this (shared/session_policy.py)."""
    data = stacks["data"].outputs
    raw, processed, artifacts, logs = (
        data[f"{bucket}BucketArn"] for bucket in ("Raw", "Processed", "Artifacts", "Logs")
    )
    outputs = f"{processed}/jobs/*"
    return {
        Need("s3:GetObject", f"{raw}/*"): "a run reads its inputs",
        Need("s3:GetObject", f"{processed}/*"): "a run reads outputs of earlier ones, and its own manifest",
        Need("s3:GetObject", f"{artifacts}/*"): "a run reads its code, its contracts and the key of its reports",
        **{
            Need("s3:ListBucket", each): "Spark lists a folder before it reads it"
            for each in (raw, processed, artifacts)
        },
        Need("s3:PutObject", outputs): "a run writes its output",
        Need("s3:DeleteObject", outputs): "the committer removes what failed tasks left",
        Need("s3:AbortMultipartUpload", outputs): "a writer gives up a large file whose task failed",
        Need("s3:PutObject", f"{logs}/applications/*"): "EMR puts the driver's log in the name of the run",
        **dict.fromkeys(estate.key_through((DECRYPT, NEW_DATA_KEY), "s3"), "the buckets are encrypted with the key"),
        Need("secretsmanager:GetSecretValue", data["MaskKeySecretArn"]): "EMR gives mask jobs their key",
        **dict.fromkeys(estate.key_through((DECRYPT,), "secretsmanager"), "that secret is encrypted"),
    }


def of_the_trail(stacks: Mapping[str, Resolved]) -> dict[Need, str]:
    """What CloudTrail does with its log group (CloudTrail User Guide, Role policy document for CloudWatch Logs)."""
    actions = ("CreateLogStream", "PutLogEvents")
    return {Need(f"logs:{action}", log_group(stacks, "trail")): "CloudTrail writes its events" for action in actions}


def of_the_flow_log(stacks: Mapping[str, Resolved]) -> dict[Need, str]:
    """What the network's flow log does (VPC User Guide, IAM role for publishing flow logs to CloudWatch Logs)."""
    actions = ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
    reason = "the network's refused connections are written down"
    return {Need(f"logs:{action}", log_group(stacks, "network")): reason for action in actions}


def log_group(stacks: Mapping[str, Resolved], name: str) -> str:
    """The ARN of the streams of a log group of ours."""
    project = stacks["records"].parameters
    return arn("logs", f"log-group:/{project['ProjectName']}/{project['Environment']}/{name}:*")


def of_the_scanner(stacks: Mapping[str, Resolved], estate: Estate) -> dict[Need, str]:
    """What GuardDuty does with uploads (GuardDuty User Guide, IAM role policy for Malware Protection for S3)."""
    bucket = stacks["data"].outputs["RawBucketArn"]
    rule = arn("events", "rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*")
    itself = (("events:ManagedBy", SCANNER),)
    reads = ("GetObject", "GetObjectVersion", "GetObjectTagging", "GetObjectVersionTagging")
    tags = ("PutObjectTagging", "PutObjectVersionTagging")
    return {
        **{Need(f"events:{each}", rule, itself): "it is told of uploads" for each in CHANGES_OF_RULES},
        **{Need(f"events:{each}", rule): "it looks at its rule" for each in ("DescribeRule", "ListTargetsByRule")},
        **{
            Need(f"s3:{each}", bucket): "the bucket tells of uploads"
            for each in ("PutBucketNotification", "GetBucketNotification", "ListBucket")
        },
        Need("s3:PutObject", f"{bucket}/malware-protection-resource-validation-object"): "it tries whether it may",
        **{Need(f"s3:{each}", f"{bucket}/uploads/*"): "it reads and tags uploads" for each in (*reads, *tags)},
        **dict.fromkeys(estate.key_through((DECRYPT, NEW_DATA_KEY), "s3"), "uploads are encrypted with the key"),
    }
