"""A local cloud for the operators' commands, whose dead-letter queue is theirs alone."""

from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud, start_cloud
from tests.integration.ops.desk import Desk


@pytest.fixture(scope="session")
def ops_cloud() -> Iterator[LocalCloud]:
    with start_cloud(("aws", "emr"), {"LOCAL_EMR_MAX_VCPU": "64"}) as cloud:
        yield cloud


@pytest.fixture
def desk(ops_cloud: LocalCloud) -> Iterator[Desk]:
    """An operator's desk; the queues are empty at first, and no process of the desk outlives the test."""
    desk = Desk(ops_cloud.environment)
    desk.empty_queues()
    yield desk
    desk.end()
