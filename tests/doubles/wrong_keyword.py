"""An engine of somebody's own with a bug in it: a call in a group of tasks has a keyword that does not exist."""

import asyncio

from schemas.ids import content_id
from schemas.samples import Classification, ClassificationRequest
from tests.doubles.engines import InstantEngine, InstantOptions


class WrongKeyword(InstantEngine):
    """Judges well but for one text in eight."""

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Fails for the same texts each time."""
        if int(content_id(request.text)[:8], 16) % 8 == 0:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(0, nonsense=True))  # type: ignore[call-arg]
        return await super().classify(request)


def wrong_keyword() -> WrongKeyword:
    """Factory for a configuration."""
    return WrongKeyword(InstantOptions())
