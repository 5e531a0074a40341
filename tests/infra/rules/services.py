"""Rules about what runs: the tasks, their services, and the EMR application."""

import runpy
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from shared.settings import Settings
from shared.sizes import SIZES
from tests.infra.rules.watch import is_sent, own_metrics
from tests.infra.templates import Resolved

Stacks = Mapping[str, Resolved]
ROOT = Path(__file__).resolve().parents[3]
# vCPU -> the least and the most GB of a worker of EMR Serverless (its user guide, "Supported worker configurations").
WORKER_MEMORY_GB = {1: (2, 8), 2: (4, 16), 4: (8, 30), 8: (16, 60), 16: (32, 120)}
# CPU units -> the MiB that Fargate takes with them (ECS developer guide, "Task size").
TASK_MEMORY_MIB = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
}
SECRET_WORDS = ("KEY", "SECRET", "PASSWORD", "TOKEN")
# Names of secrets, which are none.
NAMES_OF_SECRETS = {"MASK_KEY_SECRET"}


def containers_of(stacks: Stacks) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Each container: its name, its task definition, and itself."""
    for task in stacks["app"].of_type("AWS::ECS::TaskDefinition").values():
        for container in task["ContainerDefinitions"]:
            yield container["Name"], task, container


def containers_can_change_nothing(stacks: Stacks) -> Iterator[str]:
    """A read-only root, a user without rights, no capability, and an image that cannot become another."""
    for name, _, container in containers_of(stacks):
        if container.get("ReadonlyRootFilesystem") is not True:
            yield f"{name} can write to its root"
        if container.get("User", "0").split(":")[0] in ("0", "root") or container.get("Privileged"):
            yield f"{name} runs as root"
        if container.get("LinuxParameters", {}).get("Capabilities", {}).get("Drop") != ["ALL"]:
            yield f"{name} keeps capabilities"
        if "@sha256:" not in container["Image"]:
            yield f"{name} runs {container['Image']}, which may be another tomorrow"


def secrets_come_from_secrets_manager(stacks: Stacks) -> Iterator[str]:
    """A value in the environment is shown by DescribeTaskDefinition to everybody who may look."""
    for name, _, container in containers_of(stacks):
        for variable in container["Environment"]:
            is_secret = any(word in variable["Name"] for word in SECRET_WORDS)
            if is_secret and variable["Name"] not in NAMES_OF_SECRETS:
                yield f"{name} is told {variable['Name']} in the open"
        for secret in container["Secrets"]:
            if ":secretsmanager:" not in secret["ValueFrom"]:
                yield f"{name} has {secret['Name']} from {secret['ValueFrom']}"


def tasks_have_sizes_that_fargate_has(stacks: Stacks) -> Iterator[str]:
    """CPU and memory come in pairs."""
    for name, task, _ in containers_of(stacks):
        if int(task["Memory"]) not in TASK_MEMORY_MIB[int(task["Cpu"])]:
            yield f"{name} has {task['Cpu']} CPU units and {task['Memory']} MiB"


def tasks_end_what_they_have_in_hand(stacks: Stacks) -> Iterator[str]:
    """A task is given longer to stop than it takes; a balancer sends nothing to it by then."""
    gunicorn = gunicorn_settings()
    longest = {"api": gunicorn["graceful_timeout"], "worker": Settings().drain_seconds}
    for name, _, container in containers_of(stacks):
        if not longest[name] < container["StopTimeout"] <= 120:
            yield f"{name} is killed after {container['StopTimeout']} s, and may take {longest[name]} s"
    for target, properties in stacks["edge"].of_type("AWS::ElasticLoadBalancingV2::TargetGroup").items():
        delay_seconds = int(attributes(properties["TargetGroupAttributes"])["deregistration_delay.timeout_seconds"])
        if delay_seconds >= 60:
            yield f"{target} sends requests for {delay_seconds} s to a task that is gone after 60 s"


def connections_outlive_the_balancers_patience(stacks: Stacks) -> Iterator[str]:
    """The API keeps a connection longer than the balancer does, else a request meets one that was just closed."""
    balancer = stacks["edge"].of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancer"]
    idle_seconds = int(attributes(balancer["LoadBalancerAttributes"]).get("idle_timeout.timeout_seconds", 60))
    if gunicorn_settings()["keepalive"] <= idle_seconds:
        yield f"the balancer keeps connections for {idle_seconds} s, the API for {gunicorn_settings()['keepalive']} s"


def services_are_released_without_a_gap(stacks: Stacks) -> Iterator[str]:
    """New tasks are well before old ones go; a release that is not well is rolled back; scaling's number stays."""
    for name, service in stacks["app"].of_type("AWS::ECS::Service").items():
        deployment = service["DeploymentConfiguration"]
        if deployment["MinimumHealthyPercent"] < 100:
            yield f"{name} has fewer tasks during a release"
        if deployment["DeploymentCircuitBreaker"] != {"Enable": True, "Rollback": True}:
            yield f"{name} is not rolled back"
        if "DesiredCount" in service:
            yield f"{name} sets back at each release what scaling chose"
        if service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] != "DISABLED":
            yield f"{name} has public addresses"
    for name, _, container in containers_of(stacks):
        if "HealthCheck" not in container:
            yield f"nobody asks {name} whether it is well"


def services_scale_between_a_floor_and_a_ceiling(stacks: Stacks) -> Iterator[str]:
    """Both services, by exactly one number each policy; production never has one task alone."""
    app = stacks["app"]
    targets, policies = (
        app.of_type(f"AWS::ApplicationAutoScaling::{kind}") for kind in ("ScalableTarget", "ScalingPolicy")
    )
    if len(targets) != len(app.of_type("AWS::ECS::Service")):
        yield "a service does not scale"
    for name, target in targets.items():
        floor, ceiling = int(target["MinCapacity"]), int(target["MaxCapacity"])
        if not floor <= ceiling or floor < (2 if app.parameters["Environment"] == "production" else 1):
            yield f"{name} goes from {floor} to {ceiling}"
    for name, policy in policies.items():
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metrics = tracking.get("CustomizedMetricSpecification", {}).get("Metrics")
        if metrics and [metric["ReturnData"] for metric in metrics].count(True) != 1:
            yield f"{name} follows no single number"


def scaling_follows_numbers_that_are_sent(stacks: Stacks) -> Iterator[str]:
    """By an AWS service, or by a filter over our logs; a policy that follows nothing never scales."""
    own, namespace = own_metrics(stacks), "{ProjectName}/{Environment}".format(**stacks["app"].parameters)
    for name, policy in stacks["app"].of_type("AWS::ApplicationAutoScaling::ScalingPolicy").items():
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        for each in tracking.get("CustomizedMetricSpecification", {}).get("Metrics", []):
            if "MetricStat" in each and not is_sent(each["MetricStat"]["Metric"], own, namespace):
                yield f"{name} follows {each['MetricStat']['Metric']['MetricName']}, which nobody sends"


def the_application_has_sizes_that_emr_has(stacks: Stacks) -> Iterator[str]:
    """Workers of legal sizes, room for the largest job, and nothing that is paid while nobody works."""
    for name, application in stacks["spark"].of_type("AWS::EMRServerless::Application").items():
        if application.get("AutoStopConfiguration", {}).get("Enabled") is not True:
            yield f"{name} never stops"
        for capacity in application.get("InitialCapacity", []):
            worker = capacity["Value"]["WorkerConfiguration"]
            vcpu, memory_gb = (int(worker[key].split()[0]) for key in ("Cpu", "Memory"))
            least, most = WORKER_MEMORY_GB.get(vcpu, (0, -1))
            if not least <= memory_gb <= most:
                yield f"{name} keeps workers of {vcpu} vCPU and {memory_gb} GB, which EMR has not"
        most_vcpu = int(application["MaximumCapacity"]["Cpu"].split()[0])
        if most_vcpu < SIZES["small"].driver.vcpu + SIZES["small"].executor.vcpu:
            yield f"{name} has no room for a small job"
        if application["SchedulerConfiguration"]["MaxConcurrentRuns"] == "0":
            yield f"{name} runs nothing"


def events_of_runs(application_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events that workers want, as EMR Serverless sends them, each with the rule that lets it through."""
    of_run = {"applicationId": application_id, "jobRunId": "00r"}
    for state in ("SUCCESS", "FAILED", "CANCELLED"):
        yield (
            "JobRunStateRule",
            {"detail-type": "EMR Serverless Job Run State Change", "detail": of_run | {"state": state}},
        )
    cost = {"detail-type": "EMR Serverless Job Resource Utilization Update"}
    yield "JobRunCostRule", cost | {"detail": of_run | {"resourceUtilizationFinal": False}}


def runs_events_reach_the_workers(stacks: Stacks) -> Iterator[str]:
    """The rules match what EMR sends, the queues let the rules in, and what cannot be sent is kept."""
    rules = stacks["spark"].of_type("AWS::Events::Rule")
    for name, event in events_of_runs(stacks["spark"].outputs["ApplicationId"]):
        if not matches(rules[name]["EventPattern"], {"source": "aws.emr-serverless", **event}):
            yield f"{name} does not match {event}"
    policies = stacks["data"].of_type("AWS::SQS::QueuePolicy")
    for policy in ("EventsQueuePolicy", "DeadLetterQueuePolicy"):
        patterns = [
            statement["Condition"]["ArnLike"]["aws:SourceArn"].rpartition("/")[2]
            for statement in policies[policy]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
        ]
        for rule in rules.values():
            if not any(fnmatchcase(rule["Name"], pattern) for pattern in patterns):
                yield f"{policy} does not let {rule['Name']} in"
    for name, rule in rules.items():
        for target in rule["Targets"]:
            if "DeadLetterConfig" not in target:
                yield f"{name} drops what it cannot send"


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event has, at each leaf of a pattern, one of the values that are there."""
    return all(
        matches(wanted, event.get(key, {})) if isinstance(wanted, Mapping) else event.get(key) in wanted
        for key, wanted in pattern.items()
    )


def attributes(pairs: list[Mapping[str, str]]) -> dict[str, str]:
    """Keys and values of a balancer's attributes."""
    return {pair["Key"]: pair["Value"] for pair in pairs}


def gunicorn_settings() -> dict[str, Any]:
    """What gunicorn is told."""
    return runpy.run_path(str(ROOT / "api" / "gunicorn.conf.py"))


RULES = (
    containers_can_change_nothing,
    secrets_come_from_secrets_manager,
    tasks_have_sizes_that_fargate_has,
    tasks_end_what_they_have_in_hand,
    connections_outlive_the_balancers_patience,
    services_are_released_without_a_gap,
    services_scale_between_a_floor_and_a_ceiling,
    scaling_follows_numbers_that_are_sent,
    the_application_has_sizes_that_emr_has,
    runs_events_reach_the_workers,
)
