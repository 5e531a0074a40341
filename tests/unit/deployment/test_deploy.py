"""A deployment: stack after stack, each shown before it is done."""

import json
from dataclasses import dataclass, field

import pytest

from deployment.change_sets import Stacks
from deployment.deploy import Account, Deployment, Wish
from deployment.guards import APPLICATION
from deployment.release import content_tag, image_tag
from deployment.spark_code import code_objects
from deployment.stacks import DeploymentRefused
from tests.fakes.cloudformation import FakeCloudFormation, FakeStack, change
from tests.fakes.deploying import Bucket, Emr, Registry

TABLE = change("Modify", "JobsTable", "AWS::DynamoDB::Table", "True")
IMAGES = {("cdp-dev-api", image_tag("api")): "sha256:a", ("cdp-dev-worker", image_tag("worker")): "sha256:w"}
BASE = {f"{each}RepositoryUri": f"registry/cdp-dev-{each.lower()}" for each in ("Api", "Worker")}


@dataclass
class Place:
    """An account, and what a deployment into it says."""

    cloudformation: FakeCloudFormation
    emr: Emr = field(default_factory=Emr)
    ecr: Registry = field(default_factory=lambda: Registry(IMAGES))
    s3: Bucket = field(default_factory=Bucket)
    said: list[str] = field(default_factory=list)

    def deployment(self, *templates, may_lose=(), **environment):
        told = {"ProjectName": "cdp", "Environment": "dev", "SparkGenerations": ["a"], **environment}
        account = Account(Stacks(self.cloudformation, pause=lambda _: None), self.s3, self.ecr, self.emr)
        return Deployment(account, Wish(told, templates, may_lose), self.said.append)


def test_a_plan_shows_what_would_change_and_changes_nothing():
    place = Place(FakeCloudFormation(cdp_dev_base=FakeStack(changes=[change("Modify", "Vpc", "AWS::EC2::VPC")])))

    place.deployment("base", "data").plan()

    assert place.said == [
        "cdp-dev-base: 1 changes",
        "  modify Vpc (AWS::EC2::VPC)",
        "cdp-dev-data: new",
        "  add New (AWS::SNS::Topic)",
    ]
    assert place.cloudformation.executed == []
    assert place.cloudformation.stacks.keys() == {"cdp-dev-base"}


def test_a_plan_names_the_stacks_that_cannot_be_known_yet_and_goes_on():
    place = Place(FakeCloudFormation())
    place.cloudformation.declared = {"KeyArn": None}

    place.deployment("base", "roles").plan()

    assert [line.partition(".")[0] for line in place.said] == [
        "cdp-dev-base: not known yet",
        "cdp-dev-roles: not known yet",
    ]


def test_a_plan_uploads_no_code():
    place = Place(FakeCloudFormation(cdp_dev_data=FakeStack(outputs={"ArtifactsBucketName": "artifacts"})))

    place.deployment("app").plan()

    assert place.s3.put == {}


def test_what_earlier_stacks_give_reaches_later_ones_also_from_stacks_that_are_not_wanted():
    place = Place(FakeCloudFormation(cdp_dev_base=FakeStack(outputs={"Vpc": "vpc-1"})))
    place.cloudformation.declared = {"Vpc": None}

    place.deployment("edge").apply()

    (request,) = place.cloudformation.requests
    assert (request["StackName"], request["Parameters"]) == (
        "cdp-dev-edge",
        [{"ParameterKey": "Vpc", "ParameterValue": "vpc-1"}],
    )


def test_before_what_runs_is_changed_its_spark_code_is_there_and_its_images_are_named_by_digest():
    outputs = {"ArtifactsBucketName": "artifacts"}
    place = Place(FakeCloudFormation(cdp_dev_base=FakeStack(outputs=BASE), cdp_dev_data=FakeStack(outputs=outputs)))
    place.cloudformation.declared = {"ApiImage": None, "WorkerImage": None, "SparkCodeUri": None}

    place.deployment("app").apply()

    folder = f"spark/{content_tag(code_objects())}/"
    assert sorted(place.s3.put) == [("artifacts", f"{folder}main.py"), ("artifacts", f"{folder}spark_jobs.zip")]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in place.cloudformation.requests[-1]["Parameters"]}
    assert given == {
        "ApiImage": "registry/cdp-dev-api@sha256:a",
        "WorkerImage": "registry/cdp-dev-worker@sha256:w",
        "SparkCodeUri": f"s3://artifacts/{folder}",
    }


def test_images_that_were_not_pushed_are_told_and_nothing_runs_without_them():
    place = Place(FakeCloudFormation(cdp_dev_base=FakeStack(outputs=BASE)), ecr=Registry())
    place.cloudformation.declared = {"ApiImage": None}

    with pytest.raises(DeploymentRefused, match="Nothing gives ApiImage of cdp-dev-app"):
        place.deployment("app").apply()
    assert f"registry/cdp-dev-api has no image {image_tag('api')} yet: make images ENV=... " in place.said[0]


def test_what_holds_data_is_not_replaced_by_the_way_and_the_change_set_is_forgotten():
    place = Place(FakeCloudFormation(cdp_dev_data=FakeStack(changes=[TABLE])))

    with pytest.raises(DeploymentRefused, match=r"cdp-dev-data would replace JobsTable .*: ALLOW_REPLACE=JobsTable\."):
        place.deployment("data").apply()
    assert (place.cloudformation.executed, place.cloudformation.change_sets) == ([], {})


def test_what_holds_data_is_replaced_if_it_is_named():
    place = Place(FakeCloudFormation(cdp_dev_data=FakeStack(changes=[TABLE])))

    place.deployment("data", may_lose=["JobsTable"]).apply()

    assert len(place.cloudformation.executed) == 1


@pytest.mark.parametrize(
    ("state", "refused"),
    [("CREATED", False), ("STOPPED", False), ("STARTED", True), ("STARTING", True), ("STOPPING", True)],
)
def test_an_application_is_changed_only_while_it_is_stopped(state, refused):
    outputs = {"ApplicationId": "00a", "ApplicationArn": "arn", "JobRunsArn": "arn", "JobRoleArn": "arn"}
    spark = FakeStack(outputs=outputs, changes=[change("Modify", "Application", APPLICATION)])
    place = Place(FakeCloudFormation(cdp_dev_spark_a=spark), emr=Emr(state))

    if refused:
        with pytest.raises(DeploymentRefused, match=f"application 00a, which is {state}.*another generation in front"):
            place.deployment("spark").apply()
    else:
        place.deployment("spark").apply()

    assert bool(place.cloudformation.executed) is not refused


def test_a_second_generation_is_made_beside_the_first_whatever_that_does():
    outputs = {"ApplicationId": "00", "ApplicationArn": "arn", "JobRunsArn": "arn", "JobRoleArn": "arn"}
    place = Place(FakeCloudFormation(cdp_dev_spark_a=FakeStack(outputs=outputs)), emr=Emr("STARTED"))
    place.cloudformation.outputs_of_new = outputs

    place.deployment("spark", SparkGenerations=["b", "a"]).apply()

    assert [request["StackName"] for request in place.cloudformation.executed] == ["cdp-dev-spark-b"]


def test_nothing_to_do_is_not_done():
    place = Place(FakeCloudFormation(cdp_dev_base=FakeStack(), cdp_dev_data=FakeStack()))

    place.deployment("base", "data").apply()

    assert place.said == ["cdp-dev-base: 0 changes", "cdp-dev-data: 0 changes"]
    assert place.cloudformation.executed == []


def test_in_production_a_stack_is_protected_once_it_is_made():
    place = Place(FakeCloudFormation())

    place.deployment("data", Environment="production").apply()

    (stack,) = place.cloudformation.stacks.values()
    assert stack.protected
    deny = json.loads(stack.policy)["Statement"][1]
    assert deny["Action"] == ["Update:Replace", "Update:Delete"]
    assert "AWS::DynamoDB::Table" in deny["Condition"]["StringEquals"]["ResourceType"]


def test_elsewhere_a_stack_can_be_taken_away_as_it_came():
    place = Place(FakeCloudFormation())

    place.deployment("data").apply()

    assert not place.cloudformation.stacks["cdp-dev-data"].protected
