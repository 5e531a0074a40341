"""Rules about what is watched: each alarm looks at a number that somebody sends, and says what to do."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.infra.templates import Resolved
from tests.logged_events import logged

Stacks = Mapping[str, Resolved]
ROOT = Path(__file__).resolve().parents[3]
RUNBOOKS = ROOT / "docs" / "runbooks"
# Namespace and dimensions -> the metrics that AWS sends with exactly these dimensions (the services' user guides).
SENT_BY_AWS: Mapping[tuple[str, frozenset[str]], set[str]] = {
    ("AWS/ApplicationELB", frozenset({"LoadBalancer"})): {"HTTPCode_ELB_5XX_Count"},
    ("AWS/ApplicationELB", frozenset({"LoadBalancer", "TargetGroup"})): {
        *("HTTPCode_Target_5XX_Count", "HTTPCode_Target_4XX_Count", "RequestCount"),
        *("TargetResponseTime", "UnHealthyHostCount"),
    },
    ("AWS/WAFV2", frozenset({"WebACL", "Region", "Rule"})): {"BlockedRequests", "CountedRequests"},
    ("AWS/DynamoDB", frozenset({"TableName"})): {
        *("ReadThrottleEvents", "WriteThrottleEvents"),
        *("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"),
    },
    ("AWS/DynamoDB", frozenset({"TableName", "GlobalSecondaryIndexName"})): {
        *("ReadThrottleEvents", "WriteThrottleEvents"),
        *("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"),
    },
    ("AWS/SQS", frozenset({"QueueName"})): {
        *("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"),
    },
    ("AWS/Events", frozenset({"RuleName"})): {"FailedInvocations", "InvocationsSentToDlq"},
    # From release 7.10 on; the older metrics with ApplicationId alone get no data any more.
    ("AWS/EMRServerless", frozenset({"ApplicationName", "ApplicationId"})): {
        *("FailedJobs", "PendingJobs", "RunningJobs", "SuccessJobs", "SubmittedJobs", "CancelledJobs"),
    },
    ("AWS/Usage", frozenset({"Service", "Type", "Resource", "Class"})): {"ResourceCount"},
    ("ECS/ContainerInsights", frozenset({"ClusterName", "ServiceName"})): {"RunningTaskCount"},
}
# Alarms of these are on when nothing is said at all.
ABOUT_BEING_ALIVE = ("WorkersSilent", "WorkersMissing", "ApiTasksMissing")


def alarms_of(stacks: Stacks) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each alarm on a metric."""
    for stack in stacks.values():
        yield from stack.of_type("AWS::CloudWatch::Alarm").items()


def metrics_of(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What an alarm looks at: Namespace, MetricName and Dimensions."""
    if "MetricName" in alarm:
        yield alarm
    for each in alarm.get("Metrics", []):
        if "MetricStat" in each:
            yield each["MetricStat"]["Metric"]


def own_metrics(stacks: Stacks) -> dict[str, frozenset[str]]:
    """The metrics that are counted out of our logs, with their dimensions."""
    return {
        change["MetricName"]: frozenset(each["Key"] for each in change.get("Dimensions", []))
        for stack in stacks.values()
        for name, properties in stack.of_type("AWS::Logs::MetricFilter").items()
        for change in properties["MetricTransformations"]
    }


def is_sent(metric: Mapping[str, Any], own: Mapping[str, frozenset[str]], namespace: str) -> bool:
    """Whether an AWS service sends this metric with exactly these dimensions, or, in our namespace, a filter does."""
    dimensions = frozenset(each["Name"] for each in metric.get("Dimensions", []))
    if metric["Namespace"] == namespace:
        return own.get(metric["MetricName"]) == dimensions
    return metric["MetricName"] in SENT_BY_AWS.get((metric["Namespace"], dimensions), set())


def each_alarms_metric_is_sent(stacks: Stacks) -> Iterator[str]:
    """By an AWS service with exactly these dimensions, or by a filter over our logs."""
    own, namespace = own_metrics(stacks), "{ProjectName}/{Environment}".format(**stacks["watch"].parameters)
    for name, alarm in alarms_of(stacks):
        for metric in metrics_of(alarm):
            if not is_sent(metric, own, namespace):
                dimensions = [each["Name"] for each in metric.get("Dimensions", [])]
                yield f"{name} looks at {metric['MetricName']} {sorted(dimensions)}, which nobody sends"


def each_filter_counts_an_event_that_is_logged(stacks: Stacks) -> Iterator[str]:
    """The events that filters name are logged by the code, and so are the fields that they read."""
    names, source = {name for name, _, _ in logged()}, sources()
    for stack in stacks.values():
        for name, properties in stack.of_type("AWS::Logs::MetricFilter").items():
            pattern = properties["FilterPattern"]
            for event in re.findall(r'\$\.event = "([a-z_]+)"', pattern):
                if event not in names:
                    yield f"{name} counts {event}, which nobody logs"
            values = [change["MetricValue"] for change in properties["MetricTransformations"]]
            for field in re.findall(r"^\$\.([a-z_]+)$", "\n".join(values), re.MULTILINE):
                if f"{field}=" not in source:
                    yield f"{name} reads {field}, which no event has"


def sources() -> str:
    """The code of the API and of the workers."""
    rooms = ("api", "worker", "shared")
    return "\n".join(path.read_text() for room in rooms for path in sorted((ROOT / room).rglob("*.py")))


def each_alarm_tells_somebody_what_to_do(stacks: Stacks) -> Iterator[str]:
    """An alarm reaches the topic and links to a runbook that is there."""
    for stack in stacks.values():
        alarms = {**stack.of_type("AWS::CloudWatch::Alarm"), **stack.of_type("AWS::CloudWatch::CompositeAlarm")}
        for name, alarm in alarms.items():
            linked = re.search(r"([a-zA-Z-]+\.md)$", alarm["AlarmDescription"].strip())
            if linked is None or not (RUNBOOKS / linked[1]).is_file():
                yield f"{name} links to no runbook: {alarm['AlarmDescription']}"
            # What rolls a deployment back tells ECS.
            if stack.stack.template == "watch" and not alarm.get("AlarmActions"):
                yield f"{name} tells nobody"


def silence_is_an_alarm_where_it_must_be(stacks: Stacks) -> Iterator[str]:
    """What asks whether something is alive is on without data; what counts failures is off."""
    for name, alarm in alarms_of(stacks):
        wanted = "breaching" if name in ABOUT_BEING_ALIVE else "notBreaching"
        if alarm["TreatMissingData"] != wanted:
            yield f"{name} takes silence as {alarm['TreatMissingData']}"


def all_that_can_fill_up_has_an_alarm(stacks: Stacks) -> Iterator[str]:
    """Throttling of each table and index, the age of each queue's messages, dead letters."""
    looked_at = {
        (metric["MetricName"], *sorted(each["Value"] for each in metric.get("Dimensions", [])))
        for _, alarm in alarms_of(stacks)
        for metric in metrics_of(alarm)
    }
    for table in stacks["data"].of_type("AWS::DynamoDB::Table").values():
        for kind in ("ReadThrottleEvents", "WriteThrottleEvents"):
            for parts in ([], *([index["IndexName"]] for index in table.get("GlobalSecondaryIndexes", []))):
                if (kind, *sorted([table["TableName"], *parts])) not in looked_at:
                    yield f"nobody sees {kind} of {table['TableName']} {parts}"
    for queue in stacks["data"].of_type("AWS::SQS::Queue").values():
        for kind in ("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"):
            if (kind, queue["QueueName"]) not in looked_at:
                yield f"nobody sees {kind} of {queue['QueueName']}"


def a_release_is_gated_by_an_alarm_of_its_own_doing(stacks: Stacks) -> Iterator[str]:
    """By the targets' errors alone: one that can be on for other reasons would block the release that mends them."""
    app = stacks["app"]
    service = app.of_type("AWS::ECS::Service")["ApiService"]
    gates = service["DeploymentConfiguration"].get("Alarms", {}).get("AlarmNames", [])
    own = {alarm["AlarmName"]: alarm for alarm in app.of_type("AWS::CloudWatch::Alarm").values()}
    if not gates or not set(gates) <= set(own):
        yield f"the API's release is gated by {gates}"


def the_trail_does_not_record_itself(stacks: Stacks) -> Iterator[str]:
    """Data events of the bucket that the trail is written to would never end."""
    logs = stacks["data"].outputs["AccessLogsBucketName"]
    for trail in stacks["records"].of_type("AWS::CloudTrail::Trail").values():
        fields = [field for each in trail["AdvancedEventSelectors"] for field in each["FieldSelectors"]]
        recorded = [arn for field in fields for arn in field.get("StartsWith", [])]
        if not recorded or any(arn.startswith(f"arn:aws:s3:::{logs}/") for arn in recorded):
            yield f"the trail records {recorded}"


RULES = (
    each_alarms_metric_is_sent,
    each_filter_counts_an_event_that_is_logged,
    each_alarm_tells_somebody_what_to_do,
    silence_is_an_alarm_where_it_must_be,
    all_that_can_fill_up_has_an_alarm,
    a_release_is_gated_by_an_alarm_of_its_own_doing,
    the_trail_does_not_record_itself,
)
