"""Rules about what holds data: tables, queues, buckets, secrets."""

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.guards import HOLD_DATA
from shared.settings import Settings
from tests.infra.templates import Resolved, all_resources

Stacks = Mapping[str, Resolved]
# Why a bucket may be without something that all others have.
WITHOUT_OUR_KEY = {"AccessLogsBucket": "S3, the balancers and the trail deliver only under S3's own key"}
WITHOUT_VERSIONS = {"LogsBucket": "each log is written once under a name of its own, and expires"}
WITHOUT_ACCESS_LOGS = {"AccessLogsBucket": "it would log its own logging"}
PUBLIC_ACCESS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def what_holds_data_outlives_its_stack(stacks: Stacks) -> Iterator[str]:
    """Retained when its stack goes and when it would be replaced."""
    for template, name, resource in all_resources(stacks):
        if resource["Type"] in HOLD_DATA:
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                if resource.get(policy) != "Retain":
                    yield f"{template}: {name} has {policy} {resource.get(policy)}"


def tables_can_be_restored(stacks: Stacks) -> Iterator[str]:
    """Point-in-time recovery always; deletion protection in production, where nobody means to delete one."""
    protected = stacks["data"].parameters["Environment"] == "production"
    for name, table in stacks["data"].of_type("AWS::DynamoDB::Table").items():
        if table.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
            yield f"{name} has no point-in-time recovery"
        if table["DeletionProtectionEnabled"] is not protected:
            yield f"{name} has DeletionProtectionEnabled {table['DeletionProtectionEnabled']}"


def tables_cost_no_more_than_a_ceiling(stacks: Stacks) -> Iterator[str]:
    """On demand, with a ceiling on the table and on each index."""
    for name, table in stacks["data"].of_type("AWS::DynamoDB::Table").items():
        if table["BillingMode"] != "PAY_PER_REQUEST":
            yield f"{name} is not on demand"
        for part in (table, *table.get("GlobalSecondaryIndexes", [])):
            ceiling = part.get("OnDemandThroughput", {})
            if set(ceiling) != {"MaxReadRequestUnits", "MaxWriteRequestUnits"}:
                yield f"{part.get('IndexName', name)} of {name} has no ceiling"


def all_is_encrypted_with_our_key(stacks: Stacks) -> Iterator[str]:
    """Tables, queues, buckets and secrets, under the key of the environment."""
    key = stacks["data"].outputs["KeyArn"]
    for name, table in stacks["data"].of_type("AWS::DynamoDB::Table").items():
        if table["SSESpecification"].get("SSEType") != "KMS" or "KMSMasterKeyId" not in table["SSESpecification"]:
            yield f"{name} is not under our key"
    for name, queue in stacks["data"].of_type("AWS::SQS::Queue").items():
        if "KmsMasterKeyId" not in queue:
            yield f"{name} is not under our key"
    for name, secret in stacks["data"].of_type("AWS::SecretsManager::Secret").items():
        if "KmsKeyId" not in secret:
            yield f"{name} is not under our key"
    for name, bucket in stacks["data"].of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        is_ours = rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID") == key and rule.get("BucketKeyEnabled")
        if not is_ours and name not in WITHOUT_OUR_KEY:
            yield f"{name} is not under our key, or asks it for each object"


def buckets_are_nobody_elses(stacks: Stacks) -> Iterator[str]:
    """No public access, no ACLs, versions, access logs, and an end to uploads that were never finished."""
    for name, bucket in stacks["data"].of_type("AWS::S3::Bucket").items():
        if not all(bucket["PublicAccessBlockConfiguration"].get(each) is True for each in PUBLIC_ACCESS):
            yield f"{name} may become public"
        if bucket["OwnershipControls"] != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            yield f"{name} has ACLs"
        if bucket.get("VersioningConfiguration") != {"Status": "Enabled"} and name not in WITHOUT_VERSIONS:
            yield f"{name} keeps no versions"
        if "LoggingConfiguration" not in bucket and name not in WITHOUT_ACCESS_LOGS:
            yield f"{name} does not log who reads it"
        rules = bucket["LifecycleConfiguration"]["Rules"]
        if not any("AbortIncompleteMultipartUpload" in rule and "TagFilters" not in rule for rule in rules):
            yield f"{name} keeps unfinished uploads for ever"


def all_is_reached_by_tls_alone(stacks: Stacks) -> Iterator[str]:
    """Each queue, bucket and topic refuses what does not come by TLS."""
    policies = {
        "AWS::SQS::Queue": "AWS::SQS::QueuePolicy",
        "AWS::S3::Bucket": "AWS::S3::BucketPolicy",
        "AWS::SNS::Topic": "AWS::SNS::TopicPolicy",
    }
    for stack in stacks.values():
        for guarded, policy in policies.items():
            refused = [
                name
                for name, properties in stack.of_type(policy).items()
                if any(map(refuses_without_tls, properties["PolicyDocument"]["Statement"]))
            ]
            for name in stack.of_type(guarded):
                if f"{name}Policy" not in refused:
                    yield f"{name} answers without TLS"


def refuses_without_tls(statement: Mapping[str, Any]) -> bool:
    """Whether a statement denies everybody all that does not come by TLS."""
    return (
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    )


def queues_lose_nothing(stacks: Stacks) -> Iterator[str]:
    """What cannot be handled goes to the dead-letter queue, which keeps it as long as SQS can."""
    queues = stacks["data"].of_type("AWS::SQS::Queue")
    dead = [name for name in queues if name.startswith("DeadLetter")]
    if [queues[name]["MessageRetentionPeriod"] for name in dead] != [14 * 86400]:
        yield "dead letters are not kept for 14 days"
    for name, queue in queues.items():
        if name not in dead and queue.get("RedrivePolicy", {}).get("maxReceiveCount") != 10:
            yield f"{name} has no dead-letter queue, or gives up at another time than the design says"
        if queue["VisibilityTimeout"] != Settings().visibility_seconds:
            yield f"{name} hides messages for {queue['VisibilityTimeout']} s, not VISIBILITY_SECONDS"


RULES = (
    what_holds_data_outlives_its_stack,
    tables_can_be_restored,
    tables_cost_no_more_than_a_ceiling,
    all_is_encrypted_with_our_key,
    buckets_are_nobody_elses,
    all_is_reached_by_tls_alone,
    queues_lose_nothing,
)
