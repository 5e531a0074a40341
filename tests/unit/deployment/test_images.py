"""The commands that build and push images."""

import pytest

from deployment.change_sets import Stacks
from deployment.images import image_commands, missing_images
from deployment.release import image_tag
from deployment.stacks import DeploymentRefused
from tests.fakes.cloudformation import FakeCloudFormation, FakeStack
from tests.fakes.deploying import Registry

ENVIRONMENT = {"ProjectName": "cdp", "Environment": "dev", "Region": "eu-west-1", "SparkGenerations": ["a"]}
REGISTRY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
BASE = FakeStack(outputs={f"{each}RepositoryUri": f"{REGISTRY}/cdp-dev-{each.lower()}" for each in ("Api", "Worker")})


def test_images_that_were_pushed_are_not_built_again():
    registry = Registry({("cdp-dev-api", image_tag("api")): "sha256:abc"})

    found = missing_images(Stacks(FakeCloudFormation(cdp_dev_base=BASE)), registry, ENVIRONMENT)

    assert found == {"worker": f"{REGISTRY}/cdp-dev-worker:{image_tag('worker')}"}


def test_without_registries_there_is_nowhere_to_push_to():
    with pytest.raises(DeploymentRefused, match=r"cdp-dev-base holds the registries .* \(STACKS=base\)"):
        missing_images(Stacks(FakeCloudFormation()), Registry(), ENVIRONMENT)


@pytest.mark.parametrize(("architecture", "platform"), [({}, "arm64"), ({"Architecture": "X86_64"}, "amd64")])
def test_a_shell_logs_in_and_builds_and_pushes_each_for_the_environments_architecture(architecture, platform):
    assert image_commands({"api": f"{REGISTRY}/cdp-dev-api:t1"}, ENVIRONMENT | architecture) == [
        f"aws ecr get-login-password --region eu-west-1 | docker login --username AWS --password-stdin {REGISTRY}",
        f"docker build --platform linux/{platform} --target api --tag {REGISTRY}/cdp-dev-api:t1 .",
        f"docker push {REGISTRY}/cdp-dev-api:t1",
    ]


def test_nothing_missing_is_nothing_to_do():
    assert image_commands({}, ENVIRONMENT) == []
