"""Every engine goes on with a turn that has begun: what follows a prefix is what followed it when it was written."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from deployments.engines.roles import EngineRole
from schemas.samples import Message
from tests.deployments.engines.conftest import TinyModels
from tests.deployments.engines.references import chat, greedy_reference
from tests.deployments.engines.test_conformance import ENGINES, Subject, one_of, started

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def generator(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    subject = await started(request.param, EngineRole.GENERATOR, request)
    yield subject
    await subject.engine.close()


async def test_it_goes_on_where_it_was_stopped(generator: Subject, tiny: TinyModels) -> None:
    """The likeliest text, cut anywhere and given back as the turn's beginning, goes on as it did."""
    text, _ = greedy_reference(tiny, "Hello you", 24)
    for cut in (1, len(text) // 2, len(text) - 2):
        request = chat("Hello you", temperature=0, max_tokens=24)
        begun = replace(request, messages=(*request.messages, Message("assistant", text[:cut])))
        found = await one_of(generator, begun)
        assert text[:cut] + found.text[: len(text) - cut] == text


async def test_the_prefix_is_read_not_written(generator: Subject) -> None:
    """It counts as a part of the prompt, token by token, and a line's end at its end is not lost; but a server trims it
    where its chat template does, as this one's."""
    prefix = "A line.\n"
    request = chat("Hello you", temperature=0, max_tokens=4)
    plain = await one_of(generator, request)
    begun = replace(request, messages=(*request.messages, Message("assistant", prefix)))
    found = await one_of(generator, begun)
    read = prefix.rstrip() if generator.name == "http" else prefix
    assert found.prompt_tokens == plain.prompt_tokens + len(read)
    assert found.completion_tokens <= 4
