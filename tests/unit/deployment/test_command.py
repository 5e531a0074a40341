"""The command line: what `make deploy`, `make deploy-plan` and `make images` run."""

import pytest
from botocore.exceptions import NoCredentialsError

import deployment.__main__ as command
from deployment.placeholders import placeholders_in
from deployment.stacks import read_environment
from tests.fakes.cloudformation import FakeCloudFormation, FakeStack
from tests.fakes.deploying import Bucket, Emr, Registry
from tests.unit.deployment.test_deploy import BASE


class Session:
    """boto3's session of an account."""

    def __init__(self, cloudformation):
        clients = {"cloudformation": cloudformation, "s3": Bucket(), "ecr": Registry(), "emr-serverless": Emr()}
        self.client = clients.__getitem__


OWN = {"ProjectName": "cloud-data-platform", "Environment": "dev", "Region": "us-east-1", "SparkGenerations": ["a"]}


@pytest.fixture
def account(monkeypatch):
    """The account that the command finds, and a file of dev in which all is the account's own."""
    fake = FakeCloudFormation()
    monkeypatch.setattr(command, "read_environment", lambda name: OWN if name == "dev" else read_environment(name))
    monkeypatch.setattr(command.boto3.session, "Session", lambda region_name: Session(fake))
    return fake


def test_a_plan_of_some_stacks(account, capsys):
    assert command.main(["plan", "dev", "--stacks", "base, data"]) == 0

    said = capsys.readouterr().out
    assert "cloud-data-platform-dev-base: new" in said
    assert "cloud-data-platform-dev-data: new" in said
    assert account.executed == []


def test_an_application_of_one_stack(account):
    assert command.main(["apply", "dev", "--stacks", "base"]) == 0

    assert [request["StackName"] for request in account.executed] == ["cloud-data-platform-dev-base"]


@pytest.mark.parametrize(("asked", "told"), [([], "yes"), (["--roll-back-on-alarm", "no"], "no")])
def test_the_fix_of_an_outage_is_deployed_past_its_alarm(account, asked, told):
    account.declared = {"RollBackOnAlarm": "yes"}

    command.main(["apply", "dev", "--stacks", "base", *asked])

    assert account.requests[0]["Parameters"] == [{"ParameterKey": "RollBackOnAlarm", "ParameterValue": told}]


def test_what_is_refused_is_one_sentence_and_exit_code_1(account, capsys):
    assert command.main(["apply", "prod"]) == 1

    assert (
        capsys.readouterr().err == "deployment: There is no environment 'prod'; there are dev, production, staging.\n"
    )


NAMES = ", ".join(placeholders_in(read_environment("staging")))
HELD = f"deployment: staging.toml still holds placeholders: write there your account's own {NAMES}.\n"


def test_placeholders_are_told_by_a_plan_and_never_applied(account, capsys):
    assert command.main(["plan", "staging", "--stacks", "base"]) == 0
    assert capsys.readouterr().err == HELD

    assert command.main(["apply", "staging", "--stacks", "base"]) == 1
    assert capsys.readouterr().err == HELD
    assert account.executed == []


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_the_files_of_this_repository_name_nobodys_account(environment):
    held = placeholders_in(read_environment(environment))

    assert {"CertificateArn", "OidcIssuer", "OperatorPrincipalArn", "AlarmEmail"} <= set(held)
    assert not {"ProjectName", "Environment", "Region", "SparkGenerations", "OidcAudience"} & set(held)


def test_without_credentials_there_is_no_traceback(monkeypatch, capsys):
    def no_session(region_name):
        raise NoCredentialsError

    monkeypatch.setattr(command.boto3.session, "Session", no_session)

    assert command.main(["plan", "dev"]) == 1
    assert capsys.readouterr().err == "deployment: Unable to locate credentials\n"


def test_a_stack_that_does_not_exist_is_a_wrong_command_line(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["plan", "dev", "--stacks", "base,database"])

    assert ended.value.code == 2
    assert "there is no stack database; there are base, data, spark" in capsys.readouterr().err


def test_the_commands_for_images_are_lines_for_a_shell(account, capsys):
    account.stacks["cloud-data-platform-dev-base"] = FakeStack(outputs=BASE)

    assert command.main(["images", "dev"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["aws", "ecr"],
        ["docker", "build"],
        ["docker", "push"],
        ["docker", "build"],
        ["docker", "push"],
    ]
