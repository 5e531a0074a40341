"""The steps by which a signing key is rotated, and what each makes of the keys. Pure.

Of two keys the first signs and both are taken. Between the steps every task must have started anew: a task that does
not know a key yet must never meet what another has signed by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from deployment.stacks import DeploymentRefused

STEPS = ("add", "promote", "drop")


@dataclass(frozen=True)
class SigningKey:
    """A key that rotates: its secret and who reads it, by outputs of stacks, and how long what it signs is used."""

    secret: str
    services: tuple[str, ...]
    used_for: timedelta


KEYS = {
    "cursor": SigningKey("CursorKeySecretArn", ("ApiServiceName",), timedelta(days=1)),
    # The longest that a job may take (DEADLINE_SECONDS at its most).
    "callback": SigningKey("CallbackKeySecretArn", ("ApiServiceName", "WorkerServiceName"), timedelta(days=7)),
}


class Phase(StrEnum):
    """How far a rotation is."""

    RESTING = "one key"
    ADDED = "the old key signs, the new one is taken"
    PROMOTED = "the new key signs, the old one is taken"


def phase_of(current: Sequence[str], previous: Sequence[str]) -> Phase:
    """How far it is, by the keys of now and those before. Raises: DeploymentRefused if no step led here."""
    if len(current) == 1:
        return Phase.RESTING
    if len(current) == 2 and list(previous) == [current[0]]:
        return Phase.ADDED
    if len(current) == 2 and list(previous) == [current[1], current[0]]:
        return Phase.PROMOTED
    raise DeploymentRefused("The secret holds keys that no step of a rotation left. Put one key there by hand.")


def keys_after(step: str, phase: Phase, keys: Sequence[str], new_key: str) -> list[str]:
    """The keys after a step; those of now if it was taken already. Raises: DeploymentRefused if it is not its turn."""
    match step, phase:
        case "add", Phase.RESTING:
            return [*keys, new_key]
        case "promote", Phase.ADDED:
            return [keys[1], keys[0]]
        case "drop", Phase.PROMOTED:
            return [keys[0]]
        case ("add", Phase.ADDED) | ("promote", Phase.PROMOTED) | ("drop", Phase.RESTING):
            return list(keys)
    turn = {Phase.RESTING: "add", Phase.ADDED: "promote", Phase.PROMOTED: "drop"}[phase]
    raise DeploymentRefused(f"It is not the turn of {step} ({phase}): the next step is {turn}.")
