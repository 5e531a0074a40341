"""Which stacks there are, and where each parameter comes from."""

import pytest

from deployment import stacks
from deployment.stacks import (
    ORDER,
    DeploymentRefused,
    Stack,
    as_text,
    outputs_of_generations,
    parameters_of,
    read_environment,
    stacks_of,
)

ENVIRONMENT = {"ProjectName": "cdp", "Environment": "dev", "SparkGenerations": ["b", "a"], "LogDays": 14}
APP = Stack("cdp-dev-app", "app", {})


def test_an_environments_stacks_come_in_their_order_and_spark_once_for_each_generation():
    names = [stack.name for stack in stacks_of(ENVIRONMENT)]

    assert names == [
        "cdp-dev-base",
        "cdp-dev-data",
        "cdp-dev-spark-b",
        "cdp-dev-spark-a",
        "cdp-dev-roles",
        "cdp-dev-edge",
        "cdp-dev-app",
        "cdp-dev-records",
        "cdp-dev-watch",
    ]


def test_a_choice_of_stacks_keeps_the_order():
    assert [stack.template for stack in stacks_of(ENVIRONMENT, ["watch", "base"])] == ["base", "watch"]


def test_a_parameter_is_the_stacks_own_or_the_environments_or_known_and_else_is_left_to_its_default():
    declared = {"Generation": "a", "LogDays": "30", "KeyArn": None, "ApiCpu": "512"}
    stack = Stack("cdp-dev-spark-b", "spark", {"Generation": "b"})

    found = parameters_of(stack, declared, ENVIRONMENT, {"KeyArn": "arn:k", "LogDays": "7", "Unasked": "x"})

    assert found == {"Generation": "b", "LogDays": "14", "KeyArn": "arn:k"}


def test_all_parameters_that_nobody_gives_are_named_at_once():
    declared = {"Vpc": None, "ApiImage": None, "LogDays": None}

    with pytest.raises(DeploymentRefused, match=r"Nothing gives ApiImage, Vpc of cdp-dev-app: "):
        parameters_of(APP, declared, ENVIRONMENT, {})


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (False, "no"), (14, "14"), (["a", "b"], "a,b"), ("plain", "plain")]
)
def test_values_are_told_as_cloudformation_takes_them(value, text):
    assert as_text(value) == text


def test_later_stacks_start_runs_in_the_first_generation_and_may_look_at_all():
    outputs = [
        {"ApplicationId": "00b", "ApplicationArn": "arn:b", "JobRunsArn": "arn:b/*", "JobRoleArn": "arn:rb"},
        {"ApplicationId": "00a", "ApplicationArn": "arn:a", "JobRunsArn": "arn:a/*", "JobRoleArn": "arn:ra"},
    ]

    found = outputs_of_generations(outputs)

    assert found["ApplicationId"] == "00b"
    assert found["ApplicationArns"] == "arn:b,arn:a"
    assert found["JobRunArns"] == "arn:b/*,arn:a/*"
    assert found["JobRoleArns"] == "arn:rb,arn:ra"


def test_an_unknown_environment_is_refused_with_those_there_are():
    with pytest.raises(DeploymentRefused, match="There is no environment 'prod'; there are dev, production, staging"):
        read_environment("prod")


@pytest.mark.parametrize("template", ORDER)
def test_cloudformation_takes_each_template_as_it_is(template):
    assert Stack("any", template, {}).body().startswith("AWSTemplateFormatVersion")


def test_a_template_that_is_too_long_is_refused_before_it_is_sent(tmp_path, monkeypatch):
    monkeypatch.setattr(stacks, "TEMPLATES", tmp_path)
    (tmp_path / "app.yaml").write_text("ü" * 25_601)

    with pytest.raises(DeploymentRefused, match=r"app\.yaml has 51202 bytes; 51200 are possible"):
        APP.body()
