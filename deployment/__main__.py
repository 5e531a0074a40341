"""`python -m deployment plan|apply|images ENVIRONMENT`: what the targets deploy-plan, deploy and images run."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.change_sets import Stacks
from deployment.deploy import Account, Deployment, Wish
from deployment.images import image_commands, missing_images
from deployment.placeholders import placeholders_in
from deployment.stacks import ORDER, DeploymentRefused, read_environment


def names(text: str) -> list[str]:
    """A list that is separated by commas."""
    return [each.strip() for each in text.split(",") if each.strip()]


def stack_names(text: str) -> list[str]:
    """Names of stacks. Raises: ArgumentTypeError if there is no such stack."""
    found = names(text)
    unknown = [each for each in found if each not in ORDER]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no stack {', '.join(unknown)}; there are {', '.join(ORDER)}")
    return found


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="deployment", description="Bring cloudformation/ into an AWS account.")
    parser.add_argument(
        "action",
        choices=["plan", "apply", "images"],
        help="plan shows the changes, apply makes them, images prints how to build and push what is not pushed yet",
    )
    parser.add_argument("environment", help="a file of cloudformation/environments, without .toml")
    parser.add_argument("--stacks", type=stack_names, default=ORDER, help=f"only these, of {', '.join(ORDER)}")
    parser.add_argument(
        "--allow-replace", type=names, default=(), help="logical ids of what holds data and is meant to be replaced"
    )
    parser.add_argument(
        "--roll-back-on-alarm",
        choices=["yes", "no"],
        default="yes",
        help="no for the fix of an outage, whose alarm is on already and would end this deployment too",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, session: boto3.session.Session, environment: dict[str, Any]) -> None:
    """Do what the command line asks. Raises: DeploymentRefused, and what AWS's clients raise."""
    account = Account(
        Stacks(session.client("cloudformation")),
        session.client("s3"),
        session.client("ecr"),
        session.client("emr-serverless"),
    )
    if arguments.action == "images":
        lines = image_commands(missing_images(account.stacks, account.ecr, environment), environment)
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    refuse_placeholders(arguments, environment)
    told = environment | {"RollBackOnAlarm": arguments.roll_back_on_alarm}
    deployment = Deployment(account, Wish(told, arguments.stacks, arguments.allow_replace))
    deployment.plan() if arguments.action == "plan" else deployment.apply()


def refuse_placeholders(arguments: argparse.Namespace, environment: dict[str, Any]) -> None:
    """Warn of what is not this account's. Raises: DeploymentRefused where it would be more than a plan."""
    held = placeholders_in(environment)
    if not held:
        return
    text = f"{arguments.environment}.toml still holds placeholders: write there your account's own {', '.join(held)}."
    if arguments.action == "apply":
        raise DeploymentRefused(text)
    sys.stderr.write(f"deployment: {text}\n")


def main(argv: Sequence[str]) -> int:
    """0 if all is as the templates say (or was shown), 1 if something refused it, with a sentence on stderr."""
    arguments = parse_arguments(argv)
    try:
        environment = read_environment(arguments.environment)
        run(arguments, boto3.session.Session(region_name=environment["Region"]), environment)
    except (DeploymentRefused, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"deployment: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
