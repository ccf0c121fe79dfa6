"""The embedder of a run: it packs a model's vectors as samples keep them. It runs in a replica or in this process."""

from actors.protocols import TextEncoder
from actors.text.vectors import packed
from deployments.build.judges import embedder_version
from deployments.engines.build import sample_encoder
from schemas.config_gates import EmbedderModel
from schemas.errors import EngineError, ErrorKind
from schemas.samples import Cost
from schemas.vectors import Embedded, EmbeddingRequest, Vector


class SampleEmbedder:
    """`actors.protocols.Embedder` over an encoder. `of` makes it."""

    def __init__(self, encoder: TextEncoder, by: str) -> None:
        self._encoder = encoder
        self._by = by

    @classmethod
    async def of(cls, config: EmbedderModel) -> "SampleEmbedder":
        """Loads the model. Raises ModelError when it does not exist or is no encoder."""
        return cls(await sample_encoder(config), embedder_version(config))

    @property
    def slots(self) -> int | None:
        """How many texts the model reads at once; None if it does not say."""
        return getattr(self._encoder, "slots", None)

    async def embed(self, request: EmbeddingRequest) -> Embedded:
        """The text's vector. Raises EngineError, also if the model's numbers are no vector."""
        made = await self._encoder.embed(request.text)
        try:
            parts = packed(made.values)
        except ValueError as error:
            raise EngineError(ErrorKind.NONSENSE, f"{self._by} gave {error}") from error
        return Embedded(Vector(self._by, parts), Cost(prompt_tokens=made.tokens))

    async def check(self) -> None:
        """Raises EngineError when it cannot answer any more and should be replaced."""
        await self._encoder.check()

    async def close(self) -> None:
        """Ends the model."""
        await self._encoder.close()
