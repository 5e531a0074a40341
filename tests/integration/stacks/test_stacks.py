"""Every stack of every environment is made, changed and deleted by our own deployment, on the local cloud.

What the local cloud cannot make is left out and printed: nobody shall believe that it was tried here.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.stacks import ORDER, TEMPLATES, read_environment, stacks_of
from local.cloud import LocalCloud
from tests.infra.templates import ENVIRONMENTS, read_template, resolve_environment
from tests.integration.stacks.account import BUCKET_SUFFIX, LocalAccount
from tests.integration.stacks.simulator import ALARM, NOT_MADE, UNKNOWN_TYPES, is_unknown

# Another size of the workers, logs that are kept for a week, and a second EMR application in front of the first.
CHANGES = {"LogDays": 7, "WorkerCpu": 512, "WorkerMemory": 1024, "SparkGenerations": ["b", "a"]}
# The local cloud says that they would perhaps be replaced, which AWS does not say of how long they are kept.
LOG_GROUPS = ("ApiLogs", "WorkerLogs")
TABLES = ("jobs", "control", "datasets", "contracts")
BUCKETS = ("raw", "processed", "artifacts", "logs", "access-logs")
WORKERS = ("WorkerService", "WorkerTask")


@pytest.fixture(scope="module")
def account(aws_cloud: LocalCloud) -> LocalAccount:
    return LocalAccount(aws_cloud, "111111111111")


def made_of(environment: str) -> dict[str, dict[str, str]]:
    """The type of each resource that the local cloud can make, by template and logical id."""
    return {
        template: {name: each["Type"] for name, each in stack.resources.items() if not is_unknown(each)}
        for template, stack in resolve_environment(environment).items()
    }


def stack_name(environment: str, template: str) -> str:
    """The name of a stack; of Spark's, the first."""
    return f"cloud-data-platform-{environment}-{'spark-a' if template == 'spark' else template}"


def test_what_the_local_cloud_cannot_make_is_known_and_listed(
    account: LocalAccount, capsys: pytest.CaptureFixture[str]
):
    types = {
        template: {each["Type"] for each in read_template(TEMPLATES / f"{template}.yaml")["Resources"].values()}
        for template in ORDER
    }

    refused = unknown_types(account, set().union(*types.values()))

    assert refused == UNKNOWN_TYPES
    assert {template: found & refused for template, found in types.items() if found & refused} == NOT_MADE
    left_out = Counter(
        f"{template}: {each['Type']}{' over several metrics' if each['Type'] == ALARM else ''}"
        for template in ORDER
        for each in read_template(TEMPLATES / f"{template}.yaml")["Resources"].values()
        if is_unknown(each)
    )
    with capsys.disabled():
        print("\nThe local cloud cannot make, so these tests leave out:")
        print("\n".join(f"  {count} x {what}" for what, count in sorted(left_out.items())))


def unknown_types(account: LocalAccount, types: set[str]) -> set[str]:
    """Those of some types that the local cloud does not know, by its own word."""
    resources = {f"R{number}": {"Type": kind} for number, kind in enumerate(sorted(types))}
    with pytest.raises(ClientError) as caught:
        account.cloudformation.validate_template(TemplateBody=json.dumps({"Resources": resources}))
    listed = re.search(r"Unrecognized resource types: \[(.*)\]", str(caught.value))
    assert listed, str(caught.value)
    return set(listed[1].split(", "))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_made_changed_and_deleted(account: LocalAccount, environment):
    account.create(environment)
    for template, resources in made_of(environment).items():
        done = {name: (kind, "CREATE_COMPLETE") for name, kind in resources.items()}
        assert account.resources(stack_name(environment, template)) == done

    changed = changes_in(account.deploy(environment, may_lose=LOG_GROUPS, **CHANGES))

    assert changed.keys() == {stack_name(environment, each) for each in ("spark-b", "roles", "app", "watch")}
    assert changed[stack_name(environment, "app")] == ["ApiLogs", "ApiService", "ApiTask", "WorkerLogs", *WORKERS]
    assert changes_in(account.deploy(environment, **CHANGES)) == {}

    unprotect(account, environment, **CHANGES)
    account.delete(environment, **CHANGES)
    assert what_is_kept(account, environment) == {*TABLES, *(f"{bucket}{BUCKET_SUFFIX}" for bucket in BUCKETS)}


def changes_in(said: Sequence[str]) -> dict[str, list[str]]:
    """The logical ids of what a deployment changed, by stack, as it showed them; stacks without changes left out."""
    changes: dict[str, list[str]] = {}
    stack = ""
    for line in said:
        if line.startswith("  "):
            changes[stack] += re.findall(r"(\w+) \(AWS::", line)
        else:
            stack = line.partition(":")[0]
            changes[stack] = []
    return {stack: sorted(names) for stack, names in changes.items() if names}


def unprotect(account: LocalAccount, environment: str, **changes: Any) -> None:
    """Take away what keeps production's stacks from being deleted; others have nothing of it."""
    for stack in stacks_of(read_environment(environment) | changes):
        if environment == "production":
            with pytest.raises(ClientError, match="TerminationProtection"):
                account.cloudformation.delete_stack(StackName=stack.name)
        account.cloudformation.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)


def what_is_kept(account: LocalAccount, environment: str) -> set[str]:
    """The last words of the names of tables and buckets that outlived their stacks."""
    prefix = f"cloud-data-platform-{environment}-"
    tables = account.client("dynamodb").list_tables()["TableNames"]
    buckets = [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]
    return {name.removeprefix(prefix) for name in (*tables, *buckets) if name.startswith(prefix)}
