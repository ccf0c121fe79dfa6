"""One Ray with Serve for all tests of the session that need one."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from deployments.ray.cluster import cluster
from tests.doubles.absent import PATH


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A real Ray in this process tree; runs inside it join it and leave it as it was."""
    with ExitStack() as running:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", PATH)  # Ray's processes inherit it, and what tests start later does not
            running.enter_context(cluster(None))
        yield
