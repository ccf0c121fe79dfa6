"""One Ray with Serve for all tests of the session that need one."""

from collections.abc import Iterator

import pytest

from deployments.cluster import cluster


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A real Ray in this process tree; runs inside it join it and leave it as it was."""
    with cluster(None):
        yield
