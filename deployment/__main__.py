"""`python -m deployment plan|apply ENVIRONMENT`: what `make deploy-plan` and `make deploy` run."""

import argparse
import sys
from collections.abc import Sequence

import boto3

from deployment.change_sets import Stacks
from deployment.deploy import Account, Deployment, Wish
from deployment.stacks import ORDER, DeploymentRefused, read_environment


def names(text: str) -> list[str]:
    """A list that is separated by commas."""
    return [each.strip() for each in text.split(",") if each.strip()]


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="deployment", description="Bring cloudformation/ into an AWS account.")
    parser.add_argument("action", choices=["plan", "apply"], help="plan shows the changes, apply makes them")
    parser.add_argument("environment", help="a file of cloudformation/environments, without .toml")
    parser.add_argument("--stacks", type=names, default=ORDER, help=f"only these, of {', '.join(ORDER)}")
    parser.add_argument(
        "--allow-replace", type=names, default=(), help="logical ids of what holds data and is meant to be replaced"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """0 if all is as the templates say (or was shown), 1 if something refused it, with a sentence on stderr."""
    arguments = parse_arguments(argv)
    try:
        environment = read_environment(arguments.environment)
        session = boto3.session.Session(region_name=environment["Region"])
        account = Account(
            Stacks(session.client("cloudformation")),
            session.client("s3"),
            session.client("ecr"),
            session.client("emr-serverless"),
        )
        deployment = Deployment(account, Wish(environment, arguments.stacks, arguments.allow_replace))
        deployment.plan() if arguments.action == "plan" else deployment.apply()
    except DeploymentRefused as error:
        sys.stderr.write(f"deployment: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
