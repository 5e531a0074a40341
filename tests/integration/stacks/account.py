"""An account of the local cloud, with our own deployment in front of it."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from deployment.change_sets import Stacks
from deployment.deploy import Account, Deployment, Wish
from deployment.release import IMAGES, image_tag
from deployment.stacks import ORDER, read_environment, stacks_of
from local.cloud import LocalCloud
from local.deploy import make_client
from local.marked import wait_until
from tests.integration.stacks.simulator import Simulator

PATIENCE_SECONDS = 30
BUCKET_SUFFIX = "-tried"


class LocalAccount:
    """Deploys an environment into one account; `said` is what the deployments have shown."""

    def __init__(self, cloud: LocalCloud, account_id: str, applications: Mapping[str, str] | None = None) -> None:
        # MiniStack takes an access key of twelve digits for an account.
        self.variables = {**cloud.environment, "AWS_ACCESS_KEY_ID": account_id}
        self.said: list[str] = []
        self.cloudformation = self.client("cloudformation")
        self._simulator: Any = Simulator(self.cloudformation, applications or {})

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return make_client(service, self.variables)

    def deploy(
        self, environment: str, templates: Sequence[str] = ORDER, may_lose: Collection[str] = (), **changes: Any
    ) -> list[str]:
        """Bring the stacks to what the templates say, with other parameters here and there. What was shown, by line."""
        self.said = []
        stacks = Stacks(self._simulator, self.said.append, pause=lambda _: None)
        account = Account(stacks, self.client("s3"), self.client("ecr"), self.client("emr-serverless"))
        # Names of buckets are one account's in all the world, and this one is not the first here.
        wish = Wish(read_environment(environment) | {"BucketSuffix": BUCKET_SUFFIX} | changes, templates, may_lose)
        Deployment(account, wish, self.said.append).apply()
        return self.said

    def push_images(self, environment: str) -> None:
        """Something with the tag of each image, as `make images` would push it."""
        for image in IMAGES:
            name = f"cloud-data-platform-{environment}-{image}"
            manifest = json.dumps({"of": image})
            self.client("ecr").put_image(repositoryName=name, imageManifest=manifest, imageTag=image_tag(image))

    def create(self, environment: str, **changes: Any) -> list[str]:
        """An environment from nothing: the registries, the images, the rest."""
        self.deploy(environment, ["base"], **changes)
        self.push_images(environment)
        return self.deploy(environment, **changes)

    def delete(self, environment: str, **changes: Any) -> None:
        """Delete all its stacks, the last first."""
        for stack in reversed(stacks_of(read_environment(environment) | changes)):
            self.cloudformation.delete_stack(StackName=stack.name)
            assert wait_until(lambda name=stack.name: self.status(name) is None, PATIENCE_SECONDS), self.status(
                stack.name
            )

    def status(self, name: str) -> str | None:
        """The status of a stack; None if there is none."""
        return Stacks(self.cloudformation).status(name)

    def resources(self, name: str) -> dict[str, tuple[str, str]]:
        """The type and the status of each resource of a stack, by logical id."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        rows = [row for page in pages for row in page["StackResourceSummaries"]]
        return {row["LogicalResourceId"]: (row["ResourceType"], row["ResourceStatus"]) for row in rows}
