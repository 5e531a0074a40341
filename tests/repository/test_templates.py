"""What the template must say that no local cloud enforces."""

from pathlib import Path
from typing import Any

import yaml

from shared import retention
from shared.datasets.datasets import UPLOADS_FOLDER
from shared.datasets.tags import PENDING, STATE
from shared.models import job_to_item
from shared.settings import Settings
from tests.fakes.jobs import ended_job

TEMPLATE = Path(__file__).resolve().parents[2] / "cloudformation" / "data.yaml"


class Loader(yaml.SafeLoader):
    """Reads a function such as !Sub as its bare argument."""


Loader.add_multi_constructor("!", lambda loader, tag, node: construct(loader, node))


def construct(loader: Any, node: Any) -> Any:
    """The argument of a function."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node)


def resources() -> dict[str, Any]:
    """The properties of each resource."""
    template = yaml.load(TEMPLATE.read_text(), Loader)  # a safe loader, with our functions
    return {name: resource["Properties"] for name, resource in template["Resources"].items()}


def rules_of(bucket: str) -> dict[str, dict[str, Any]]:
    """The lifecycle rules of a bucket that are enabled, by their names."""
    rules = resources()[bucket]["LifecycleConfiguration"]["Rules"]
    return {rule.pop("Id"): rule for rule in rules if rule.pop("Status") == "Enabled"}


def expiring(days: int, **tag: str) -> dict[str, Any]:
    """The rule that deletes uploads with a tag."""
    ((key, value),) = tag.items()
    return {"Prefix": UPLOADS_FOLDER, "TagFilters": [{"Key": key, "Value": value}], "ExpirationInDays": days}


def test_nobody_may_write_over_an_upload():
    statements = resources()["RawBucketPolicy"]["PolicyDocument"]["Statement"]

    (found,) = [each for each in statements if each["Action"] == "s3:PutObject"]

    assert (found["Effect"], found["Principal"]) == ("Deny", "*")
    assert found["Resource"] == "${RawBucket.Arn}/" + UPLOADS_FOLDER + "*"
    # Requests that create an object and do not say `If-None-Match`.
    assert found["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


UNFINISHED = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
OLD_VERSIONS = {
    "NoncurrentVersionExpiration": {"NoncurrentDays": retention.OLD_VERSION_DAYS},
    "ExpiredObjectDeleteMarker": True,
}


def test_uploads_are_deleted_by_the_days_of_their_class_and_nothing_else_in_the_raw_bucket_is():
    rules = rules_of("RawBucket")

    classes = {f"Keep{name.capitalize()}": expiring(days, retention=name) for name, days in DAYS.items()}
    assert rules == {
        **classes,
        "EndUnfinishedUploads": UNFINISHED,
        "ForgetUploadsNotCompleted": expiring(retention.PENDING_UPLOAD_DAYS, **{STATE: PENDING}),
        "ForgetOldVersions": OLD_VERSIONS,
    }


DAYS = Settings().retention_days


def test_outputs_and_logs_are_deleted_before_the_items_of_their_jobs():
    outputs, logs = rules_of("ProcessedBucket"), rules_of("LogsBucket")

    assert outputs == {
        "EndUnfinishedUploads": UNFINISHED,
        "ForgetOldOutputs": {"Prefix": "jobs/", "ExpirationInDays": retention.OUTPUT_DAYS},
        "ForgetOldVersions": OLD_VERSIONS,
    }
    assert logs["ForgetOldLogs"] == {"ExpirationInDays": retention.LOG_DAYS}
    assert retention.LOG_DAYS < retention.OUTPUT_DAYS < Settings().job_retention_days


def test_uploads_are_pending_for_longer_than_they_may_take():
    longest_seconds = max(Settings().upload_seconds, Settings().multipart_upload_seconds)

    assert longest_seconds < retention.PENDING_UPLOAD_DAYS * 24 * 3600


def test_ended_jobs_are_deleted_by_an_attribute_in_seconds_and_datasets_are_not():
    tables = resources()

    ttl = tables["JobsTable"]["TimeToLiveSpecification"]

    assert ttl == {"AttributeName": "expiresAt", "Enabled": True}
    job = ended_job(keep_days=1)
    assert job.finished_at is None
    assert ttl["AttributeName"] not in job_to_item(job)
    assert "TimeToLiveSpecification" not in tables["DatasetsTable"]
    assert "TimeToLiveSpecification" not in tables["ContractsTable"]
