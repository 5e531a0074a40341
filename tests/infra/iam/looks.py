"""What runbooks tell operators to type of AWS's command line: which rights that needs, or why it is not theirs."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.infra.iam.needs import arn
from tests.infra.iam.policies import Need
from tests.infra.templates import Resolved

RUNBOOKS = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
COMMAND = re.compile(r"\baws ([a-z0-9-]+ [a-z0-9-]+)")
# Changes of what a deployment makes: an administrator's, for as long as the next deployment does not set them back.
OF_ADMINISTRATORS = {
    "dynamodb restore-table-to-point-in-time": "makes a table beside ours",
    "dynamodb update-table": "changes what is paid",
    "ecs update-service": "stops the workers of all",
    "service-quotas request-service-quota-increase": "is the account's matter",
    "wafv2 update-web-acl": "opens the door",
}
# What the role of operators has for cdp already.
OF_CDP = ("emr-serverless cancel-job-run", "emr-serverless list-job-runs")


def commands_of_runbooks() -> dict[str, str]:
    """Each command, as service and operation, with the first runbook that has it."""
    found: dict[str, str] = {}
    for page in sorted(RUNBOOKS.glob("*.md")):
        for command in COMMAND.findall(page.read_text()):
            found.setdefault(command, page.name)
    return found


def looks(stacks: Mapping[str, Resolved]) -> dict[str, tuple[Need, ...]]:
    """The rights that each command by which operators look needs."""
    project = stacks["roles"].parameters
    name = f"{project['ProjectName']}-{project['Environment']}"
    data = stacks["data"].outputs
    logs = (f"/{project['ProjectName']}/{project['Environment']}/*", f"aws-waf-logs-{name}*")
    queries = [Need("logs:StartQuery", arn("logs", f"log-group:{group}")) for group in logs]
    return {
        "cloudformation describe-stack-events": (
            Need("cloudformation:DescribeStackEvents", arn("cloudformation", f"stack/{name}-app/*")),
        ),
        "cloudtrail lookup-events": (Need("cloudtrail:LookupEvents", "*"),),
        "dynamodb describe-table": (Need("dynamodb:DescribeTable", data["JobsTableArn"]),),
        "ecs describe-services": (Need("ecs:DescribeServices", arn("ecs", f"service/{name}/*")),),
        "emr-serverless list-applications": (Need("emr-serverless:ListApplications", "*"),),
        "logs start-query": (*queries, Need("logs:GetQueryResults", "*")),
        "s3api head-bucket": (Need("s3:ListBucket", data["RawBucketArn"]),),
        "service-quotas list-service-quotas": (Need("servicequotas:ListServiceQuotas", "*"),),
        "sqs get-queue-attributes": (Need("sqs:GetQueueAttributes", data["DeadLetterQueueArn"]),),
    }


def of_operators(stacks: Mapping[str, Resolved]) -> dict[Need, str]:
    """The rights of all commands that stand in a runbook, each with the first that has it."""
    pages = commands_of_runbooks()
    known = looks(stacks)
    return {need: f"the runbook {page}" for command, page in pages.items() for need in known.get(command, ())}


def unexplained(commands: Iterable[str], stacks: Mapping[str, Resolved]) -> set[str]:
    """Commands of which it is not said whose they are."""
    return {*commands} - {*looks(stacks), *OF_ADMINISTRATORS, *OF_CDP}
