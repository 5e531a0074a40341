"""One AWS of the local cloud for all integration tests that need no more of it."""

from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud, start_cloud


@pytest.fixture(scope="session")
def aws_cloud() -> Iterator[LocalCloud]:
    with start_cloud(("aws",)) as cloud:
        yield cloud
