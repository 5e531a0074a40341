"""The templates of each environment are as the rules say, and each rule notices what it is there for."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.rules import access, data, services, settings, watch
from tests.infra.templates import ENVIRONMENTS, resolve_environment

RULES = (*data.RULES, *access.RULES, *services.RULES, *settings.RULES, *watch.RULES)
Change = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_as_all_rules_say(environment):
    stacks = resolve_environment(environment)

    assert [f"{rule.__name__}: {finding}" for rule in RULES for finding in rule(stacks)] == []


def put(resource: str, path: str, value: Any) -> Change:
    """A change that puts a value at a place of a resource, such as Properties/Rules/0/Name; None removes it."""

    def change(template: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        place: Any = template["Resources"][resource]
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        key = int(last) if isinstance(place, list) else last
        if value is None:
            del place[key]
        else:
            place[key] = value

    return change


def allow(role: str, action: str, resource: Any) -> Change:
    """A change that lets a role do one thing more."""

    def change(template: dict[str, Any]) -> None:
        policy = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]
        policy["Statement"].append({"Effect": "Allow", "Action": action, "Resource": resource})

    return change


RUNS_IN_FARGATE = "Properties/ContainerDefinitions/0"
# rule, environment, template, what is changed in it
MISTAKES = [
    (data.what_holds_data_outlives_its_stack, "dev", "data", put("JobsTable", "DeletionPolicy", "Delete")),
    (data.what_holds_data_outlives_its_stack, "dev", "data", put("Key", "UpdateReplacePolicy", None)),
    (
        data.tables_can_be_restored,
        "dev",
        "data",
        put("JobsTable", "Properties/PointInTimeRecoverySpecification", None),
    ),
    (
        data.tables_can_be_restored,
        "production",
        "data",
        put("ControlTable", "Properties/DeletionProtectionEnabled", False),
    ),
    (data.tables_cost_no_more_than_a_ceiling, "dev", "data", put("JobsTable", "Properties/OnDemandThroughput", None)),
    (
        data.tables_cost_no_more_than_a_ceiling,
        "dev",
        "data",
        put("JobsTable", "Properties/GlobalSecondaryIndexes/1/OnDemandThroughput", None),
    ),
    (
        data.all_is_encrypted_with_our_key,
        "dev",
        "data",
        put("JobsTable", "Properties/SSESpecification", {"SSEEnabled": True}),
    ),
    (data.all_is_encrypted_with_our_key, "dev", "data", put("EventsQueue", "Properties/KmsMasterKeyId", None)),
    (data.all_is_encrypted_with_our_key, "dev", "data", put("CursorKeySecret", "Properties/KmsKeyId", None)),
    (
        data.all_is_encrypted_with_our_key,
        "dev",
        "data",
        put("RawBucket", "Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/BucketKeyEnabled", False),
    ),
    (
        data.buckets_are_nobody_elses,
        "dev",
        "data",
        put("RawBucket", "Properties/PublicAccessBlockConfiguration/BlockPublicPolicy", False),
    ),
    (data.buckets_are_nobody_elses, "dev", "data", put("RawBucket", "Properties/VersioningConfiguration", None)),
    (data.buckets_are_nobody_elses, "dev", "data", put("LogsBucket", "Properties/LoggingConfiguration", None)),
    (data.buckets_are_nobody_elses, "dev", "data", put("RawBucket", "Properties/LifecycleConfiguration/Rules", [])),
    (
        data.buckets_are_nobody_elses,
        "dev",
        "data",
        put("RawBucket", "Properties/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter"),
    ),
    (
        data.all_is_reached_by_tls_alone,
        "dev",
        "data",
        put("JobsQueuePolicy", "Properties/PolicyDocument/Statement/0/Effect", "Allow"),
    ),
    (
        data.all_is_reached_by_tls_alone,
        "dev",
        "data",
        put("RawBucketPolicy", "Properties/PolicyDocument/Statement/0/Principal", {"AWS": "1"}),
    ),
    (data.queues_lose_nothing, "dev", "data", put("JobsQueue", "Properties/RedrivePolicy", None)),
    (data.queues_lose_nothing, "dev", "data", put("DeadLetterQueue", "Properties/MessageRetentionPeriod", 345600)),
    (data.queues_lose_nothing, "dev", "data", put("EventsQueue", "Properties/VisibilityTimeout", 30)),
    (access.nothing_is_allowed_on_everything, "dev", "roles", allow("ApiTaskRole", "sqs:SendMessage", "*")),
    (access.nothing_is_allowed_on_everything, "dev", "spark", allow("JobRole", "s3:*", "arn:aws:s3:::raw/*")),
    (
        access.emr_actions_name_what_they_work_on,
        "dev",
        "roles",
        allow("WorkerTaskRole", "emr-serverless:GetJobRun", {"Ref": "ApplicationArns"}),
    ),
    (
        access.emr_actions_name_what_they_work_on,
        "dev",
        "roles",
        allow("WorkerTaskRole", "emr-serverless:StartJobRun", {"Ref": "JobRunArns"}),
    ),
    (
        access.only_the_role_of_spark_is_passed_on,
        "dev",
        "roles",
        allow("WorkerTaskRole", "iam:PassRole", {"Ref": "JobRoleArns"}),
    ),
    (
        access.services_act_for_this_account_alone,
        "dev",
        "roles",
        put("ApiTaskRole", "Properties/AssumeRolePolicyDocument/Statement/0/Condition", None),
    ),
    (
        access.services_act_for_this_account_alone,
        "dev",
        "roles",
        put("OperatorRole", "Properties/AssumeRolePolicyDocument/Statement/0/Condition", None),
    ),
    (
        access.the_firewall_blocks_in_production,
        "production",
        "edge",
        put("WebAcl", "Properties/Rules/3/Action", {"Count": {}}),
    ),
    (
        access.the_firewall_blocks_in_production,
        "production",
        "edge",
        put("WebAcl", "Properties/Rules/7/OverrideAction", {"Count": {}}),
    ),
    (
        access.the_firewall_blocks_in_production,
        "dev",
        "edge",
        put("WebAcl", "Properties/Rules/0/Action", {"Count": {}}),
    ),
    (
        access.the_firewall_stands_before_the_balancer,
        "dev",
        "edge",
        put("WebAclOfTheBalancer", "Condition", "HasReports"),
    ),
    (
        access.the_firewall_stands_before_the_balancer,
        "dev",
        "edge",
        put("FirewallLogging", "Properties/RedactedFields", []),
    ),
    (
        access.the_firewall_stands_before_the_balancer,
        "dev",
        "edge",
        put("FirewallLogging", "Properties/LogDestinationConfigs/0", {"Fn::GetAtt": ["FirewallLogs", "Arn"]}),
    ),
    (
        access.the_firewall_knows_the_paths_of_the_document,
        "dev",
        "edge",
        put(
            "WebAcl",
            "Properties/Rules/1/Statement/NotStatement/Statement/OrStatement/Statements/0/RegexMatchStatement/RegexString",
            "^/(contracts|datasets|docs|job-types|openapi\\.json|quota)$",
        ),
    ),
    (
        access.the_firewall_knows_the_paths_of_the_document,
        "dev",
        "edge",
        put(
            "WebAcl",
            "Properties/Rules/1/Statement/NotStatement/Statement/OrStatement/Statements/0/RegexMatchStatement/RegexString",
            "^/(contracts|datasets|docs|job-types|jobs|openapi\\.json|quota|admin)",
        ),
    ),
    (
        access.nothing_inside_is_reached_from_outside,
        "dev",
        "edge",
        put("NothingInternalFromOutside", "Properties/Actions/0/Type", "forward"),
    ),
    (access.the_door_speaks_tls, "dev", "edge", put("HttpsListener", "Properties/SslPolicy", None)),
    (access.the_door_speaks_tls, "dev", "edge", put("HttpListener", "Properties/DefaultActions/0/Type", "forward")),
    (
        services.containers_can_change_nothing,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/ReadonlyRootFilesystem", False),
    ),
    (services.containers_can_change_nothing, "dev", "app", put("WorkerTask", f"{RUNS_IN_FARGATE}/User", "0")),
    (services.containers_can_change_nothing, "dev", "app", put("WorkerTask", f"{RUNS_IN_FARGATE}/Image", "api:latest")),
    (
        services.containers_can_change_nothing,
        "dev",
        "app",
        put("WorkerTask", f"{RUNS_IN_FARGATE}/LinuxParameters/Capabilities", {}),
    ),
    (
        services.secrets_come_from_secrets_manager,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/Environment/0", {"Name": "CURSOR_SIGNING_KEY", "Value": "x"}),
    ),
    (
        services.secrets_come_from_secrets_manager,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/Secrets/0/ValueFrom", "arn:aws:ssm:us-east-1:1:parameter/x"),
    ),
    (
        settings.tasks_are_told_all_that_they_need,
        "dev",
        "app",
        put("WorkerTask", f"{RUNS_IN_FARGATE}/Secrets", []),
    ),
    (
        settings.tasks_are_told_all_that_they_need,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/Environment/7/Name", "RAW_BUCKETS"),
    ),
    (
        settings.tasks_are_told_nothing_else,
        "production",
        "app",
        put(
            "WorkerTask",
            f"{RUNS_IN_FARGATE}/Secrets/0",
            {"Name": "CURSOR_SIGNING_KEY", "ValueFrom": {"Ref": "CursorKeySecretArn"}},
        ),
    ),
    (
        settings.tasks_are_told_nothing_else,
        "dev",
        "app",
        put("WorkerTask", f"{RUNS_IN_FARGATE}/Environment/2", {"Name": "HEALTH_PROT", "Value": "8080"}),
    ),
    (
        settings.tasks_are_told_nothing_else,
        "dev",
        "app",
        put(
            "WorkerTask", f"{RUNS_IN_FARGATE}/Environment/2", {"Name": "JOBS_TABLE", "Value": {"Ref": "JobsTableName"}}
        ),
    ),
    (settings.tasks_are_told_nothing_else, "dev", "app", put("WorkerTask", f"{RUNS_IN_FARGATE}/Name", "queue-side")),
    (
        settings.tasks_are_told_the_same,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/Environment/11/Value", {"Ref": "ControlTableName"}),
    ),
    (
        settings.tasks_are_told_the_same,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/Environment/2", {"Name": "POLL_SECONDS", "Value": "60"}),
    ),
    (
        settings.tasks_start_with_what_they_are_told,
        "staging",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/Environment/4/Value", "none"),
    ),
    (
        settings.tasks_start_with_what_they_are_told,
        "dev",
        "app",
        put("WorkerTask", f"{RUNS_IN_FARGATE}/Environment/2/Value", "http"),
    ),
    (services.tasks_have_sizes_that_fargate_has, "dev", "app", put("WorkerTask", "Properties/Memory", "4096")),
    (services.tasks_end_what_they_have_in_hand, "dev", "app", put("WorkerTask", f"{RUNS_IN_FARGATE}/StopTimeout", 30)),
    (
        services.tasks_end_what_they_have_in_hand,
        "dev",
        "edge",
        put("ApiTargets", "Properties/TargetGroupAttributes/0/Value", "300"),
    ),
    (
        services.connections_outlive_the_balancers_patience,
        "dev",
        "edge",
        put("LoadBalancer", "Properties/LoadBalancerAttributes/3/Value", "120"),
    ),
    (
        services.services_are_released_without_a_gap,
        "dev",
        "app",
        put("ApiService", "Properties/DeploymentConfiguration/MinimumHealthyPercent", 50),
    ),
    (
        services.services_are_released_without_a_gap,
        "dev",
        "app",
        put("WorkerService", "Properties/DeploymentConfiguration/DeploymentCircuitBreaker/Rollback", False),
    ),
    (services.services_are_released_without_a_gap, "dev", "app", put("ApiService", "Properties/DesiredCount", 2)),
    (
        services.services_are_released_without_a_gap,
        "dev",
        "app",
        put("ApiService", "Properties/NetworkConfiguration/AwsvpcConfiguration/AssignPublicIp", "ENABLED"),
    ),
    (
        services.services_are_released_without_a_gap,
        "dev",
        "app",
        put("ApiTask", f"{RUNS_IN_FARGATE}/HealthCheck", None),
    ),
    (
        services.services_scale_between_a_floor_and_a_ceiling,
        "production",
        "app",
        put("ApiScaling", "Properties/MinCapacity", 1),
    ),
    (
        services.services_scale_between_a_floor_and_a_ceiling,
        "dev",
        "app",
        put("WorkerScaling", "Type", "AWS::SNS::Topic"),
    ),
    (
        services.services_scale_between_a_floor_and_a_ceiling,
        "dev",
        "app",
        put(
            "WorkerScalingByBacklog",
            "Properties/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Metrics/1/ReturnData",
            True,
        ),
    ),
    (
        services.scaling_follows_numbers_that_are_sent,
        "dev",
        "app",
        put(
            "WorkerScalingByOldestDue",
            "Properties/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Metrics/1/MetricStat"
            "/Metric/MetricName",
            "OldestDue",
        ),
    ),
    (
        services.the_application_has_sizes_that_emr_has,
        "dev",
        "spark",
        put("Application", "Properties/MaximumCapacity/Cpu", "2 vCPU"),
    ),
    (
        services.the_application_has_sizes_that_emr_has,
        "dev",
        "spark",
        put("Application", "Properties/AutoStopConfiguration/Enabled", False),
    ),
    (
        services.the_application_has_sizes_that_emr_has,
        "dev",
        "spark",
        put(
            "Application",
            "Properties/InitialCapacity",
            [{"Key": "Driver", "Value": {"WorkerConfiguration": {"Cpu": "3 vCPU", "Memory": "12 GB"}}}],
        ),
    ),
    (
        services.runs_events_reach_the_workers,
        "dev",
        "spark",
        put("JobRunStateRule", "Properties/EventPattern/detail-type/0", "EMR Serverless Application State Change"),
    ),
    (
        services.runs_events_reach_the_workers,
        "dev",
        "spark",
        put("JobRunStateRule", "Properties/EventPattern/detail/state", ["SUCCESS", "FAILED"]),
    ),
    (services.runs_events_reach_the_workers, "dev", "spark", put("JobRunStateRule", "Properties/Name", "another")),
    (
        services.runs_events_reach_the_workers,
        "dev",
        "spark",
        put("JobRunCostRule", "Properties/EventPattern/detail/resourceUtilizationFinal", [True]),
    ),
    (
        services.runs_events_reach_the_workers,
        "dev",
        "data",
        put("DeadLetterQueuePolicy", "Properties/PolicyDocument/Statement/1", None),
    ),
    (
        services.runs_events_reach_the_workers,
        "dev",
        "spark",
        put("JobRunStateRule", "Properties/Targets/0/DeadLetterConfig", None),
    ),
    (watch.each_alarms_metric_is_sent, "dev", "watch", put("JobsWait", "Properties/MetricName", "AgeOfOldestMessage")),
    (watch.each_alarms_metric_is_sent, "dev", "watch", put("RunsFail", "Properties/Dimensions/0/Name", "Application")),
    (watch.each_alarms_metric_is_sent, "dev", "watch", put("WorkersSilent", "Properties/MetricName", "Heartbeats")),
    (
        watch.each_filter_counts_an_event_that_is_logged,
        "dev",
        "watch",
        put("StartsRefused", "Properties/FilterPattern", '{ $.event = "start_was_refused" }'),
    ),
    (
        watch.each_filter_counts_an_event_that_is_logged,
        "dev",
        "watch",
        put("OldestDue", "Properties/MetricTransformations/0/MetricValue", "$.age_of_the_moon"),
    ),
    (
        watch.each_alarm_tells_somebody_what_to_do,
        "dev",
        "watch",
        put("JobsWait", "Properties/AlarmDescription", "Look at docs/runbooks/there-is-none.md"),
    ),
    (watch.each_alarm_tells_somebody_what_to_do, "dev", "watch", put("JobsWait", "Properties/AlarmActions", [])),
    (
        watch.silence_is_an_alarm_where_it_must_be,
        "dev",
        "watch",
        put("WorkersSilent", "Properties/TreatMissingData", "notBreaching"),
    ),
    (watch.all_that_can_fill_up_has_an_alarm, "dev", "watch", put("EventsWait", "Type", "AWS::SNS::Topic")),
    (
        watch.all_that_can_fill_up_has_an_alarm,
        "dev",
        "watch",
        put("JobsWritesThrottled", "Properties/Metrics/3/MetricStat/Metric/Dimensions/1/Value", "byNothing"),
    ),
    (
        watch.a_release_is_gated_by_an_alarm_of_its_own_doing,
        "dev",
        "app",
        put("ApiService", "Properties/DeploymentConfiguration/Alarms/AlarmNames", ["not-well"]),
    ),
    (
        watch.the_trail_does_not_record_itself,
        "dev",
        "records",
        put(
            "Trail",
            "Properties/AdvancedEventSelectors/1/FieldSelectors/2/StartsWith",
            ["arn:aws:s3:::cloud-data-platform-dev-access-logs/"],
        ),
    ),
]


@pytest.mark.parametrize(
    ("rule", "environment", "template", "change"), MISTAKES, ids=[row[0].__name__ for row in MISTAKES]
)
def test_a_mistake_is_noticed(rule, environment, template, change):
    def make_the_mistake(name, content):
        if name == template:
            change(content)

    assert list(rule(resolve_environment(environment, make_the_mistake))) != []


def test_every_rule_was_seen_to_notice_something():
    assert {rule.__name__ for rule in RULES} == {row[0].__name__ for row in MISTAKES}
