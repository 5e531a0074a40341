"""`python -m deployment.rotate_key ENVIRONMENT cursor|callback add|promote|drop|show`: what `make rotate-key` runs."""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.change_sets import Stacks
from deployment.key_steps import KEYS, STEPS, Phase, SigningKey, keys_after, phase_of
from deployment.stacks import DeploymentRefused, read_environment, stacks_of

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEY_BYTES = 32
POLL_SECONDS = 10.0
LONGEST_POLLS = 180


@dataclass(frozen=True)
class Place:
    """Where a key of an environment lies, and who reads it."""

    key: SigningKey
    secret: str
    cluster: str
    services: tuple[str, ...]


@dataclass(frozen=True)
class Keys:
    """The keys of a secret: all that are taken, since when, and how far their rotation is."""

    values: list[str]
    since: datetime
    phase: Phase


class Rotation:
    """Takes a key's steps, and starts the tasks anew after each."""

    def __init__(
        self,
        place: Place,
        secrets_manager: "SecretsManagerClient",
        ecs: Any,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._secrets = secrets_manager
        self._ecs = ecs
        self._clock = clock
        self._pause = pause

    def look(self) -> Keys:
        """The keys as they are now. Raises: DeploymentRefused if no step left them so."""
        found = self._secrets.get_secret_value(SecretId=self._place.secret)
        values = found["SecretString"].split(",")
        return Keys(values, found["CreatedDate"], phase_of(values, self._previous()))

    def take(self, step: str, *, at_once: bool = False) -> Keys:
        """Take a step, and wait until every task knows. A step that was taken already only starts the tasks anew.

        `at_once` forgoes what the old key signed and is still used. Raises: DeploymentRefused.
        """
        keys = self.look()
        values = keys_after(step, keys.phase, keys.values, secrets.token_hex(KEY_BYTES))
        if values != keys.values:
            self._refuse_too_early(step, keys, at_once)
            self._secrets.put_secret_value(SecretId=self._place.secret, SecretString=",".join(values))
        for service in self._place.services:
            self._ecs.update_service(cluster=self._place.cluster, service=service, forceNewDeployment=True)
        self._wait_for_tasks()
        return self.look()

    def _previous(self) -> list[str]:
        try:
            found = self._secrets.get_secret_value(SecretId=self._place.secret, VersionStage="AWSPREVIOUS")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return []  # nobody has changed it yet
        return found["SecretString"].split(",")

    def _refuse_too_early(self, step: str, keys: Keys, at_once: bool) -> None:
        if keys.phase is not Phase.RESTING and not all(self._know_since(keys.since)):
            raise DeploymentRefused("Not every task has started since the last step: take that one again first.")
        free_at = keys.since + self._place.key.used_for
        if step == "drop" and not at_once and self._clock() < free_at:
            raise DeploymentRefused(
                f"What the old key signed is used until {free_at:%Y-%m-%d %H:%M} UTC. Wait, or if the key leaked and "
                "that is to be refused: NOW=yes."
            )

    def _know_since(self, since: datetime) -> list[bool]:
        """Of each service, whether all its tasks are of one deployment, complete and begun after a time."""
        found = self._ecs.describe_services(cluster=self._place.cluster, services=list(self._place.services))
        return [
            [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]
            and service["deployments"][0]["createdAt"] >= since
            for service in found["services"]
        ]

    def _wait_for_tasks(self) -> None:
        since = self.look().since
        for _ in range(LONGEST_POLLS):
            if all(self._know_since(since)):
                return
            self._pause(POLL_SECONDS)
        raise DeploymentRefused(
            "The tasks were not all started anew within half an hour: see the events of the services, then take this "
            "step again. Until then both keys stay as they are, and no request fails."
        )


def place_of(key: str, environment: dict[str, Any], stacks: Stacks) -> Place:
    """Where a key of an environment lies. Raises: DeploymentRefused if the stacks are not there."""
    outputs: dict[str, str] = {}
    for stack in stacks_of(environment, ["data", "app"]):
        if stacks.status(stack.name) is None:
            raise DeploymentRefused(f"{stack.name} is not there: deploy it first.")
        outputs |= stacks.outputs(stack.name)
    about = KEYS[key]
    services = tuple(outputs[name] for name in about.services)
    return Place(about, outputs[about.secret], outputs["ClusterName"], services)


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="deployment.rotate_key", description="Rotate a key that signs.")
    parser.add_argument("environment", help="a file of cloudformation/environments, without .toml")
    parser.add_argument("key", choices=sorted(KEYS))
    parser.add_argument("step", choices=[*STEPS, "show"], help="in this order; show changes nothing")
    parser.add_argument("--now", action="store_true", help="drop a key that leaked, and refuse what it signed")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """0 if the step was taken, 1 if something refused it, with a sentence on stderr. No key is ever shown."""
    arguments = parse_arguments(argv)
    try:
        environment = read_environment(arguments.environment)
        session = boto3.session.Session(region_name=environment["Region"])
        place = place_of(arguments.key, environment, Stacks(session.client("cloudformation")))
        rotation = Rotation(place, session.client("secretsmanager"), session.client("ecs"))
        keys = rotation.look() if arguments.step == "show" else rotation.take(arguments.step, at_once=arguments.now)
    except (DeploymentRefused, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"rotate_key: {error}\n")
        return 1
    sys.stdout.write(f"{arguments.key}: {keys.phase}, since {keys.since:%Y-%m-%d %H:%M} UTC\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
