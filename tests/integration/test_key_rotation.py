"""A rotation of keys on a Secrets Manager that is one, and on the fake that the unit tests trust."""

from datetime import timedelta
from typing import Any

import pytest

from deployment.key_steps import KEYS, STEPS, Phase
from deployment.rotate_key import Place, Rotation
from local.cloud import LocalCloud
from local.deploy import make_client
from shared.moments import utc_now
from tests.fakes.rotating import FakeEcs, FakeSecrets

NAME = "rotated-cursor-key"
OLD = "o" * 64


@pytest.fixture(params=["fake", "ministack"])
def secrets(request: pytest.FixtureRequest) -> Any:
    """A Secrets Manager with one secret."""
    if request.param == "fake":
        return FakeSecrets(OLD, utc_now)
    cloud: LocalCloud = request.getfixturevalue("aws_cloud")
    client = make_client("secretsmanager", cloud.environment)
    client.create_secret(Name=NAME, SecretString=OLD)
    return client


def test_each_step_changes_the_keys_once_and_the_last_leaves_a_new_one(secrets: Any):
    def later():
        return utc_now() + timedelta(days=2)

    place = Place(KEYS["cursor"], NAME, "cluster", ("api",))
    rotation = Rotation(place, secrets, FakeEcs(later), later, pause=lambda _: None)
    values, phases = [rotation.look().values], [rotation.look().phase]

    for step in STEPS:
        first, again = rotation.take(step), rotation.take(step)
        assert first.values == again.values
        values.append(again.values)
        phases.append(again.phase)

    new = values[-1][0]
    assert values == [[OLD], [OLD, new], [new, OLD], [new]]
    assert phases == [Phase.RESTING, Phase.ADDED, Phase.PROMOTED, Phase.RESTING]
    assert new != OLD
