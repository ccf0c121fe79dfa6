"""One Ray with Serve for all tests of the session that need one."""

from collections.abc import Iterator

import pytest

from deployments.cluster import cluster
from tests.doubles.absent import PATH


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A real Ray in this process tree; runs inside it join it and leave it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATH)
        with cluster(None):
            yield
