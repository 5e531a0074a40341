"""The commands that build the images of this checkout and push them; a shell runs them (`make images`)."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deployment.change_sets import Stacks
from deployment.release import IMAGES, image_by_digest, image_tag
from deployment.stacks import DeploymentRefused, stacks_of

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


def missing_images(stacks: Stacks, ecr: "ECRClient", environment: Mapping[str, Any]) -> dict[str, str]:
    """The images that were not pushed yet, each with the full name that it gets. Raises: DeploymentRefused."""
    (base,) = stacks_of(environment, ["base"])
    if stacks.status(base.name) is None:
        raise DeploymentRefused(f"{base.name} holds the registries and is not there: deploy it first (STACKS=base).")
    outputs = stacks.outputs(base.name)
    found: dict[str, str] = {}
    for image in IMAGES:
        repository, tag = outputs[f"{image.capitalize()}RepositoryUri"], image_tag(image)
        if image_by_digest(ecr, repository, tag) is None:
            found[image] = f"{repository}:{tag}"
    return found


def image_commands(names: Mapping[str, str], environment: Mapping[str, Any]) -> list[str]:
    """Lines for a shell that log in to the registry, build these images and push them. Pure."""
    if not names:
        return []
    region, registry = environment["Region"], next(iter(names.values())).partition("/")[0]
    platform = PLATFORMS[environment.get("Architecture", "ARM64")]
    log_in = f"docker login --username AWS --password-stdin {shlex.quote(registry)}"
    lines = [f"aws ecr get-login-password --region {shlex.quote(region)} | {log_in}"]
    for image, name in names.items():
        lines.append(f"docker build --platform {platform} --target {image} --tag {shlex.quote(name)} .")
        lines.append(f"docker push {shlex.quote(name)}")
    return lines
