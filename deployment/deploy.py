"""A deployment: stack after stack, each shown before it is done."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from deployment.change_sets import Plan, Stacks
from deployment.guards import HOLD_DATA, changes_application, losses
from deployment.release import image_by_digest, image_tag, spark_code_uri, upload_spark_code
from deployment.spark_code import code_objects
from deployment.stacks import ORDER, DeploymentRefused, Stack, outputs_of_generations, parameters_of, stacks_of

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_emr_serverless import EMRServerlessClient
    from mypy_boto3_s3 import S3Client

# Once `data` is there: replacements and removals of what holds data need an administrator who takes this away first.
KEEP_WHAT_HOLDS_DATA = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["Update:Replace", "Update:Delete"],
                "Resource": "*",
                "Condition": {"StringEquals": {"ResourceType": [*HOLD_DATA]}},
            },
        ]
    }
)


@dataclass(frozen=True)
class Account:
    """The services of an account that a deployment talks to."""

    stacks: Stacks
    s3: "S3Client"
    ecr: "ECRClient"
    emr: "EMRServerlessClient"


@dataclass(frozen=True)
class Wish:
    """What is to be deployed, and which replacements of what holds data are meant, by logical id."""

    environment: dict[str, Any]
    templates: Sequence[str] = ORDER
    may_lose: Collection[str] = ()


class Deployment:
    """Plans and applies the stacks of one environment."""

    def __init__(self, account: Account, wish: Wish, say: Callable[[str], None] = print) -> None:
        self._account = account
        self._wish = wish
        self._say = say
        self._known: dict[str, str] = {}

    def plan(self) -> None:
        """Show what would change, and change nothing. A stack whose parameters are not there yet is only named."""
        for stack in self._stacks(lambda _bucket: None):
            try:
                plan = self._plan(stack)
            except DeploymentRefused as error:
                self._say(f"{stack.name}: not known yet. {error}")
                continue
            self._show(plan)
            self._account.stacks.drop(plan)

    def apply(self) -> None:
        """Change what differs. Raises: DeploymentRefused; what was done before stays done."""
        for stack in self._stacks(self._upload):
            plan = self._plan(stack)
            self._show(plan)
            if not plan.changes:
                continue
            try:
                self._refuse(plan)
            except DeploymentRefused:
                self._account.stacks.drop(plan)
                raise
            self._account.stacks.apply(plan)
            if self._is_production:
                self._account.stacks.protect(stack.name, KEEP_WHAT_HOLDS_DATA)

    @property
    def _is_production(self) -> bool:
        return bool(self._wish.environment["Environment"] == "production")

    def _stacks(self, before_release: Callable[[str], None]) -> Iterator[Stack]:
        """The wanted stacks; what earlier ones gave is learnt on the way, also from those that are not wanted.

        `before_release` is called with the artifacts' bucket before what runs is told of this release.
        """
        for template, stacks in groupby(stacks_of(self._wish.environment), key=lambda stack: stack.template):
            generations = list(stacks)
            if template in self._wish.templates:
                if template == "app":
                    self._learn_release(before_release)
                yield from generations
            self._learn(template, generations)

    def _learn(self, template: str, stacks: Sequence[Stack]) -> None:
        there = [stack for stack in stacks if self._account.stacks.status(stack.name)]
        if len(there) < len(stacks):
            return  # only planned so far
        outputs = [self._account.stacks.outputs(stack.name) for stack in stacks]
        self._known |= outputs_of_generations(outputs) if template == "spark" else outputs[0]

    def _learn_release(self, before_release: Callable[[str], None]) -> None:
        """The Spark code and the images of this checkout; what is not there yet is missing among the parameters."""
        bucket = self._known.get("ArtifactsBucketName")
        if bucket is not None:
            before_release(bucket)
            self._known["SparkCodeUri"] = spark_code_uri(bucket, code_objects())
        for image, parameter in (("api", "Api"), ("worker", "Worker")):
            repository, tag = self._known.get(f"{parameter}RepositoryUri"), image_tag(image)
            if repository is None:
                continue
            found = image_by_digest(self._account.ecr, repository, tag)
            if found is None:
                self._say(f"{repository} has no image {tag} yet: make images ENV=... builds it and pushes it.")
                continue
            self._known[f"{parameter}Image"] = found

    def _upload(self, bucket: str) -> None:
        upload_spark_code(self._account.s3, bucket, code_objects())

    def _plan(self, stack: Stack) -> Plan:
        declared = self._account.stacks.declared(stack)
        parameters = parameters_of(stack, declared, self._wish.environment, self._known)
        project = f"{self._wish.environment['ProjectName']}-{self._wish.environment['Environment']}"
        # Nothing that changes with each release: a tag is a change too, and a started EMR application refuses it.
        return self._account.stacks.plan(stack, parameters, {"project": project})

    def _show(self, plan: Plan) -> None:
        self._say(f"{plan.stack.name}: {'new' if plan.is_new else f'{len(plan.changes)} changes'}")
        for change in plan.changes:
            self._say(f"  {change}")

    def _refuse(self, plan: Plan) -> None:
        lost = losses(plan.changes, self._wish.may_lose)
        if lost:
            raise DeploymentRefused(
                f"{plan.stack.name} would {'; '.join(map(str, lost))}. That may lose what it holds. If it is meant, "
                f"name it: ALLOW_REPLACE={','.join(change.logical_id for change in lost)}."
            )
        if not plan.is_new and changes_application(plan.changes):
            self._refuse_started_application(plan)

    def _refuse_started_application(self, plan: Plan) -> None:
        application_id = self._account.stacks.outputs(plan.stack.name)["ApplicationId"]
        state = self._account.emr.get_application(applicationId=application_id)["application"]["state"]
        if state not in ("CREATED", "STOPPED"):
            raise DeploymentRefused(
                f"{plan.stack.name} would change application {application_id}, which is {state}, and AWS refuses that. "
                "Put another generation in front of SparkGenerations, or wait until the application has stopped."
            )
